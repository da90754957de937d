"""When the conversations of a made-up account were created.

A support desk has quiet nights and weekends, grows gently, is sometimes flooded within a second,
and now and then something happens exactly at midnight.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

DAY = 86_400
WEEKDAYS = (1.1, 1.15, 1.05, 1.0, 0.95, 0.4, 0.3)
HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 16, 17, 19, 18, 15, 12, 9, 7, 6, 5, 4, 3)
GROWTH = 0.3
"""How much busier the last day is than the first, as a share of the mean."""


def moments(rng: Random, size: int, since: int, now: int) -> list[int]:
    """This many creation times from ``since`` to ``now``, epoch seconds, ascending."""
    bursts = _bursts(rng, size, since, now)
    edges = _edges(rng, size // 50, since, now)
    rest = _everyday(rng, size - len(bursts) - len(edges), since, now)
    return sorted(bursts + edges + rest)


def _everyday(rng: Random, size: int, since: int, now: int) -> list[int]:
    first, last = since // DAY, now // DAY
    span = max(last - first, 1)
    weights = [
        WEEKDAYS[(day + 3) % 7] * (1 - GROWTH / 2 + GROWTH * (day - first) / span)
        for day in range(first, last + 1)
    ]
    days = rng.choices(range(first, last + 1), cum_weights=list(accumulate(weights)), k=size)
    hours = rng.choices(range(24), weights=HOURS, k=size)
    draw = rng.random
    found = [
        day * DAY + hour * 3600 + int(draw() * 3600) for day, hour in zip(days, hours, strict=True)
    ]
    return [
        moment if since <= moment <= now else since + int(draw() * (now - since + 1))
        for moment in found
    ]


def _bursts(rng: Random, size: int, since: int, now: int) -> list[int]:
    few = 1 if size >= 200 else 0
    many = min(20, size // 1000)
    found: list[int] = []
    for _ in range(max(few, many)):
        found += [rng.randint(since, now)] * rng.randint(30, min(120, size // 5))
    return found


def _edges(rng: Random, size: int, since: int, now: int) -> list[int]:
    found: list[int] = []
    while len(found) < size:
        midnight = rng.randint(since, now) // DAY * DAY
        month = datetime.fromtimestamp(midnight, UTC).replace(day=1)
        near = (midnight, midnight - 1, int(month.timestamp()))
        found += [moment for moment in near if since <= moment <= now]
        if now - since < 2 * DAY:
            break
    return found[:size]

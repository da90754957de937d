"""Questions about an account that touch the edges of what happened in it.

Two engines that cut or count differently show it where a conversation lies in the very second in
which a range or a bucket begins or ends, or a second beside it; drawn anywhere else, a question
tells next to nothing.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final, get_args
from urllib.parse import urlencode

from compat.config.conventions import ViewBy
from compat.core import buckets
from compat.core.buckets import DAY
from compat.core.intervals import Interval
from compat.core.models import Row
from compat.v1.datetimes import format_epoch, from_epoch, to_epoch

PATH: Final = "/v1/reports/conversations/new.json"
_LENGTHS: Final = (
    0,
    1,
    DAY - 1,
    DAY,
    7 * DAY - 1,
    7 * DAY,
    31 * DAY,
    59 * DAY,
    62 * DAY,
    200 * DAY,
)
_VIEWS: Final = (*get_args(ViewBy), None)
_IN_VAIN: Final = 200
"""Repetitions in a row after which there is thought to be nothing more to ask."""


@dataclass(frozen=True)
class GridQuestion:
    """A question about new conversations.

    Attributes:
        current: The range, both ends included.
        view_by: The length of a bucket; None leaves it to the convention.
        filters: Ids and types by the name of their parameter.
        previous: The range to compare with.
    """

    current: Interval
    view_by: ViewBy | None = None
    filters: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict)
    previous: Interval | None = None

    @property
    def ranges(self) -> list[Interval]:
        """The ranges asked about, one or two."""
        return [self.current, *([self.previous] if self.previous else [])]

    def pairs(self) -> list[tuple[str, str]]:
        """Its names and values, as the old API took them."""
        pairs = [*_edges("start", "end", self.current)]
        if self.previous:
            pairs += _edges("previousStart", "previousEnd", self.previous)
        if self.view_by:
            pairs.append(("viewBy", self.view_by))
        return pairs + [(name, ",".join(map(str, ids))) for name, ids in self.filters.items()]

    def target(self) -> str:
        """Path and query."""
        return f"{PATH}?{urlencode(self.pairs(), safe=':,')}"


def questions(rows: Sequence[Row], window: Interval, seed: int = 1) -> Iterator[GridQuestion]:
    """Different questions about a window, equal seeds giving equal ones.

    First comes the window as a whole, then what touches a conversation, until nothing is new.

    Args:
        rows: The conversations created in the window, sorted.
        window: Which no question leaves.
        seed: Draws the questions.
    """
    seen: set[str] = set()
    in_vain = 0
    for asked in _drawn(rows, window, Random(seed)):  # noqa: S311 - no secret is drawn
        if asked.target() in seen:
            in_vain += 1
            if in_vain == _IN_VAIN:
                return
            continue
        in_vain = 0
        seen.add(asked.target())
        yield asked


def _drawn(rows: Sequence[Row], window: Interval, rng: Random) -> Iterator[GridQuestion]:
    yield from (GridQuestion(window, view_by) for view_by in _VIEWS)
    while rows:
        row, view_by = rng.choice(rows), rng.choice(_VIEWS)
        touched = row.created + rng.choice((-1, 0, 1))
        if current := _clipped(_range(touched, view_by, rng), window):
            before = current.first - rng.choice((0, 1, current.last - current.first + 1))
            previous = Interval(before - (current.last - current.first), before)
            yield GridQuestion(
                current,
                view_by,
                _filters(row, rng),
                _clipped(previous, window) if rng.random() < 1 / 4 else None,
            )


def _range(touched: int, view_by: ViewBy | None, rng: Random) -> Interval:
    """A range that begins or ends in a second, or of whose buckets one begins in it."""
    length = rng.choice(_LENGTHS)
    match rng.choice(("start", "end", "bucket", "bucket")):
        case "start":
            return Interval(touched, touched + length)
        case "end":
            return Interval(touched - length, touched)
        case _:
            first = _earlier(touched, rng.randint(1, 3), view_by or "week")
            return Interval(first, touched + length)


def _earlier(second: int, steps: int, view_by: ViewBy) -> int:
    """The instant so many buckets before another; for months the day is cut where it must be."""
    if view_by != "month":
        return second - steps * {"day": 1, "week": 7}[view_by] * DAY
    moment = from_epoch(second)
    year, month = divmod(moment.year * 12 + moment.month - 1 - steps, 12)
    if year < 1:
        return buckets.FIRST_SECOND
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return to_epoch(datetime.replace(moment, year=year, month=month + 1, day=day))


def _clipped(span: Interval, window: Interval) -> Interval | None:
    """As much of a span as lies in the window, if any."""
    first, last = max(span.first, window.first), min(span.last, window.last)
    return Interval(first, last) if first <= last else None


def _filters(row: Row, rng: Random) -> dict[str, tuple[int | str, ...]]:
    """None, or some by which the conversation counts, and perhaps more than they let through."""
    tags = row.tags or (1,)
    by: dict[str, tuple[int | str, ...]] = {
        "mailboxes": (row.mailbox,),
        "tags": tuple(sorted({*tags[:1], rng.choice((1, *tags))})),
        "types": (row.type,),
    }
    return {name: by[name] for name in rng.choice(_FILTERED)}


_FILTERED: Final = ((), (), ("mailboxes",), ("tags",), ("types",), ("mailboxes", "tags"))


def _edges(first: str, last: str, span: Interval) -> list[tuple[str, str]]:
    return [
        (first, format_epoch(span.first)),
        (last, format_epoch(span.last)),
    ]

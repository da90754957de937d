"""Intervals of time, and coverage: which intervals are known, and as of when.

All instants are whole epoch seconds in UTC. Both ends of an interval are included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Interval(NamedTuple):
    """An interval of creation time. Both ends are included, so it is never empty."""

    first: int
    last: int


class Coverage(NamedTuple):
    """An interval of which every conversation was fetched.

    Attributes:
        interval: The interval of creation time.
        as_of: When fetching began, epoch seconds by the clock of Mailbox API 2.0.
    """

    interval: Interval
    as_of: int


class MaxAges(NamedTuple):
    """How old data may be and still be used, in seconds.

    Attributes:
        recent: For conversations created less than `settled` seconds before they were fetched.
            They still change often, and new ones may have been created since.
        older: For all other conversations.
        settled: The age, in seconds, from which a conversation counts as older.
    """

    recent: int
    older: int
    settled: int = 86_400


def usable(known: Iterable[Coverage], now: int, ages: MaxAges) -> list[Coverage]:
    """The parts that are young enough at `now` (epoch seconds by upstream's clock)."""
    parts = []
    for interval, as_of in known:
        if now - as_of < ages.recent:
            parts.append(Coverage(interval, as_of))
        elif now - as_of < ages.older and interval.first <= (last := as_of - ages.settled):
            parts.append(Coverage(Interval(interval.first, min(interval.last, last)), as_of))
    return parts


def lifetime(part: Coverage, ages: MaxAges) -> int:
    """How many seconds after its `as_of` the whole of a part may be used."""
    settled = part.interval.last <= part.as_of - ages.settled
    return max(ages.recent, ages.older) if settled else ages.recent


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same seconds as separate intervals in ascending order, none next to another."""
    result: list[Interval] = []
    for interval in sorted(intervals):
        if result and interval.first <= result[-1].last + 1:
            result[-1] = Interval(result[-1].first, max(result[-1].last, interval.last))
        else:
            result.append(interval)
    return result


def difference(wanted: Iterable[Interval], excluded: Iterable[Interval]) -> list[Interval]:
    """The seconds of `wanted` that are not in `excluded`, as separate ascending intervals."""
    rest = union(wanted)
    for hole in excluded:
        rest = [part for interval in rest for part in _subtract(interval, hole)]
    return rest


def add_coverage(known: Sequence[Coverage], news: Coverage) -> list[Coverage]:
    """Coverage with `news` added; it replaces what was known of the same seconds."""
    kept = [
        Coverage(part, as_of)
        for interval, as_of in known
        for part in _subtract(interval, news.interval)
    ]
    return sorted([*kept, news])


def coalesce(known: Iterable[Coverage]) -> list[Coverage]:
    """The same coverage in the fewest parts: neighbours with the same `as_of` become one."""
    parts: list[Coverage] = []
    for interval, as_of in sorted(known):
        if parts and parts[-1].as_of == as_of and parts[-1].interval.last + 1 == interval.first:
            parts[-1] = Coverage(Interval(parts[-1].interval.first, interval.last), as_of)
        else:
            parts.append(Coverage(interval, as_of))
    return parts


def intersection(some: Iterable[Coverage], others: Sequence[Coverage]) -> list[Coverage]:
    """The seconds that both cover, each with the earlier `as_of` of the two."""
    return coalesce(
        Coverage(
            Interval(
                max(one.interval.first, other.interval.first),
                min(one.interval.last, other.interval.last),
            ),
            min(one.as_of, other.as_of),
        )
        for one in some
        for other in others
        if overlaps(one.interval, other.interval)
    )


def overlaps(one: Interval, other: Interval) -> bool:
    """Whether two intervals have a second in common."""
    return one.first <= other.last and other.first <= one.last


def _subtract(interval: Interval, hole: Interval) -> list[Interval]:
    """The zero, one or two parts of an interval that are outside a hole."""
    if not overlaps(interval, hole):
        return [interval]
    left = Interval(interval.first, hole.first - 1)
    right = Interval(hole.last + 1, interval.last)
    return [part for part in (left, right) if part.first <= part.last]

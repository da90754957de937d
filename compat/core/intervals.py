"""Which stretch of creation time is known, and as of when; pure arithmetic on intervals.

All instants are whole epoch seconds, UTC; both ends of a span are included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Interval(NamedTuple):
    """A stretch of creation time, both ends included; never empty."""

    first: int
    last: int


class Coverage(NamedTuple):
    """A span whose conversations were all fetched.

    Attributes:
        span: The stretch of creation time.
        as_of: The second at which the fetching began, by upstream's clock.
    """

    interval: Interval
    as_of: int


class MaxAges(NamedTuple):
    """How old knowledge may be and still be used, in seconds.

    Attributes:
        recent: For conversations created less than `settled` before they were fetched: they
            still change often, and new ones may have come.
        older: For all others.
        settled: How long after its creation a conversation counts as an older one.
    """

    recent: int
    older: int
    settled: int = 86_400


def usable(known: Iterable[Coverage], now: int, ages: MaxAges) -> list[Coverage]:
    """The parts that may still be used at `now` (epoch seconds by upstream's clock)."""
    parts = []
    for span, as_of in known:
        if now - as_of < ages.recent:
            parts.append(Coverage(span, as_of))
        elif now - as_of < ages.older and span.first <= (last := as_of - ages.settled):
            parts.append(Coverage(Interval(span.first, min(span.last, last)), as_of))
    return parts


def lifetime(part: Coverage, ages: MaxAges) -> int:
    """For how many seconds after its as-of a part may be used, all of it."""
    settled = part.interval.last <= part.as_of - ages.settled
    return max(ages.recent, ages.older) if settled else ages.recent


def union(spans: Iterable[Interval]) -> list[Interval]:
    """The same seconds as disjoint spans in ascending order, none touching the next."""
    result: list[Interval] = []
    for span in sorted(spans):
        if result and span.first <= result[-1].last + 1:
            result[-1] = Interval(result[-1].first, max(result[-1].last, span.last))
        else:
            result.append(span)
    return result


def difference(wanted: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """The seconds of `wanted` that are not in `taken`, as disjoint ascending spans."""
    rest = union(wanted)
    for hole in taken:
        rest = [part for span in rest for part in _beside(span, hole)]
    return rest


def add_coverage(known: Sequence[Coverage], news: Coverage) -> list[Coverage]:
    """Knowledge after `news`, which takes the place of what was known of the same seconds."""
    kept = [Coverage(part, as_of) for span, as_of in known for part in _beside(span, news.interval)]
    return sorted([*kept, news])


def coalesce(known: Iterable[Coverage]) -> list[Coverage]:
    """The same knowledge in the fewest parts: neighbours of the same age are one."""
    parts: list[Coverage] = []
    for span, as_of in sorted(known):
        if parts and parts[-1].as_of == as_of and parts[-1].interval.last + 1 == span.first:
            parts[-1] = Coverage(Interval(parts[-1].interval.first, span.last), as_of)
        else:
            parts.append(Coverage(span, as_of))
    return parts


def intersection(some: Iterable[Coverage], others: Sequence[Coverage]) -> list[Coverage]:
    """The seconds known twice over, as of the older of the two."""
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
    """Whether two spans have a second in common."""
    return one.first <= other.last and other.first <= one.last


def _beside(span: Interval, hole: Interval) -> list[Interval]:
    """What is left of a span when a hole is cut into it."""
    if not overlaps(span, hole):
        return [span]
    left, right = Interval(span.first, hole.first - 1), Interval(hole.last + 1, span.last)
    return [part for part in (left, right) if part.first <= part.last]

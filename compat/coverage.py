"""Which stretch of creation time is known, and as of when; pure arithmetic on intervals.

All instants are whole epoch seconds, UTC; both ends of a span are included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of creation time, both ends included; never empty."""

    first: int
    last: int


class Known(NamedTuple):
    """A span whose conversations were all fetched.

    Attributes:
        span: The stretch of creation time.
        as_of: The second at which the fetching began, by upstream's clock.
    """

    span: Span
    as_of: int


class Ages(NamedTuple):
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


def usable(known: Iterable[Known], now: int, ages: Ages) -> list[Known]:
    """The parts that may still be used at `now` (epoch seconds by upstream's clock)."""
    parts = []
    for span, as_of in known:
        if now - as_of < ages.recent:
            parts.append(Known(span, as_of))
        elif now - as_of < ages.older and span.first <= (last := as_of - ages.settled):
            parts.append(Known(Span(span.first, min(span.last, last)), as_of))
    return parts


def lifetime(part: Known, ages: Ages) -> int:
    """For how many seconds after its as-of a part may be used, all of it."""
    settled = part.span.last <= part.as_of - ages.settled
    return max(ages.recent, ages.older) if settled else ages.recent


def united(spans: Iterable[Span]) -> list[Span]:
    """The same seconds as disjoint spans in ascending order, none touching the next."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.first <= result[-1].last + 1:
            result[-1] = Span(result[-1].first, max(result[-1].last, span.last))
        else:
            result.append(span)
    return result


def without(wanted: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """The seconds of `wanted` that are not in `taken`, as disjoint ascending spans."""
    rest = united(wanted)
    for hole in taken:
        rest = [part for span in rest for part in _beside(span, hole)]
    return rest


def learn(known: Sequence[Known], news: Known) -> list[Known]:
    """Knowledge after `news`, which takes the place of what was known of the same seconds."""
    kept = [Known(part, as_of) for span, as_of in known for part in _beside(span, news.span)]
    return sorted([*kept, news])


def joined(known: Iterable[Known]) -> list[Known]:
    """The same knowledge in the fewest parts: neighbours of the same age are one."""
    parts: list[Known] = []
    for span, as_of in sorted(known):
        if parts and parts[-1].as_of == as_of and parts[-1].span.last + 1 == span.first:
            parts[-1] = Known(Span(parts[-1].span.first, span.last), as_of)
        else:
            parts.append(Known(span, as_of))
    return parts


def in_both(some: Iterable[Known], others: Sequence[Known]) -> list[Known]:
    """The seconds known twice over, as of the older of the two."""
    return joined(
        Known(
            Span(max(one.span.first, other.span.first), min(one.span.last, other.span.last)),
            min(one.as_of, other.as_of),
        )
        for one in some
        for other in others
        if overlap(one.span, other.span)
    )


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans have a second in common."""
    return one.first <= other.last and other.first <= one.last


def _beside(span: Span, hole: Span) -> list[Span]:
    """What is left of a span when a hole is cut into it."""
    if not overlap(span, hole):
        return [span]
    left, right = Span(span.first, hole.first - 1), Span(hole.last + 1, span.last)
    return [part for part in (left, right) if part.first <= part.last]

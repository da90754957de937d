"""Counts put together from stretches of time, and from single rows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from compat.coverage import Span
from compat.tally import Tally


@dataclass(frozen=True)
class Counts:
    """Counts of a tally that grow.

    Attributes:
        ranges: The edges of the buckets of each range.
        values: The counts so far.
    """

    ranges: Sequence[Sequence[int]]
    values: list[list[int]]

    def put(self, created: int, sign: int) -> None:
        """Count a conversation, or one less."""
        for edges, values in zip(self.ranges, self.values, strict=True):
            if edges[0] <= created < edges[-1]:
                values[bisect_right(edges, created) - 1] += sign


def zeros(tally: Tally) -> Counts:
    """Nothing counted yet."""
    return Counts(tally.ranges, [[0] * (len(edges) - 1) for edges in tally.ranges])


def add(
    counts: Counts, tally: Tally, span: Span, count: Callable[[Tally], Sequence[Sequence[int]]]
) -> None:
    """Add what was created in a span.

    Args:
        counts: What grows.
        tally: What is counted.
        span: Seconds of creation.
        count: Counts a tally, without a look at spans.
    """
    for edges, values in zip(tally.ranges, counts.values, strict=True):
        first, after = max(edges[0], span.first), min(edges[-1], span.last + 1)
        if first >= after:
            continue
        at, end = bisect_right(edges, first) - 1, bisect_left(edges, after)
        part = (first, *edges[at + 1 : end], after)
        (found,) = count(replace(tally, ranges=(part,)))
        for number, value in enumerate(found):
            values[at + number] += value

"""Counting instead of bringing: what is counted, as data that a source can count by itself.

The rules of what counts are here once; a source that keeps conversations in a database or in
memory says the same in its own terms, and tests hold all of them to `Filter.admits`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Progress, Row

UNTAGGED: Final = -1
"""Among the tags of a filter: conversations without any. No tag has this id."""


@dataclass(frozen=True)
class Filter:
    """Which of the conversations that were needed count.

    Attributes:
        states: The states that count.
        excluded_statuses: The statuses that do not.
        types: Only conversations of one of these types; of any if empty.
        tags: Only conversations with one of these tags, which may be `UNTAGGED`; all if empty.
        all_tags: Whether they must have each of the tags instead of one.
    """

    states: frozenset[str]
    excluded_statuses: frozenset[str]
    types: frozenset[str] = frozenset()
    tags: frozenset[int] = frozenset()
    all_tags: bool = False

    def matches(self, row: Row) -> bool:
        """Whether a conversation counts."""
        return (
            row.state in self.states
            and row.status not in self.excluded_statuses
            and (not self.types or row.type in self.types)
            and (not self.tags or self._tagged(row))
        )

    def _tagged(self, row: Row) -> bool:
        agree = all if self.all_tags else any
        return agree(tag in row.tags if tag != UNTAGGED else not row.tags for tag in self.tags)


@dataclass(frozen=True)
class CountQuery:
    """How many conversations were created in each bucket of some ranges.

    Attributes:
        conversations: The conversations to count among.
        filter: Those of them that count.
        ranges: For each range the edges of its buckets, in ascending order: epoch seconds UTC. A
            bucket holds the second at its beginning, and not the one at its end, which is the
            beginning of the next.
    """

    conversations: ConversationQuery
    filter: Filter
    ranges: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class CountResult:
    """What a source counted.

    Attributes:
        counts: For each range the number of conversations in each of its buckets.
        as_of: As of `compat.core.models.Found`.
        fresh_until: Likewise.
        totals: Whether upstream's totals were taken in place of conversations.
    """

    counts: Sequence[Sequence[int]]
    as_of: int
    fresh_until: float
    totals: bool = False


@runtime_checkable
class CountingSource(Protocol):
    """A source that may be able to count without bringing rows."""

    def count(self, tally: CountQuery, progress: Progress) -> CountResult | None:
        """The counts; None where it takes the rows to know them."""


def matching_rows(rows: Iterable[Row], which: Filter) -> list[Row]:
    """The rows that count, in the order given."""
    return [row for row in rows if which.matches(row)]


@dataclass(frozen=True)
class BucketCounts:
    """Counts of a tally that grow.

    Attributes:
        ranges: The edges of the buckets of each range.
        values: The counts so far.
    """

    ranges: Sequence[Sequence[int]]
    values: list[list[int]]

    def add(self, created: int, sign: int) -> None:
        """Count a conversation, or one less."""
        for edges, values in zip(self.ranges, self.values, strict=True):
            if edges[0] <= created < edges[-1]:
                values[bisect_right(edges, created) - 1] += sign


def empty_counts(tally: CountQuery) -> BucketCounts:
    """Nothing counted yet."""
    return BucketCounts(tally.ranges, [[0] * (len(edges) - 1) for edges in tally.ranges])


def add_interval(
    counts: BucketCounts,
    tally: CountQuery,
    span: Interval,
    count: Callable[[CountQuery], Sequence[Sequence[int]]],
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

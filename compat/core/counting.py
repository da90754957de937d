"""Counting conversations: which ones count, and count queries that a source can answer itself.

The rules of what counts are in `Filter.matches`. The archive implements the same rules in SQL and
in its index in memory; tests compare both with `Filter.matches`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol, runtime_checkable

from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Progress, Row, UnknownValue

UNTAGGED: Final = -1
"""In a filter's tags: conversations without any tag. No real tag has this id."""


@dataclass(frozen=True)
class Filter:
    """Which of the conversations in a query count.

    Attributes:
        states: The states that count.
        excluded_statuses: The statuses that do not count.
        types: Only conversations of one of these types; all types if empty.
        tags: Only conversations with one of these tags, or `UNTAGGED`; all if empty.
        all_tags: Whether a conversation needs all of the tags instead of one of them.
    """

    states: frozenset[str]
    excluded_statuses: frozenset[str]
    types: frozenset[str] = frozenset()
    tags: frozenset[int] = frozenset()
    all_tags: bool = False

    def matches(self, row: Row) -> bool:
        """Whether a conversation counts.

        Raises:
            UnknownValue: That depends on a value that is unknown.
        """
        if row.state not in self.states or row.status in self.excluded_statuses:
            return False
        unknown = ""
        if self.types:
            if row.type is None:
                unknown = "type"
            elif row.type not in self.types:
                return False
        if self.tags:
            if row.tags is None:
                unknown = "tags"
            elif not self._matches_tags(row.tags):
                return False
        if unknown:
            raise UnknownValue.of(row.id, unknown)
        return True

    def _matches_tags(self, tags: tuple[int, ...]) -> bool:
        quantifier = all if self.all_tags else any
        return quantifier(not tags if tag == UNTAGGED else tag in tags for tag in self.tags)


def matching_rows(
    rows: Iterable[Row], which: Filter, undecided: Mapping[int, str] = MappingProxyType({})
) -> list[Row]:
    """The rows that count, in the order given.

    Args:
        rows: The rows.
        which: The filter.
        undecided: As in `compat.core.models.RowSet`.

    Raises:
        UnknownValue: Whether one of them counts depends on a value that is unknown.
    """
    found = [row for row in rows if which.matches(row)]
    for row in found:
        if row.id in undecided:
            raise UnknownValue.of(row.id, undecided[row.id])
    return found


class RatingCounts(NamedTuple):
    """How customers rated the replies that were sent in a range.

    Attributes:
        great: How many replies they rated as great.
        okay: How many they rated as okay.
        not_good: How many they rated as not good.
        raters: How many customers rated one, each counted once; customers who are unknown are
            left out.
        helped: How many customers got a reply, rated or not, each counted once; as in
            `compat.core.activity.customers_helped`.
    """

    great: int = 0
    okay: int = 0
    not_good: int = 0
    raters: int = 0
    helped: int = 0


@dataclass(frozen=True)
class CountQuery:
    """What is counted in each bucket of some ranges: new conversations, messages, or ratings.

    Attributes:
        conversations: The conversations to count among. For messages and ratings, its intervals
            are those in which the messages or replies were created, and the conversations are of
            any age.
        filter: Which of them count.
        ranges: For each range the edges of its buckets, epoch seconds UTC in ascending order. A
            bucket includes the second at its first edge and excludes the one at its second
            edge, where the next bucket begins.
        counted: What is counted: conversations; or the messages of customers in them
            (`compat.core.activity.customer_messages`); or the ratings of their threads. For
            ratings, each range has one bucket, and its result is `RatingCounts`.
        users: For ratings: only threads that one of these users wrote; all if empty.
        automatic_replies: For ratings: whether replies that workflows sent help a customer, as the
            convention `automatic_replies_count` says.
    """

    conversations: ConversationQuery
    filter: Filter
    ranges: tuple[tuple[int, ...], ...]
    counted: Literal["conversations", "messages", "ratings"] = "conversations"
    users: frozenset[int] = frozenset()
    automatic_replies: bool = True

    @property
    def filtered_fields(self) -> list[str]:
        """The fields of a row that it filters by and that may be unknown."""
        used = {
            "mailbox": self.conversations.mailboxes,
            "folder": self.conversations.folders,
            "type": self.filter.types,
            "tags": self.filter.tags,
        }
        return [name for name, values in used.items() if values]

    def matches(self, row: Row) -> bool:
        """Whether a conversation counts in some bucket, if it was created in one.

        Raises:
            UnknownValue: That depends on a value that is unknown.
        """
        if not self.conversations.admits(row):
            return False
        return bool(matching_rows([row], self.filter, self.conversations.undecided([row])))


@dataclass(frozen=True)
class CountResult:
    """A source's answer to a count query.

    Attributes:
        counts: For each range the number in each of its buckets; for ratings, `RatingCounts` for
            each range.
        as_of: As in `compat.core.models.RowSet`.
        fresh_until: As in `compat.core.models.RowSet`.
        totals: Whether the numbers are totals that Mailbox API 2.0 reports, not counted rows.
    """

    counts: Sequence[Sequence[int]]
    as_of: int
    fresh_until: float
    totals: bool = False


@runtime_checkable
class CountingSource(Protocol):
    """A source that can answer some count queries without loading rows."""

    def count(self, query: CountQuery, progress: Progress) -> CountResult | None:
        """The counts; None if this query needs the rows."""


@runtime_checkable
class SourceWithHistory(Protocol):
    """A source that may know the threads of all time."""

    def customers_helped(
        self, users: frozenset[int], which: Filter, progress: Progress, *, automatic_replies: bool
    ) -> int | None:
        """How many customers ever got a reply of one of some users, each counted once.

        Customers who are unknown are left out.

        Args:
            users: Of these users; of any if empty.
            which: In which conversations.
            progress: Can cancel the work.
            automatic_replies: As in `CountQuery`.

        Returns:
            The number; None if the source does not know the threads of all time.
        """


class BucketCounts:
    """Counts per bucket that are added up from several parts.

    Args:
        query: What is counted.

    Attributes:
        values: For each range the counts of its buckets so far.
    """

    def __init__(self, query: CountQuery) -> None:
        self._query = query
        self.values = [[0] * (len(edges) - 1) for edges in query.ranges]

    def add_conversation(self, created: int, sign: int) -> None:
        """Add a conversation to the bucket of its creation.

        Args:
            created: Epoch seconds UTC; outside all ranges it changes nothing.
            sign: 1 to add it, -1 to take it away again.
        """
        for edges, values in zip(self._query.ranges, self.values, strict=True):
            if edges[0] <= created < edges[-1]:
                values[bisect_right(edges, created) - 1] += sign

    def add_interval(
        self, interval: Interval, count: Callable[[CountQuery], Sequence[Sequence[int]]]
    ) -> None:
        """Add all conversations that were created in an interval.

        Args:
            interval: The interval of creation time.
            count: Answers a count query whose ranges lie within the interval.
        """
        for edges, values in zip(self._query.ranges, self.values, strict=True):
            first, after = max(edges[0], interval.first), min(edges[-1], interval.last + 1)
            if first >= after:
                continue
            start, stop = bisect_right(edges, first) - 1, bisect_left(edges, after)
            part = (first, *edges[start + 1 : stop], after)
            (counts,) = count(replace(self._query, ranges=(part,)))
            for number, value in enumerate(counts, start):
                values[number] += value

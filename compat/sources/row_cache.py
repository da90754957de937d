"""A cache of conversation rows. It keeps which interval is covered, and as of when."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from compat import clock
from compat.core import intervals
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import Row, RowSet, in_order_of_creation


@dataclass(frozen=True)
class Scope:
    """Which conversations were loaded, apart from the time: the key of the cache.

    Attributes:
        mailboxes: The ids of their mailboxes; all mailboxes if empty.
        spam: Whether conversations marked as spam were loaded as well.
    """

    mailboxes: frozenset[int] = frozenset()
    spam: bool = False

    def includes(self, other: Scope) -> bool:
        """Whether all conversations of `other` are in this scope."""
        all_mailboxes = not self.mailboxes or (
            bool(other.mailboxes) and other.mailboxes <= self.mailboxes
        )
        return all_mailboxes and (self.spam or not other.spam)

    def contains(self, row: Row) -> bool:
        """Whether a row is in one of the scope's mailboxes by its payload, or may be."""
        return not self.mailboxes or row.mailbox is None or row.mailbox in self.mailboxes


@dataclass
class _Entry:
    """The rows of one scope, sorted by creation and id, and what they cover."""

    covered: list[Coverage] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    used: float = 0.0

    def within(self, interval: Interval) -> list[Row]:
        return self.rows[_slice(self.rows, interval)]

    def put(self, interval: Interval, rows: Iterable[Row], as_of: int) -> None:
        self.rows[_slice(self.rows, interval)] = rows
        self.covered = intervals.add_coverage(self.covered, Coverage(interval, as_of))

    def remove_oldest(self) -> None:
        oldest = min(self.covered, key=lambda coverage: coverage.as_of)
        self.covered.remove(oldest)
        del self.rows[_slice(self.rows, oldest.interval)]

    def size(self) -> int:
        """The number of rows and of intervals: many empty intervals query memory as well."""
        return len(self.rows) + len(self.covered)


class Claim:
    """The cached rows for one query, and the gaps that its holder alone may load.

    Attributes:
        gaps: The intervals of creation that are not cached or too old.
    """

    def __init__(
        self,
        cache: RowCache,
        scope: Scope,
        parts: list[Coverage],
        rows: list[Row],
        gaps: list[Interval],
    ) -> None:
        self._cache = cache
        self._scope = scope
        self._parts = parts
        self._rows = rows
        self._started = cache.elapsed()
        self.gaps = gaps

    def put(self, rows: Iterable[Row], as_of: int) -> None:
        """Add the rows of all gaps.

        Args:
            rows: All conversations of the scope that were created in the gaps.
            as_of: When loading them started, epoch seconds by upstream's clock.
        """
        rows = in_order_of_creation(rows)
        self._cache.put(self._scope, self.gaps, rows, as_of, started=self._started)
        self._parts += [Coverage(gap, as_of) for gap in self.gaps]
        self._rows = in_order_of_creation([*self._rows, *rows])

    def result(self) -> RowSet:
        """All rows of the query, each once, sorted by creation; `put` must fill gaps before."""
        as_of = min(part.as_of for part in self._parts)
        return RowSet(self._rows, as_of, self._cache.fresh_until(self._parts))


class RowCache:
    """Rows and the intervals that they cover; safe to share between threads.

    Args:
        ages: How old rows may be.
        most_rows: How many rows are kept. The scope that was least recently used loses its
            oldest rows first.
        elapsed: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        ages: MaxAges,
        most_rows: int,
        *,
        elapsed: Callable[[], float] = clock.elapsed,
    ) -> None:
        self.elapsed = elapsed
        self._ages = ages
        self._most_rows = most_rows
        self._upstream_ahead = 0.0
        self._entries: dict[Scope, _Entry] = {}
        self._claimed: list[tuple[Scope, Interval]] = []
        self._changed = threading.Condition()

    @contextmanager
    def claim(
        self, scope: Scope, wanted: Iterable[Interval], check: Callable[[], None]
    ) -> Iterator[Claim]:
        """Claim the gaps in what is cached, until the context ends.

        While another thread has claimed some of the wanted seconds, this one waits: each second
        is loaded once.

        Args:
            scope: The conversations wanted.
            wanted: Intervals of creation; they may overlap.
            check: Called while waiting; raises to stop.
        """
        wanted = intervals.union(wanted)
        with self._changed:
            claim = self._find(scope, wanted)
            while self._is_claimed(scope, claim.gaps):
                self._changed.wait(0.5)
                check()
                claim = self._find(scope, wanted)
            claims = [(scope, gap) for gap in claim.gaps]
            self._claimed += claims
        try:
            yield claim
        finally:
            with self._changed:
                for each in claims:
                    self._claimed.remove(each)
                self._changed.notify_all()

    def put(
        self,
        scope: Scope,
        covered: Iterable[Interval],
        rows: Sequence[Row],
        as_of: int,
        *,
        started: float,
    ) -> None:
        """Keep the rows of some intervals, in place of those kept before.

        Args:
            scope: The conversations that were loaded.
            covered: The intervals of creation that `rows` cover completely.
            rows: The rows, sorted.
            as_of: When loading them started, epoch seconds by upstream's clock.
            started: The same moment, in seconds of `elapsed`.
        """
        with self._changed:
            self._upstream_ahead = as_of - started
            entry = self._entries.setdefault(scope, _Entry())
            entry.used = started + self._upstream_ahead
            for interval in covered:
                entry.put(interval, rows[_slice(rows, interval)], as_of)
            self._remove_surplus()

    def fresh_until(self, parts: Iterable[Coverage]) -> float:
        """Until when some parts may be used, all of them, in seconds of `elapsed`."""
        ends = (part.as_of + intervals.lifetime(part, self._ages) for part in parts)
        return min(ends) - self._upstream_ahead

    @property
    def row_count(self) -> int:
        """The number of rows kept."""
        with self._changed:
            return sum(len(entry.rows) for entry in self._entries.values())

    def _find(self, scope: Scope, wanted: list[Interval]) -> Claim:
        """The rows that may be used, from the scope that covers most of the wanted seconds."""
        now = self.elapsed() + self._upstream_ahead
        parts: list[Coverage] = []
        rows: list[Row] = []
        for kept, entry in self._entries.items():
            if not kept.includes(scope):
                continue
            usable = _usable(entry, wanted, int(now), self._ages)
            if _seconds(usable) > _seconds(parts):
                entry.used = now
                parts = usable
                found = (row for part in parts for row in entry.within(part.interval))
                rows = [row for row in found if scope.contains(row)]
        gaps = intervals.difference(wanted, (part.interval for part in parts))
        return Claim(self, scope, parts, rows, gaps)

    def _is_claimed(self, scope: Scope, gaps: list[Interval]) -> bool:
        return any(
            claimed.includes(scope) and intervals.overlaps(interval, gap)
            for claimed, interval in self._claimed
            for gap in gaps
        )

    def _remove_surplus(self) -> None:
        while sum(entry.size() for entry in self._entries.values()) > self._most_rows:
            scope, entry = min(self._entries.items(), key=lambda item: item[1].used)
            entry.remove_oldest()
            if not entry.covered:
                del self._entries[scope]


def _usable(entry: _Entry, wanted: list[Interval], now: int, ages: MaxAges) -> list[Coverage]:
    """The parts of the wanted intervals that an entry covers and that are young enough."""
    return [
        Coverage(Interval(max(one.first, interval.first), min(one.last, interval.last)), as_of)
        for interval, as_of in intervals.usable(entry.covered, now, ages)
        for one in wanted
        if intervals.overlaps(one, interval)
    ]


def _slice(rows: Sequence[Row], interval: Interval) -> slice:
    """Where the rows created in an interval are; rows are tuples that begin with the second."""
    edges = (interval.first, interval.last + 1)
    return slice(*(bisect_left(rows, (edge,)) for edge in edges))


def _seconds(parts: Iterable[Coverage]) -> int:
    return sum(part.interval.last - part.interval.first + 1 for part in parts)

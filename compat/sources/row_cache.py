"""Rows fetched a while ago, kept with the time they cover and the instant they are as of."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from compat import clock
from compat.core import intervals
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import Progress, Row, RowSet


@dataclass(frozen=True)
class Scope:
    """Which conversations a fetch brings, beside the time: the key under which rows are kept."""

    mailboxes: frozenset[int] = frozenset()
    spam: bool = False

    def includes(self, other: Scope) -> bool:
        """Whether all that `other` brings is in what this brings."""
        all_mailboxes = not self.mailboxes or (
            bool(other.mailboxes) and other.mailboxes <= self.mailboxes
        )
        return all_mailboxes and (self.spam or not other.spam)


@dataclass(frozen=True)
class Fetched:
    """Rows from upstream, and the second by its clock at which the fetching began."""

    rows: Sequence[Row]
    as_of: int


Fetch = Callable[[Scope, Sequence[Interval], Progress], Fetched]


@dataclass
class _Entry:
    """What is known of one scope. Rows sort by creation, then id: they are tuples."""

    known: list[Coverage] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    used: float = 0.0

    def within(self, span: Interval) -> list[Row]:
        return self.rows[self._slice(span)]

    def put(self, span: Interval, rows: Iterable[Row], as_of: int) -> None:
        self.rows[self._slice(span)] = rows
        self.known = intervals.add_coverage(self.known, Coverage(span, as_of))

    def forget_oldest(self) -> None:
        oldest = min(self.known, key=lambda known: known.as_of)
        self.known.remove(oldest)
        del self.rows[self._slice(oldest.interval)]

    def _slice(self, span: Interval) -> slice:
        first, after = (bisect_left(self.rows, (edge,)) for edge in (span.first, span.last + 1))
        return slice(first, after)


class RowCache:
    """Answers from rows at hand, and fetches only what is new or too old.

    Safe to share between threads. A fetch under way is waited for when it brings seconds that
    are wanted, instead of being made twice.

    Args:
        fetch: Brings all rows of a scope in disjoint spans.
        ages: How old rows may be.
        most_rows: How many rows are kept; least recently used scopes and oldest rows go first.
        elapsed: Seconds on a clock that never goes back.
    """

    def __init__(
        self,
        fetch: Fetch,
        ages: MaxAges,
        most_rows: int,
        *,
        elapsed: Callable[[], float] = clock.elapsed,
    ) -> None:
        self._fetch = fetch
        self._ages = ages
        self._most_rows = most_rows
        self._elapsed = elapsed
        self._ahead = 0.0
        self._shelves: dict[Scope, _Entry] = {}
        self._under_way: list[tuple[Scope, Interval]] = []
        self._changed = threading.Condition()

    def rows(self, scope: Scope, spans: Iterable[Interval], progress: Progress) -> RowSet:
        """All conversations of a scope created in some spans, each once, sorted by creation."""
        wanted = intervals.union(spans)
        with self._claim(scope, wanted, progress) as (at_hand, gaps):
            parts, rows = list(at_hand.parts), at_hand.rows
            if gaps:
                fetched = self._bring(scope, gaps, progress)
                parts += [Coverage(gap, fetched.as_of) for gap in gaps]
                rows = sorted([*rows, *fetched.rows])
        fresh_until = min(part.as_of + intervals.lifetime(part, self._ages) for part in parts)
        return RowSet(rows, min(part.as_of for part in parts), fresh_until - self._ahead)

    def unkept(self, fetched: Fetched, began: float) -> RowSet:
        """Rows that are not kept, because their scope cannot be told from their payloads."""
        return RowSet(fetched.rows, fetched.as_of, began + self._ages.recent)

    @property
    def remembered(self) -> int:
        """How many rows are kept."""
        with self._changed:
            return self._kept()

    @contextmanager
    def _claim(
        self, scope: Scope, wanted: list[Interval], progress: Progress
    ) -> Iterator[tuple[_AtHand, list[Interval]]]:
        """What is at hand, and the gaps that the caller alone may fill until it leaves."""
        with self._changed:
            while True:
                at_hand = self._at_hand(scope, wanted)
                gaps = intervals.difference(wanted, (part.interval for part in at_hand.parts))
                if not self._being_filled(scope, gaps):
                    break
                self._changed.wait(0.5)
                progress.check()
            claims = [(scope, gap) for gap in gaps]
            self._under_way += claims
        try:
            yield at_hand, gaps
        finally:
            with self._changed:
                for claim in claims:
                    self._under_way.remove(claim)
                self._changed.notify_all()

    def _being_filled(self, scope: Scope, gaps: list[Interval]) -> bool:
        return any(
            claimed.includes(scope) and intervals.overlaps(span, gap)
            for claimed, span in self._under_way
            for gap in gaps
        )

    def _at_hand(self, scope: Scope, wanted: list[Interval]) -> _AtHand:
        """What may be used of the scope that has most, of those that include the one wanted."""
        now = self._elapsed() + self._ahead
        best = _AtHand([], [])
        for kept, shelf in self._shelves.items():
            if not kept.includes(scope):
                continue
            parts = [
                Coverage(part, as_of)
                for span, as_of in intervals.usable(shelf.known, int(now), self._ages)
                for part in _common(wanted, span)
            ]
            if _seconds(parts) > _seconds(best.parts):
                shelf.used = now
                rows = [row for part in parts for row in shelf.within(part.interval)]
                best = _AtHand(parts, [row for row in rows if belongs(row, scope)])
        return best

    def _bring(self, scope: Scope, gaps: list[Interval], progress: Progress) -> Fetched:
        began = self._elapsed()
        fetched = self._fetch(scope, gaps, progress)
        rows = sorted(fetched.rows)
        with self._changed:
            self._ahead = fetched.as_of - began
            shelf = self._shelves.setdefault(scope, _Entry())
            shelf.used = began + self._ahead
            for gap in gaps:
                first, after = (bisect_left(rows, (edge,)) for edge in (gap.first, gap.last + 1))
                shelf.put(gap, rows[first:after], fetched.as_of)
            self._make_room()
        return fetched

    def _kept(self) -> int:
        return sum(len(shelf.rows) for shelf in self._shelves.values())

    def _make_room(self) -> None:
        while sum(map(_size, self._shelves.values())) > self._most_rows:
            scope, shelf = min(self._shelves.items(), key=lambda item: item[1].used)
            shelf.forget_oldest()
            if not shelf.known:
                del self._shelves[scope]


@dataclass(frozen=True)
class _AtHand:
    parts: list[Coverage]
    rows: list[Row]


def _size(shelf: _Entry) -> int:
    """Rows on a shelf; a span counts as one too, or empty ones could pile up."""
    return len(shelf.rows) + len(shelf.known)


def belongs(row: Row, scope: Scope) -> bool:
    """Whether a row is in one of the scope's mailboxes, by its payload."""
    return not scope.mailboxes or row.mailbox in scope.mailboxes


def _common(wanted: Iterable[Interval], span: Interval) -> list[Interval]:
    return [
        Interval(max(one.first, span.first), min(one.last, span.last))
        for one in wanted
        if intervals.overlaps(one, span)
    ]


def _seconds(parts: Iterable[Coverage]) -> int:
    return sum(part.interval.last - part.interval.first + 1 for part in parts)

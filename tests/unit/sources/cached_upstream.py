"""An account in memory, with its own clock and a record of every fetch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compat.core.intervals import Interval, MaxAges
from compat.core.models import Progress, Row, RowSet
from compat.sources.folder_views import Fetched
from compat.sources.row_cache import RowCache, Scope

ALL = Scope()
SPAM = Scope(spam=True)
AGES = MaxAges(60, 3600, settled=1000)


def row(created: int, row_id: int, mailbox: int = 1, status: str = "active") -> Row:
    """A conversation."""
    return Row(created, row_id, mailbox, 11, "email", status, "published", ())


class CachedSource:
    """Loads rows as the live source does, but from an account in memory."""

    def __init__(self, upstream: Upstream, cache: RowCache) -> None:
        self._upstream = upstream
        self.cache = cache

    def rows(self, scope: Scope, wanted: Iterable[Interval], progress: Progress) -> RowSet:
        with self.cache.claim(scope, wanted, progress.check) as claim:
            if claim.gaps:
                fetched = self._upstream.fetch(scope, claim.gaps, progress)
                claim.put(fetched.rows, fetched.as_of)
            return claim.result()


class Upstream:
    """An account that rows are fetched from.

    Attributes:
        rows: All conversations of the account.
        now: Local seconds.
        ahead: Seconds by which upstream's clock is ahead of the local one.
        fetched: The scope and the intervals of each fetch.
    """

    def __init__(self, *rows: Row, now: float = 50_000.0, ahead: int = 1_000_000) -> None:
        self.rows = list(rows)
        self.now = now
        self.ahead = ahead
        self.fetched: list[tuple[Scope, list[Interval]]] = []

    def elapsed(self) -> float:
        return self.now

    @property
    def clock(self) -> int:
        """The second by upstream's clock."""
        return int(self.now) + self.ahead

    def shows(self, scope: Scope, spans: Sequence[Interval]) -> list[Row]:
        """The conversations of a scope created in some intervals, as they are now."""
        return sorted(
            row
            for row in self.rows
            if scope.contains(row)
            and (scope.spam or row.status != "spam")
            and any(span.first <= row.created <= span.last for span in spans)
        )

    def fetch(self, scope: Scope, spans: Sequence[Interval], progress: Progress) -> Fetched:
        progress.check()
        self.fetched.append((scope, list(spans)))
        return Fetched(self.shows(scope, spans)[::-1], self.clock)

    def source(self, most_rows: int = 1000, ages: MaxAges = AGES) -> CachedSource:
        """A source that loads from here and has a cache."""
        return CachedSource(self, RowCache(ages, most_rows, elapsed=self.elapsed))

    def spans(self) -> list[list[Interval]]:
        """The intervals of each fetch since this was last called."""
        spans = [spans for _, spans in self.fetched]
        self.fetched.clear()
        return spans

"""An account that memory is filled from, with a clock of its own and every fetch on record."""

from __future__ import annotations

from collections.abc import Sequence

from compat.core.intervals import Interval, MaxAges
from compat.core.models import Progress, Row
from compat.sources.row_cache import Fetched, RowCache, Scope, belongs

ALL = Scope()
SPAM = Scope(spam=True)
AGES = MaxAges(60, 3600, settled=1000)


def row(created: int, row_id: int, mailbox: int = 1, status: str = "active") -> Row:
    """A conversation."""
    return Row(created, row_id, mailbox, 11, "email", status, "published", ())


class Truth:
    """What is fetched from.

    Attributes:
        rows: The conversations there are.
        now: Local seconds.
        ahead: How far upstream's clock is ahead of the local one.
        fetched: The scope and the spans of each fetch.
    """

    def __init__(self, *rows: Row, now: float = 50_000.0, ahead: int = 1_000_000) -> None:
        self.rows = list(rows)
        self.now = now
        self.ahead = ahead
        self.fetched: list[tuple[Scope, list[Interval]]] = []

    def elapsed(self) -> float:
        return self.now

    @property
    def upstream(self) -> int:
        """The second by upstream's clock."""
        return int(self.now) + self.ahead

    def shows(self, scope: Scope, spans: Sequence[Interval]) -> list[Row]:
        """The truth at this moment."""
        return sorted(
            row
            for row in self.rows
            if belongs(row, scope)
            and (scope.spam or row.status != "spam")
            and any(span.first <= row.created <= span.last for span in spans)
        )

    def fetch(self, scope: Scope, spans: Sequence[Interval], progress: Progress) -> Fetched:
        progress.check()
        self.fetched.append((scope, list(spans)))
        return Fetched(self.shows(scope, spans)[::-1], self.upstream)

    def memory(self, most_rows: int = 1000, ages: MaxAges = AGES) -> RowCache:
        """A memory that is filled from here."""
        return RowCache(self.fetch, ages, most_rows, elapsed=self.elapsed)

    def spans(self) -> list[list[Interval]]:
        """The spans of each fetch since the last time of asking."""
        spans = [spans for _, spans in self.fetched]
        self.fetched.clear()
        return spans

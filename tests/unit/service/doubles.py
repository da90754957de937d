"""A source that returns given rows, and a clock that tests set."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from compat import clock
from compat.account import Account
from compat.config.accounts import DEFAULT_ACCOUNT
from compat.config.settings import Settings
from compat.core.models import (
    Activity,
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Document,
    ListItem,
    ListItems,
    ListKind,
    ListQuery,
    Progress,
    Row,
    RowSet,
)
from compat.service import LegacyReports

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/v1/reports/conversations/new.json"
JANUARY = f"{PATH}?start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
FIRST = 1_420_070_400
"""2015-01-01T00:00:00Z."""

AS_OF = FIRST + 60 * 86_400
"""2015-03-02T00:00:00Z."""

LONG = 60.0
"""Seconds that no test ever waits: reaching them is a failure."""


def basic(key: str = "an-old-key", rest: str = "X") -> str:
    """The header of a caller who has a key."""
    return "Basic " + b64encode(f"{key}:{rest}".encode()).decode()


def row(created: int, **others: Any) -> Row:
    """A published, active email without tags, unless given otherwise."""
    plain = Row(created, created, 1, 11, "email", "active", "published", ())
    return plain._replace(**others)


class FakeSource:
    """A source for tests. It returns its rows, or fails, once its gate is open.

    Attributes:
        gate: Closed by clearing it; then every query waits.
        started: Set as soon as there was a query.
        asked: The queries for rows.
        activity_queries: The queries for conversations with their threads.
        activities: The conversations with their threads that it has.
        list_queries: The queries for lists.
        items: The items of every list; None for a mailbox that does not exist.
        items_of: The items of single lists, which count in place of `items`.
        known: The conversations it has in full, by id.
        error: Raised in place of an answer.
        kept: Seconds for which its rows may be used again.
        expected: The number of expected rows in progress.
        received: The number of received rows in progress.
        waits: Seconds that the rate limit lets callers wait.
        ready: Whether upstream seems to accept the credentials.
        closed: Whether it was closed.
    """

    def __init__(self, rows: Sequence[Row] = (), *, shut: bool = False, kept: float = 0.0) -> None:
        self.held_rows = tuple(rows)
        self.gate = threading.Event()
        if not shut:
            self.gate.set()
        self.started = threading.Event()
        self.asked: list[ConversationQuery] = []
        self.activity_queries: list[ActivityQuery] = []
        self.activities: Sequence[Activity] = ()
        self.list_queries: list[ListQuery] = []
        self.items: Sequence[ListItem] | None = ()
        self.items_of: dict[ListKind, Sequence[ListItem] | None] = {}
        self.known: dict[int, Document] = {}
        self.error: BaseException | None = None
        self.kept = kept
        self.expected = self.received = 0
        self.waits = 0.0
        self.ready = True
        self.closed = False

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        self.asked.append(need)
        progress.expected, progress.received = self.expected, self.received
        progress.pages = self.received // 25
        self._pass(progress)
        return RowSet(self.held_rows, AS_OF, clock.elapsed() + self.kept)

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        self.activity_queries.append(query)
        self._pass(progress)
        return ActivitySet(self.activities, AS_OF, clock.elapsed() + self.kept)

    def list_items(self, query: ListQuery) -> ListItems:
        self.list_queries.append(query)
        self._pass(Progress())
        items = self.items_of.get(query.kind, self.items)
        return ListItems(items, AS_OF, clock.elapsed() + self.kept)

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        self._pass(progress)
        return [self.known[each] for each in ids if each in self.known]

    def seconds_for(self, pages: float, others: float = 0.0) -> float:
        return self.waits + pages + others

    def close(self) -> None:
        self.closed = True
        self.gate.set()

    def _pass(self, progress: Progress) -> None:
        self.started.set()
        assert self.gate.wait(LONG)
        progress.check()
        if self.error is not None:
            raise self.error


class ManualClock:
    """Replaces the module `time` in `compat.clock`; `now` is moved by tests."""

    CLOCK_BOOTTIME = 7

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def clock_gettime(self, _: int) -> float:
        return self.now


def use_manual_clock(patch: pytest.MonkeyPatch) -> ManualClock:
    """From now on only the test moves the package's clock."""
    manual_clock = ManualClock()
    patch.setattr("compat.clock.time", manual_clock)
    return manual_clock


def only_account(reports: LegacyReports) -> Account:
    """The one account of a service that was set up without names."""
    return reports.accounts[DEFAULT_ACCOUNT]


@contextmanager
def reports_on(fake_source: FakeSource, **settings: Any) -> Iterator[LegacyReports]:
    """The service on a source double; closed at the end."""
    with LegacyReports(Settings(**settings), source=fake_source) as reports:
        yield reports

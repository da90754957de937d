"""Conversations fetched from Mailbox API 2.0 when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compat import clock
from compat.config.settings import Settings
from compat.core.intervals import Interval, MaxAges, union
from compat.core.models import (
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    Progress,
    Row,
    RowSet,
    SourceStats,
)
from compat.sources.folders import Folders, SortedFolders
from compat.sources.row_cache import Fetched, RowCache, Scope, belongs
from compat.upstream import fetch_documents, fetch_items, line_of, row_of
from compat.v2.client import Answer, Client
from compat.v2.errors import InconsistentData, RequestRefused
from compat.v2.models import ConversationsAnswer
from compat.v2.pagination import Selection, Window
from compat.v2.parallel_pagination import Rows, Sink, gather

_ROUNDS: Final = 3
MOST_MAILBOXES_NAMED: Final = 50
"""In one request; a longer list would make a longer URL than servers read."""

_UNKNOWN: Final = frozenset({400, 404})
"""How upstream may refuse a mailbox or a folder that does not exist."""

_ALL: Final = ("all",)
_WITH_SPAM: Final = ("spam", "all", "spam")
"""Whether `all` shows spam is not documented. A conversation that is marked, or unmarked, while
the walks go on is still met by one of the three."""


def connect(settings: Settings, kind: type[LiveSource] | None = None) -> LiveSource:
    """The source that the settings name.

    Args:
        settings: The account's settings.
        kind: Another source than the usual, made alike.

    Raises:
        SettingsError: What is needed to reach Mailbox API 2.0 is missing or cannot be used.
    """
    ages = MaxAges(settings.recent_age, settings.max_age)
    return (kind or LiveSource)(
        line_of(settings), ages, workers=settings.parallel, most_rows=settings.memory_rows
    )


class LiveSource:
    """Brings rows from upstream, and remembers them.

    Args:
        client: The line to upstream; whoever else talks to it for this account shares it.
        ages: How old remembered rows may be.
        workers: How many requests one question may have under way at once.
        most_rows: How many rows are remembered at most.
    """

    def __init__(self, client: Client, ages: MaxAges, *, workers: int, most_rows: int) -> None:
        self.client = self._client = client
        self._ages = ages
        self._workers = workers
        self._folders = Folders(client)
        self._memory = RowCache(self._fetch_scope, ages, most_rows)

    @property
    def ready(self) -> bool:
        """Whether upstream has not refused the account's credentials just now."""
        return not self._client.sign_in_refused

    def rate_limit_wait(self) -> float:
        """Seconds until the rate budget lets the next request through."""
        return self._client.budget.wait()

    def stats(self) -> SourceStats:
        """Requests made, requests left, and rows remembered."""
        return SourceStats(self._client.outcomes(), self._client.rate_left, self._memory.remembered)

    def close(self) -> None:
        """Wake what waits, and drop all connections."""
        self._client.close()

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        """Bring the conversations that a report needs.

        Raises:
            UpstreamError: Upstream fails, or its answers do not settle.
        """
        if not need.folders:
            return self._memory.rows(Scope(need.mailboxes, need.spam), need.created, progress)
        folders = self._folders.sort(need.folders, need.mailboxes)
        if folders.views | folders.unknown:
            began = clock.elapsed()
            return self._memory.unkept(self._settled(need, folders, progress), began)
        scope = Scope(folders.home_mailboxes, need.spam)
        kept = self._memory.rows(scope, need.created, progress)
        rows = [row for row in kept.rows if row.folder in folders.homes]
        return RowSet(rows, kept.as_of, kept.fresh_until)

    def list_items(self, menu: ListQuery) -> ListItems:
        """Bring the mailboxes, tags or folders that a menu shows."""
        return fetch_menu(self._client, menu, self._ages.recent)

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        """A few conversations in full, in the order of their ids given; gone ones left out."""
        return fetch_documents(self._client, ids, progress, workers=self._workers)

    def modified(self, since: int, spans: Sequence[Interval], progress: Progress) -> Fetched:
        """What was created in some spans, spam included, and modified in a second or later.

        Raises:
            UpstreamError: Upstream fails, or its answers do not settle.
        """
        return self._fetch(Scope(spam=True), spans, progress, modified_since=since)

    def total(self, span: Interval, progress: Progress) -> Answer[ConversationsAnswer]:
        """The first page of what was created in a span: its total may leave out spam.

        Args:
            span: Seconds of creation.
            progress: Called before the request.
        """
        progress.check()
        params = Selection().params(span.first, span.last, "createdAt", 1)
        return self._client.get("/conversations", params, ConversationsAnswer)

    def _settled(
        self, need: ConversationQuery, folders: SortedFolders, progress: Progress
    ) -> Fetched:
        """What views and home folders show, walked until two rounds agree.

        Conversations move between folders while they are walked. One that leaves a folder before
        it is met there is met in the other, in this round or in the next; so all sightings
        count, and none may come from memory.
        """
        rounds: list[Fetched] = []
        for _ in range(_ROUNDS):
            rounds.append(self._round(need, folders, progress))
            if len(rounds) > 1 and _ids(rounds[-1]) == _ids(rounds[-2]):
                return _joined(rounds)
        raise InconsistentData("the folders asked for kept changing while they were read")

    def _round(
        self, need: ConversationQuery, folders: SortedFolders, progress: Progress
    ) -> Fetched:
        views = sorted(folders.views | folders.unknown)
        walks = [self._view(need, view, folders, progress) for view in views]
        if folders.homes:
            scope = Scope(folders.home_mailboxes, need.spam)
            fetched = self._fetch_scope(scope, union(need.created), progress)
            homes = [row for row in fetched.rows if row.folder in folders.homes]
            walks.append(Fetched(homes, fetched.as_of))
        return _joined(walks)

    def _view(
        self, need: ConversationQuery, view: int, folders: SortedFolders, progress: Progress
    ) -> Fetched:
        scope = Scope(need.mailboxes, need.spam)
        try:
            return self._fetch_scope(scope, union(need.created), progress, view)
        except RequestRefused as refusal:
            # An id that nobody knows counts nothing; it is no error of the caller's.
            if refusal.status not in _UNKNOWN or view not in folders.unknown:
                raise
            return Fetched((), refusal.asked_at)

    def _fetch_scope(
        self, scope: Scope, spans: Sequence[Interval], progress: Progress, folder: int | None = None
    ) -> Fetched:
        try:
            return self._fetch(scope, spans, progress, folder)
        except RequestRefused as refusal:
            if refusal.status not in _UNKNOWN or not scope.mailboxes:
                raise
            existing = self._folders.existing(scope.mailboxes)
            if existing == scope.mailboxes:
                raise
            if not existing:
                return Fetched((), refusal.asked_at)
        return self._fetch(Scope(existing, scope.spam), spans, progress, folder)

    def _fetch(
        self,
        scope: Scope,
        spans: Sequence[Interval],
        progress: Progress,
        folder: int | None = None,
        modified_since: int | None = None,
    ) -> Fetched:
        seen = _Seen(spans, progress)
        sink = Sink(seen.take, seen.expect, progress.check)
        # Payloads are judged anyway.
        named = len(scope.mailboxes) <= MOST_MAILBOXES_NAMED
        mailboxes = tuple(sorted(scope.mailboxes)) if named else ()
        windows = [Window(*span) for span in spans]
        began = [
            gather(
                self._client,
                Selection(mailboxes, folder, status, modified_since),
                windows,
                sink,
                workers=self._workers,
            )
            for status in (_WITH_SPAM if scope.spam else _ALL)
        ]
        return Fetched([row for row in seen.rows() if belongs(row, scope)], began[0])


class _Seen:
    """Sightings united by id, slim from the start; the later sighting wins."""

    def __init__(self, spans: Sequence[Interval], progress: Progress) -> None:
        self._spans = spans
        self._progress = progress
        self._rows: dict[int, Row] = {}

    def take(self, rows: Rows) -> None:
        before = len(self._rows)
        for row in map(row_of, rows):
            if any(span.first <= row.created <= span.last for span in self._spans):
                self._rows[row.id] = row
        self._progress.received += len(self._rows) - before

    def expect(self, total: int) -> None:
        self._progress.expected += total

    def rows(self) -> list[Row]:
        return sorted(self._rows.values())


def _ids(fetched: Fetched) -> set[int]:
    return {row.id for row in fetched.rows}


def _joined(walks: Sequence[Fetched]) -> Fetched:
    rows = {row.id: row for walk in walks for row in walk.rows}
    return Fetched(sorted(rows.values()), min(walk.as_of for walk in walks))


def fetch_menu(client: Client, menu: ListQuery, age: int) -> ListItems:
    """What a menu shows; to be used again for `age` seconds."""
    fresh_until = clock.elapsed() + age
    items, asked_at = fetch_items(client, menu)
    return ListItems(items, asked_at, fresh_until)

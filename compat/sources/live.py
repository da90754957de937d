"""Loads conversations from Mailbox API 2.0 when a query needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from compat import clock
from compat.config.settings import Settings
from compat.core.intervals import Interval, MaxAges
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    Progress,
    Row,
    RowSet,
    SourceStats,
    in_order_of_creation,
)
from compat.sources.activity import ActivityLoader, ShownConversations
from compat.sources.activity_reader import HeldThreads
from compat.sources.folder_views import Fetched, FolderViews
from compat.sources.folders import MOST_MAILBOXES_NAMED, Folders, SortedFolders
from compat.sources.row_cache import RowCache, Scope
from compat.sources.sightings import Sighting
from compat.upstream import (
    client_from_settings,
    fetch_documents,
    fetch_list,
    to_row,
    to_window,
)
from compat.v2.client import ApiResponse, Client
from compat.v2.errors import RequestRefused
from compat.v2.lanes import PageCallbacks, fetch_windows
from compat.v2.models import Conversation, ConversationPage
from compat.v2.probes import check_access
from compat.v2.search import FIRST_SECOND, LAST_SECOND, Selection

_ALL: Final = ("all",)
_WITH_SPAM: Final = ("spam", "all", "spam")
"""Whether `all` shows spam is not documented. A conversation that is marked, or unmarked, while
the lists are read is still met in one of the three."""


def live_source_from_settings(
    settings: Settings, kind: type[LiveSource] | None = None
) -> LiveSource:
    """The live source of an account.

    Args:
        settings: The account's settings.
        kind: A subclass to use instead of `LiveSource`.

    Raises:
        SettingsError: A setting that Mailbox API 2.0 needs is missing or cannot be used.
    """
    ages = MaxAges(settings.recent_age, settings.max_age)
    return (kind or LiveSource)(
        client_from_settings(settings),
        ages,
        workers=settings.parallel,
        most_rows=settings.memory_rows,
    )


class LiveSource:
    """Loads rows from upstream, and keeps them in a cache; safe to share between threads.

    Args:
        client: The client of Mailbox API 2.0. Everything that sends requests for this account
            shares it, for the rate limit.
        ages: How old cached rows may be.
        workers: How many requests of one query run at the same time.
        most_rows: How many rows the cache keeps.
    """

    def __init__(self, client: Client, ages: MaxAges, *, workers: int, most_rows: int) -> None:
        self.client = self._client = client
        self._ages = ages
        self._workers = workers
        self._folders = Folders(client)
        self._views = FolderViews(self._fetch_existing, ages.recent)
        self._cache = RowCache(ages, most_rows)
        self._activities = ActivityLoader(
            client, self._folders, ages, workers=workers, most=most_rows
        )

    @property
    def ready(self) -> bool:
        """False while upstream refuses the account's credentials."""
        return not self._client.credentials_refused

    def seconds_for(self, pages: float, others: float = 0.0) -> float:
        """An estimate of the seconds in which so many more pages of a query are fetched.

        By how long the latest requests took, and by the rate limit, which all queries share.

        Args:
            pages: How many pages. For none it is how long the rate limit delays the next request.
            others: How many pages of other queries are fetched at the same time.
        """
        return self._client.rate_limiter.seconds_for(pages, others, workers=self._workers)

    def check(self) -> None:
        """Send one request, unless the rate limit lets it wait.

        Raises:
            UpstreamError: Upstream does not answer, or refuses it.
        """
        if not self.seconds_for(0):
            check_access(self._client)

    def stats(self) -> SourceStats:
        """Requests made, requests left, and conversations in the caches."""
        rows = self._cache.row_count + self._activities.conversation_count
        return SourceStats(self._client.request_counts(), self._client.rate_left, rows)

    def close(self) -> None:
        """Close all connections; requests that wait for the rate limit fail."""
        self._client.close()

    def rows(self, query: ConversationQuery, progress: Progress) -> RowSet:
        """The conversations that a query needs.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        if not query.folders:
            cached = self._cached(Scope(query.mailboxes, query.spam), query.created, progress)
            return replace(cached, undecided=query.undecided(cached.rows))
        folders = self._folders.sort(query.folders, query.mailboxes)
        if folders.views | folders.unknown:
            # Not cached: the payload of a conversation does not show which views it is in.
            started = clock.elapsed()
            fetched = self._views.fetch(query, folders, progress)
            undecided = replace(query, folders=frozenset()).undecided(fetched.rows)
            undecided |= dict.fromkeys(fetched.undecided, "folder")
            fresh_until = min(started, fetched.since) + self._ages.recent
            return RowSet(fetched.rows, fetched.as_of, fresh_until, undecided)
        scope = Scope(folders.home_mailboxes, query.spam)
        cached = self._cached(scope, query.created, progress)
        rows = [row for row in cached.rows if row.folder is None or row.folder in folders.homes]
        return RowSet(rows, cached.as_of, cached.fresh_until, query.undecided(rows))

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        """The conversations that a query needs, with their threads.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        shown = ShownConversations(Scope(query.mailboxes, query.spam))
        if query.folders:
            folders = self._folders.sort(query.folders, query.mailboxes)
            shown = ShownConversations(Scope(folders.home_mailboxes, query.spam), folders.homes)
            if folders.views | folders.unknown:
                return self._activity_shown(query, folders, progress)
        return self._activities.load(query, shown, progress)

    def _activity_shown(
        self, query: ActivityQuery, folders: SortedFolders, progress: Progress
    ) -> ActivitySet:
        """The conversations that views and home folders show, as far as a query needs them."""
        first = min(query.touched).first
        ever = Interval(FIRST_SECOND, LAST_SECOND)
        rows = ConversationQuery((ever,), query.mailboxes, spam=query.spam)
        fetched = self._views.fetch(rows, folders, progress, modified_since=first)
        undecided = dict.fromkeys(fetched.undecided, "folder")
        scope = Scope(query.mailboxes, query.spam)
        shown = ShownConversations(scope, None, frozenset(fetched.ids), undecided)
        found = self._activities.load(query, shown, progress)
        return replace(
            found,
            as_of=min(found.as_of, fetched.as_of),
            fresh_until=min(found.fresh_until, fetched.since + self._ages.recent),
        )

    def list_items(self, query: ListQuery) -> ListItems:
        """A list, or one item of it.

        Raises:
            UpstreamError: Upstream fails.
        """
        return fetch_list_items(self._client, query, self._ages.recent)

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        """A few complete conversations, in the order of the ids; deleted ones are left out.

        Raises:
            UpstreamError: Upstream fails.
        """
        return fetch_documents(self._client, ids, progress, workers=self._workers)

    def modified(self, since: int, created: Sequence[Interval], progress: Progress) -> Fetched:
        """The conversations modified since a second, spam included.

        Args:
            since: The second, epoch UTC.
            created: When they were created.
            progress: Counts rows.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        return self._fetch(Scope(spam=True), created, progress, modified_since=since)

    def modified_activity(
        self,
        since: int,
        is_needed: Callable[[Row], bool],
        progress: Progress,
        known: Mapping[int, Sighting],
        held: HeldThreads,
        *,
        spam: bool,
    ) -> tuple[Mapping[int, Sighting], int]:
        """As `ActivityLoader.load_modified`."""
        return self._activities.load_modified(since, is_needed, progress, known, held, spam=spam)

    def total(self, interval: Interval, progress: Progress) -> ApiResponse[ConversationPage]:
        """The first page of the conversations created in an interval.

        Its total may leave out spam.

        Args:
            interval: The interval.
            progress: Its `check` is called before the request.

        Raises:
            UpstreamError: Upstream fails.
        """
        progress.check()
        params = Selection().params(interval.first, interval.last, "createdAt", 1)
        return self._client.get("/conversations", params, ConversationPage)

    def _cached(self, scope: Scope, created: Sequence[Interval], progress: Progress) -> RowSet:
        """The rows of a scope: from the cache as far as possible, the rest from upstream."""
        with self._cache.claim(scope, created, progress.check) as claim:
            if claim.gaps:
                fetched = self._fetch_existing(scope, claim.gaps, progress)
                claim.put(fetched.rows, fetched.as_of)
            return claim.result()

    def _fetch_existing(
        self,
        scope: Scope,
        created: Sequence[Interval],
        progress: Progress,
        folder: int | None = None,
        modified_since: int | None = None,
    ) -> Fetched:
        """The rows of those mailboxes of a scope that exist."""
        try:
            return self._fetch(scope, created, progress, folder, modified_since)
        except RequestRefused as refusal:
            existing = self._folders.existing_of_refused(scope.mailboxes, refusal)
            if not existing:
                return Fetched((), refusal.requested_at)
        scope = Scope(existing, scope.spam)
        return self._fetch(scope, created, progress, folder, modified_since)

    def _fetch(
        self,
        scope: Scope,
        created: Sequence[Interval],
        progress: Progress,
        folder: int | None = None,
        modified_since: int | None = None,
    ) -> Fetched:
        collector = _RowCollector(created, progress)
        callbacks = PageCallbacks(collector.add, collector.expect, progress.check)
        # Where the list of mailboxes is too long for a URL, the payloads decide alone.
        named = len(scope.mailboxes) <= MOST_MAILBOXES_NAMED
        mailboxes = tuple(sorted(scope.mailboxes)) if named else ()
        windows = [to_window(interval) for interval in created]
        started = [
            fetch_windows(
                self._client,
                Selection(mailboxes, folder, status, modified_since),
                windows,
                callbacks,
                workers=self._workers,
            )
            for status in (_WITH_SPAM if scope.spam else _ALL)
        ]
        return Fetched([row for row in collector.rows() if scope.contains(row)], started[0])


class _RowCollector:
    """Rows of several lists, each conversation once: the row that came last counts."""

    def __init__(self, created: Sequence[Interval], progress: Progress) -> None:
        self._created = created
        self._progress = progress
        self._rows: dict[int, Row] = {}

    def add(self, conversations: Sequence[Conversation]) -> None:
        before = len(self._rows)
        for row in map(to_row, conversations):
            if any(interval.first <= row.created <= interval.last for interval in self._created):
                self._rows[row.id] = row
        self._progress.received += len(self._rows) - before
        self._progress.pages += 1

    def expect(self, total: int) -> None:
        self._progress.expected += total

    def rows(self) -> list[Row]:
        return in_order_of_creation(self._rows.values())


def fetch_list_items(client: Client, query: ListQuery, max_age: int) -> ListItems:
    """A list, or one item of it; usable for `max_age` seconds.

    Raises:
        UpstreamError: Upstream fails.
    """
    fresh_until = clock.elapsed() + max_age
    items, asked_at = fetch_list(client, query)
    return ListItems(items, asked_at, fresh_until)

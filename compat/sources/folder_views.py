"""Reads the conversations that folders show, where only upstream knows that.

Most folders are home folders, which a conversation's payload names. The others are views.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final, Protocol

from cachetools import TTLCache

from compat import clock
from compat.core.intervals import Interval, union
from compat.core.models import ConversationQuery, Progress, Row, in_order_of_creation
from compat.sources.folders import LIFETIME, UNKNOWN, SortedFolders
from compat.sources.row_cache import Scope
from compat.v2.errors import InconsistentData, RequestRefused

_ROUNDS: Final = 3
_MOST_ABSENT: Final = 10_000


@dataclass(frozen=True)
class Fetched:
    """Rows from upstream.

    Attributes:
        rows: The rows.
        as_of: When fetching them started, epoch seconds by upstream's clock.
        undecided: Ids of rows that may not be in the folders asked for.
        since: The same as `as_of` in seconds of `compat.clock.elapsed`, where something in it was
            remembered; infinity otherwise.
    """

    rows: Sequence[Row]
    as_of: int
    undecided: frozenset[int] = frozenset()
    since: float = math.inf

    @property
    def ids(self) -> Set[int]:
        """The ids of the rows."""
        return {row.id for row in self.rows}


class FetchRows(Protocol):
    """Fetches the rows of a scope, of one folder, that were modified since a second."""

    def __call__(
        self,
        scope: Scope,
        created: Sequence[Interval],
        progress: Progress,
        folder: int | None = None,
        modified_since: int | None = None,
    ) -> Fetched:
        """The rows created in some intervals."""


class FolderViews:
    """Reads what views and home folders show.

    Folders that do not exist are remembered for a while, because it takes a request to find out
    that they do not. What is remembered is as old as that request, as any other data.

    Args:
        fetch: Fetches rows from upstream.
        lifetime: Seconds for which such a folder is remembered.
    """

    def __init__(self, fetch: FetchRows, lifetime: float) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._absent: TTLCache[tuple[int, frozenset[int]], Fetched] = TTLCache(
            _MOST_ABSENT, min(lifetime, LIFETIME), timer=clock.elapsed
        )

    def fetch(
        self,
        query: ConversationQuery,
        folders: SortedFolders,
        progress: Progress,
        *,
        modified_since: int | None = None,
    ) -> Fetched:
        """The conversations in views and home folders, read until two rounds agree.

        Conversations move between folders while these are read. One that leaves a folder before
        it is read there is met in the other folder, in this round or in the next. So the rows of
        all rounds count, and none may come from the cache.

        Raises:
            InconsistentData: No two rounds in a row agree.
        """
        rounds: list[Fetched] = []
        for at in range(_ROUNDS):
            progress.rounds_left = 0 if at else 1
            rounds.append(self._fetch_folders(query, folders, progress, modified_since))
            if len(rounds) > 1 and rounds[-1].ids == rounds[-2].ids:
                return _united(rounds)
        raise InconsistentData("the folders asked for kept changing while they were read")

    def _fetch_folders(
        self,
        query: ConversationQuery,
        folders: SortedFolders,
        progress: Progress,
        modified_since: int | None,
    ) -> Fetched:
        views = sorted(folders.views | folders.unknown)
        parts = [self._fetch_view(query, view, folders, progress, modified_since) for view in views]
        if folders.homes:
            scope = Scope(folders.home_mailboxes, query.spam)
            created = union(query.created)
            fetched = self._fetch(scope, created, progress, None, modified_since)
            unknown = [row for row in fetched.rows if row.folder is None]
            homes = [row for row in fetched.rows if row.folder in folders.homes]
            ids = frozenset(row.id for row in unknown)
            parts.append(Fetched([*homes, *unknown], fetched.as_of, ids))
        return _united(parts)

    def _fetch_view(
        self,
        query: ConversationQuery,
        view: int,
        folders: SortedFolders,
        progress: Progress,
        modified_since: int | None,
    ) -> Fetched:
        with self._lock:
            absent = self._absent.get((view, query.mailboxes)) if view in folders.unknown else None
        if absent is not None:
            return absent
        started = clock.elapsed()
        scope, created = Scope(query.mailboxes, query.spam), union(query.created)
        try:
            return self._fetch(scope, created, progress, view, modified_since)
        except RequestRefused as refusal:
            # A folder that does not exist has no conversations; that is no error.
            if refusal.status not in UNKNOWN or view not in folders.unknown:
                raise
            absent = Fetched((), refusal.requested_at, since=started)
        with self._lock:
            self._absent[view, query.mailboxes] = absent
        return absent


def _united(parts: Sequence[Fetched]) -> Fetched:
    """The rows of all parts, each conversation once, as of the oldest part.

    A row is undecided if no part is certain of it.
    """
    rows = {row.id: row for part in parts for row in part.rows}
    certain = {row.id for part in parts for row in part.rows if row.id not in part.undecided}
    return Fetched(
        in_order_of_creation(rows.values()),
        min(part.as_of for part in parts),
        frozenset(rows.keys() - certain),
        min(part.since for part in parts),
    )

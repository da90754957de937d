"""Which folders are home folders of conversations, and which are views over other folders."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache

from compat import clock
from compat.v2 import lists
from compat.v2.client import Client
from compat.v2.errors import AccessRefused, RequestRefused
from compat.v2.lists import Missing, get_mailbox

LIFETIME: Final = 300.0
"""Seconds for which it is remembered which folders there are."""

_MOST_MAILBOXES: Final = 10_000
_NOT_FOUND: Final = 404
MOST_MAILBOXES_NAMED: Final = 50
"""In one request; a longer list would make a longer URL than servers read."""

UNKNOWN: Final = frozenset({400, 404})
"""How upstream may refuse a mailbox or a folder that does not exist."""


@dataclass(frozen=True)
class SortedFolders:
    """The folders of a query by their kind.

    Attributes:
        homes: Home folders; a conversation's payload has the id of its home folder.
        home_mailboxes: The mailboxes of these.
        views: Folders whose conversations only upstream can list.
        unknown: Ids of no folder in the mailboxes of the query.
    """

    homes: frozenset[int]
    home_mailboxes: frozenset[int]
    views: frozenset[int]
    unknown: frozenset[int]


class Folders:
    """The folders of an account, loaded when needed and kept for five minutes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._types: TTLCache[int, dict[int, str]] = TTLCache(
            _MOST_MAILBOXES, LIFETIME, timer=clock.elapsed
        )

    def sort(self, folders: frozenset[int], mailboxes: frozenset[int]) -> SortedFolders:
        """Sort folders into home folders and views.

        Args:
            folders: The ids of the folders.
            mailboxes: The mailboxes that they may be in; all listed mailboxes if empty.

        Raises:
            UpstreamError: Upstream fails, or one of the folders may be in a hidden mailbox.
        """
        owner: dict[int, int] = {}
        types: dict[int, str] = {}
        hidden: AccessRefused | None = None
        for mailbox in sorted(mailboxes or self.mailboxes()):
            try:
                types_here = self._types_in(mailbox)
            except AccessRefused as refusal:
                hidden = refusal
                continue
            types |= types_here
            owner |= dict.fromkeys(types_here, mailbox)
        if hidden and folders - types.keys():
            raise hidden
        homes = frozenset(each for each in folders if types.get(each) in lists.HOME_FOLDER_TYPES)
        known = folders & types.keys()
        return SortedFolders(
            homes, frozenset(owner[each] for each in homes), known - homes, folders - known
        )

    def existing(self, mailboxes: frozenset[int]) -> frozenset[int]:
        """Those of some mailboxes that exist, hidden ones included.

        A mailbox that the list of mailboxes does not contain is requested by its id.

        Raises:
            UpstreamError: Upstream fails.
        """
        unlisted = mailboxes - self.mailboxes()
        return mailboxes - {mailbox for mailbox in unlisted if self._is_deleted(mailbox)}

    def existing_of_refused(
        self, mailboxes: frozenset[int], refusal: RequestRefused
    ) -> frozenset[int]:
        """Those of the mailboxes of a refused request that exist.

        Raises:
            RequestRefused: Something else was refused.
            UpstreamError: Upstream fails.
        """
        if refusal.status not in UNKNOWN or not mailboxes:
            raise refusal
        existing = self.existing(mailboxes)
        if existing == mailboxes:
            raise refusal
        return existing

    def mailboxes(self) -> frozenset[int]:
        """The ids of all mailboxes that the application may see.

        Raises:
            UpstreamError: Upstream fails.
        """
        return frozenset(mailbox.id for mailbox in lists.mailboxes(self._client).rows)

    def _is_deleted(self, mailbox: int) -> bool:
        found = get_mailbox(self._client, mailbox)
        return isinstance(found, Missing) and found.reason == "deleted"

    def _types_in(self, mailbox: int) -> dict[int, str]:
        with self._lock:
            types = self._types.get(mailbox)
        if types is None:
            types = self._fetch_types(mailbox)
            with self._lock:
                self._types[mailbox] = types
        return types

    def _fetch_types(self, mailbox: int) -> dict[int, str]:
        try:
            folders = lists.folders(self._client, mailbox)
        except RequestRefused as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            return {}
        return {each.id: each.type or "" for each in folders.rows}

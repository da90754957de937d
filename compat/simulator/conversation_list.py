"""Lists of conversations: filter, order and page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compat.simulator import people
from compat.simulator.evaluation import TIMES, Evaluator
from compat.simulator.folder_views import folder_shows
from compat.simulator.messages import InvalidParameter, validation_error
from compat.simulator.query_parameters import split_names
from compat.simulator.search import SearchSyntaxError
from compat.simulator.search_index import IndexedAccount, SearchIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.simulator.behaviour import Behaviour
    from compat.simulator.conversation import Conversation
    from compat.simulator.folder_views import Predicate
    from compat.simulator.query_parameters import ListRequest
    from compat.simulator.search import Node
    from compat.simulator.store import Account

_STATUSES = {
    "open": frozenset({"active", "pending"}),
    "all": frozenset({"active", "pending", "closed", "spam"}),
}
_SORT_KEYS: dict[str, Callable[[Conversation], Any]] = {
    "customerEmail": lambda row: people.customer_email(row.customer_id),
    "customerName": lambda row: people.customer_name(row.customer_id),
    "mailboxid": lambda row: row.mailbox_id,
    "modifiedAt": lambda row: row.modified,
    "number": lambda row: row.number,
    "score": lambda row: row.threads,
    "status": lambda row: row.status,
    "subject": lambda row: row.subject,
    "waitingSince": lambda row: row.waiting_since,
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its rows, how many there are on all pages, and which page it is."""

    rows: list[Conversation]
    total: int
    size: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are, none for an empty list."""
        return -(-self.total // self.size)


class ConversationList:
    """The list of conversations of one account.

    Args:
        account: the account.
        behaviour: returns the current behaviour.

    Attributes:
        indexed: the account as lists show it.
    """

    def __init__(self, account: Account, behaviour: Callable[[], Behaviour]) -> None:
        self._account = account
        self._behaviour = behaviour
        self.indexed = IndexedAccount(account)
        self._indexes = {
            fractions: SearchIndex(self.indexed, TIMES["createdAt", fractions])
            for fractions in (False, True)
        }
        self._filters: dict[str, Callable[[Any], Predicate]] = {
            "status": self._status,
            "mailbox": lambda ids: lambda row: row.mailbox_id in ids,
            "folder": self._folder,
            "tag": self._tag,
            "query": self._query,
            "modifiedSince": lambda since: lambda row: row.modified >= since,
            "assigned_to": lambda user_id: lambda row: row.assignee_id == user_id,
            "number": lambda number: lambda row: row.number == number,
        }

    def page(self, list_request: ListRequest) -> Page:
        """The requested page, of the account as it is now.

        Raises:
            ApiError: the search expression has a value that does not fit its field.
        """
        behaviour = self._behaviour()
        with self._account.lock:
            self.indexed.advance(behaviour.index_lag, behaviour.index_lag_lists)
            # All that decides on a selection: one made with other options must not be reused.
            key = (list_request.filters, len(self._account.layout.tags), behaviour.all_lists_spam)
            selection = self._index.select(key, self._predicate(list_request))
            window = selection.window(list_request.low, list_request.high)
            chosen = self._chosen(list_request, selection.ids, window, behaviour.page_size)
            rows = [row for row in map(self.indexed.row, chosen) if row]
        return Page(rows, len(window), behaviour.page_size, list_request.page)

    @property
    def _index(self) -> SearchIndex:
        return self._indexes[self._behaviour().index_fractions]

    def _chosen(
        self, list_request: ListRequest, ids: Sequence[int], window: range, size: int
    ) -> Sequence[int]:
        ordered: Sequence[int] = ids
        places: Sequence[int] = window
        if list_request.sort_field != "createdAt":
            spam = self._behaviour().all_lists_spam
            name = (
                list_request.filters,
                list_request.low,
                list_request.high,
                list_request.sort_field,
                spam,
            )
            inside = (ids[place] for place in window)
            ordered = self._index.ordered(name, inside, _SORT_KEYS[list_request.sort_field])
            places = range(len(ordered))
        if list_request.descending:
            places = places[::-1]
        first = (list_request.page - 1) * size
        return [ordered[place] for place in places[first : first + size]]

    def _predicate(self, list_request: ListRequest) -> Predicate:
        try:
            tests = [self._filters[name](value) for name, value in list_request.filters]
        except SearchSyntaxError as error:
            raise validation_error(InvalidParameter("query", str(error))) from error
        return lambda row: all(holds(row) for holds in tests)

    def _status(self, name: str) -> Predicate:
        wanted = _STATUSES.get(name, frozenset({name}))
        if name == "all" and not self._behaviour().all_lists_spam:
            wanted -= {"spam"}
        return lambda row: row.status in wanted

    def _query(self, tree: Node) -> Predicate:
        return Evaluator(
            self._account.layout, fractions=self._behaviour().index_fractions
        ).predicate(tree)

    def _folder(self, folder_id: int) -> Predicate:
        folder = self._account.layout.folder_by_id.get(folder_id)
        return folder_shows(folder, self._account.layout) if folder else lambda _row: False

    def _tag(self, text: str) -> Predicate:
        tags = self._account.layout.tag_by_name
        wanted = {tags[name].id for name in split_names(text, tags) if name in tags}
        return lambda row: not wanted.isdisjoint(row.tag_ids)

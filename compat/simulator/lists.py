"""Which conversations are on the page of a list that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compat.simulator import people
from compat.simulator.evaluation import Evaluator
from compat.simulator.folders import shown_by
from compat.simulator.index import Index, Indexed
from compat.simulator.messages import Problem, invalid
from compat.simulator.parameters import named
from compat.simulator.search import SearchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.simulator.account import Account
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.folders import Predicate
    from compat.simulator.parameters import Question
    from compat.simulator.records import Conversation
    from compat.simulator.search import Node

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


class Lister:
    """Answers list questions about one account.

    Args:
        account: what there is to list.
        manners: the behaviour as it is now.

    Attributes:
        indexed: the account as lists show it.
    """

    def __init__(self, account: Account, manners: Callable[[], Behaviour]) -> None:
        self._account = account
        self._manners = manners
        self.indexed = Indexed(account)
        self._indexes = {
            fractions: Index(self.indexed, moment) for fractions, moment in _MOMENTS.items()
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

    def page(self, question: Question) -> Page:
        """The page that was asked for, as the account is at this moment.

        Raises:
            Refusal: the search expression has a value that does not fit its field.
        """
        says = self._manners()
        with self._account.lock:
            self.indexed.advance(says.index_lag, says.index_lag_lists)
            # What decides about a selection, so that one made by other manners is not taken.
            meaning = (question.filters, len(self._account.layout.tags), says.all_lists_spam)
            selection = self._index.select(meaning, self._belongs(question))
            window = selection.window(question.low, question.high)
            chosen = self._chosen(question, selection.ids, window, says.page_size)
            rows = [row for row in map(self.indexed.row, chosen) if row]
        return Page(rows, len(window), says.page_size, question.page)

    @property
    def _moment(self) -> Callable[[Conversation], int]:
        return _MOMENTS[self._manners().index_fractions]

    @property
    def _index(self) -> Index:
        return self._indexes[self._manners().index_fractions]

    def _chosen(
        self, question: Question, ids: Sequence[int], window: range, size: int
    ) -> Sequence[int]:
        ordered: Sequence[int] = ids
        places: Sequence[int] = window
        if question.sort_field != "createdAt":
            spam = self._manners().all_lists_spam
            name = (question.filters, question.low, question.high, question.sort_field, spam)
            inside = (ids[place] for place in window)
            ordered = self._index.ordered(name, inside, _SORT_KEYS[question.sort_field])
            places = range(len(ordered))
        if question.descending:
            places = places[::-1]
        first = (question.page - 1) * size
        return [ordered[place] for place in places[first : first + size]]

    def _belongs(self, question: Question) -> Predicate:
        try:
            tests = [self._filters[name](value) for name, value in question.filters]
        except SearchError as error:
            raise invalid(Problem("query", str(error))) from error
        return lambda row: all(holds(row) for holds in tests)

    def _status(self, name: str) -> Predicate:
        wanted = _STATUSES.get(name, frozenset({name}))
        if name == "all" and not self._manners().all_lists_spam:
            wanted -= {"spam"}
        return lambda row: row.status in wanted

    def _query(self, tree: Node) -> Predicate:
        return Evaluator(self._account.layout, self._moment).predicate(tree)

    def _folder(self, folder_id: int) -> Predicate:
        folder = self._account.layout.folder_by_id.get(folder_id)
        return shown_by(folder, self._account.layout) if folder else lambda _row: False

    def _tag(self, text: str) -> Predicate:
        tags = self._account.layout.tag_by_name
        wanted = {tags[name].id for name in named(text, tags) if name in tags}
        return lambda row: not wanted.isdisjoint(row.tag_ids)


def _whole_moment(row: Conversation) -> int:
    return row.created * 1000


def _exact_moment(row: Conversation) -> int:
    return row.created * 1000 + row.millis


_MOMENTS: dict[bool, Callable[[Conversation], int]] = {False: _whole_moment, True: _exact_moment}
"""The creation time as an index without and with fractions keeps it."""

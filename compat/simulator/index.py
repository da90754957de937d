"""The search index: which conversations a question selects, fast also in a large account.

For each selection the index keeps its rows ordered by creation time, and brings it up to date
with the account's changes when it is asked. A window of creation time is then two bisections.
It may lag: then it knows the account as it was a number of changes ago.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from compat.simulator.account import Account
    from compat.simulator.folders import Predicate
    from compat.simulator.records import Conversation

KEPT_SELECTIONS = 24
KEPT_ORDERS = 8
LONGEST_LAG = 10_000
"""Lists of conversations, counted back."""


class Indexed:
    """The account as lists show it: as it is, or as it was some time ago.

    Attributes:
        position: how many of the account's changes lists show.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.position = len(account.changes)
        self._marks = deque([self.position], LONGEST_LAG + 1)
        self._before: dict[int, Conversation | None] = {}

    def advance(self, seconds: float, lists: int) -> None:
        """Another list is asked for: it shows what changed so many seconds or lists ago."""
        changes = self.account.changes
        self._marks.append(len(changes))
        self.position = self._marks[max(-1 - lists, -len(self._marks))]
        if seconds:
            newest = self.account.clock() - seconds
            old_enough = bisect_right(changes, newest, key=lambda change: change.at)
            self.position = min(self.position, old_enough)
        self._before = {change.id: change.before for change in reversed(changes[self.position :])}

    def row(self, row_id: int) -> Conversation | None:
        """A conversation as lists show it; None while they do not know of it."""
        return self._before[row_id] if row_id in self._before else self.account[row_id]

    def changed(self, since: int) -> list[int]:
        """The ids of what is different from another position."""
        first, after = sorted((since, self.position))
        return sorted({change.id for change in self.account.changes[first:after]})


class Selection:
    """The rows for which a predicate holds, by creation time and id, kept up to date."""

    def __init__(
        self, indexed: Indexed, belongs: Predicate, moment: Callable[[Conversation], int]
    ) -> None:
        self._indexed = indexed
        self._belongs = belongs
        self._moment = moment
        self._seen = indexed.position
        known = (indexed.row(row.id) for row in indexed.account.conversations())
        found = [(moment(row), row.id) for row in known if row and row.listed and belongs(row)]
        found.sort()
        self.moments = array("q", [at for at, _ in found])
        self.ids = array("q", [row_id for _, row_id in found])

    def refresh(self) -> None:
        """Takes in what changed since the last time."""
        for row_id in self._indexed.changed(self._seen):
            self._place(row_id)
        self._seen = self._indexed.position

    def window(self, low: float, high: float) -> range:
        """Where in ``ids`` the rows from ``low`` to ``high`` are, milliseconds, both included."""
        return range(bisect_left(self.moments, low), bisect_right(self.moments, high))

    def _place(self, row_id: int) -> None:
        row = self._indexed.row(row_id)
        moment = self._moment(row or self._indexed.account[row_id])
        start, stop = bisect_left(self.moments, moment), bisect_right(self.moments, moment)
        at = bisect_left(self.ids, row_id, start, stop)
        present = at < stop and self.ids[at] == row_id
        wanted = row is not None and row.listed and self._belongs(row)
        if wanted and not present:
            self.moments.insert(at, moment)
            self.ids.insert(at, row_id)
        elif present and not wanted:
            del self.moments[at], self.ids[at]


class Index:
    """The selections and orders that were asked for lately."""

    def __init__(self, indexed: Indexed, moment: Callable[[Conversation], int]) -> None:
        self._indexed = indexed
        self._moment = moment
        self._selections: OrderedDict[Hashable, Selection] = OrderedDict()
        self._orders: OrderedDict[Hashable, list[int]] = OrderedDict()

    def select(self, name: Hashable, belongs: Predicate) -> Selection:
        """The selection of this name; equal names must mean equal predicates."""
        known = self._selections.pop(name, None)
        if known is None:
            known = Selection(self._indexed, belongs, self._moment)
        known.refresh()
        self._selections[name] = known
        if len(self._selections) > KEPT_SELECTIONS:
            self._selections.popitem(last=False)
        return known

    def ordered(
        self, name: Hashable, ids: Iterable[int], key: Callable[[Conversation], Any]
    ) -> list[int]:
        """These ids, ordered by a key of their rows, then by id."""
        fresh = (name, self._indexed.position)
        known = self._orders.pop(fresh, None)
        if known is None:
            rows = [row for row in map(self._indexed.row, ids) if row]
            known = [row.id for row in sorted(rows, key=lambda row: (key(row), row.id))]
        self._orders[fresh] = known
        if len(self._orders) > KEPT_ORDERS:
            self._orders.popitem(last=False)
        return known

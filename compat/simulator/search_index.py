"""The search index: which conversations a request selects, also fast in a large account.

For each selection the index keeps the ids ordered by creation time, and updates them with the
account's changes at each request. A window of creation time is then two bisections. The index may
lag: then it shows the account as it was a number of changes ago.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from compat.simulator.conversation import Conversation
    from compat.simulator.folder_views import Predicate
    from compat.simulator.store import Account

MAX_SELECTIONS = 24
MAX_ORDERS = 8
MAX_LAG = 10_000
"""How many lists of conversations the index can lag, at most."""


class IndexedAccount:
    """The account as lists show it: as it is, or as it was some time ago.

    Attributes:
        position: how many of the account's changes lists show.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.position = len(account.changes)
        self._positions = deque([self.position], MAX_LAG + 1)
        self._before: dict[int, Conversation | None] = {}

    def advance(self, seconds: float, lists: int) -> None:
        """Prepare for another list, which lags by this many seconds or lists."""
        changes = self.account.changes
        self._positions.append(len(changes))
        self.position = self._positions[max(-1 - lists, -len(self._positions))]
        if seconds:
            newest = self.account.clock() - seconds
            old_enough = bisect_right(changes, newest, key=lambda change: change.at)
            self.position = min(self.position, old_enough)
        self._before = {change.id: change.before for change in reversed(changes[self.position :])}

    def row(self, row_id: int) -> Conversation | None:
        """A conversation as lists show it; None while they do not show it yet."""
        return self._before[row_id] if row_id in self._before else self.account[row_id]

    def changed(self, since: int) -> list[int]:
        """The ids of conversations that changed between another position and the current one."""
        first, after = sorted((since, self.position))
        return sorted({change.id for change in self.account.changes[first:after]})


class Selection:
    """The rows for which a predicate holds, by creation time and id, kept up to date."""

    def __init__(
        self, indexed: IndexedAccount, belongs: Predicate, created_at: Callable[[Conversation], int]
    ) -> None:
        self._indexed = indexed
        self._belongs = belongs
        self._created_at = created_at
        self._position = indexed.position
        known = (indexed.row(row.id) for row in indexed.account.conversations())
        found = [(created_at(row), row.id) for row in known if row and row.listed and belongs(row)]
        found.sort()
        self.created_at = array("q", [at for at, _ in found])
        self.ids = array("q", [row_id for _, row_id in found])

    def refresh(self) -> None:
        """Apply what changed since the last time."""
        for row_id in self._indexed.changed(self._position):
            self._update(row_id)
        self._position = self._indexed.position

    def window(self, low: float, high: float) -> range:
        """The positions in ``ids`` of a window of creation time, milliseconds, both included."""
        return range(bisect_left(self.created_at, low), bisect_right(self.created_at, high))

    def _update(self, row_id: int) -> None:
        row = self._indexed.row(row_id)
        instant = self._created_at(row or self._indexed.account[row_id])
        start, stop = bisect_left(self.created_at, instant), bisect_right(self.created_at, instant)
        at = bisect_left(self.ids, row_id, start, stop)
        present = at < stop and self.ids[at] == row_id
        wanted = row is not None and row.listed and self._belongs(row)
        if wanted and not present:
            self.created_at.insert(at, instant)
            self.ids.insert(at, row_id)
        elif present and not wanted:
            del self.created_at[at], self.ids[at]


class SearchIndex:
    """The selections and orders that were requested recently."""

    def __init__(self, indexed: IndexedAccount, created_at: Callable[[Conversation], int]) -> None:
        self._indexed = indexed
        self._created_at = created_at
        self._selections: OrderedDict[Hashable, Selection] = OrderedDict()
        self._orders: OrderedDict[Hashable, list[int]] = OrderedDict()

    def select(self, name: Hashable, belongs: Predicate) -> Selection:
        """The selection of this name; equal names must have equal predicates."""
        known = self._selections.pop(name, None)
        if known is None:
            known = Selection(self._indexed, belongs, self._created_at)
        known.refresh()
        self._selections[name] = known
        if len(self._selections) > MAX_SELECTIONS:
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
        if len(self._orders) > MAX_ORDERS:
            self._orders.popitem(last=False)
        return known

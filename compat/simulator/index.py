"""The search index: which conversations a question selects, fast also in a large account.

For each selection the index keeps its rows ordered by creation time, and brings it up to date
with the account's changes when it is asked. A window of creation time is then two bisections.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from compat.simulator.account import Account
    from compat.simulator.folders import Predicate
    from compat.simulator.records import Conversation

KEPT_SELECTIONS = 24
KEPT_ORDERS = 8


class Selection:
    """The rows for which a predicate holds, by creation time and id, kept up to date."""

    def __init__(
        self, account: Account, belongs: Predicate, moment: Callable[[Conversation], int]
    ) -> None:
        self._account = account
        self._belongs = belongs
        self._moment = moment
        self._seen = len(account.changes)
        found = [
            (moment(row), row.id) for row in account.conversations() if row.listed and belongs(row)
        ]
        found.sort()
        self.moments = array("q", [at for at, _ in found])
        self.ids = array("q", [row_id for _, row_id in found])

    def refresh(self) -> None:
        """Takes in what changed in the account since the last time."""
        for row_id in sorted(set(self._account.changes[self._seen :])):
            self._place(row_id)
        self._seen = len(self._account.changes)

    def window(self, low: float, high: float) -> range:
        """Where in ``ids`` the rows from ``low`` to ``high`` are, milliseconds, both included."""
        return range(bisect_left(self.moments, low), bisect_right(self.moments, high))

    def _place(self, row_id: int) -> None:
        row = self._account[row_id]
        moment = self._moment(row)
        start, stop = bisect_left(self.moments, moment), bisect_right(self.moments, moment)
        at = bisect_left(self.ids, row_id, start, stop)
        present = at < stop and self.ids[at] == row_id
        wanted = row.listed and self._belongs(row)
        if wanted and not present:
            self.moments.insert(at, moment)
            self.ids.insert(at, row_id)
        elif present and not wanted:
            del self.moments[at], self.ids[at]


class Index:
    """The selections and orders that were asked for lately."""

    def __init__(self, account: Account, moment: Callable[[Conversation], int]) -> None:
        self._account = account
        self._moment = moment
        self._selections: OrderedDict[Hashable, Selection] = OrderedDict()
        self._orders: OrderedDict[Hashable, list[int]] = OrderedDict()

    def select(self, name: Hashable, belongs: Predicate) -> Selection:
        """The selection of this name; equal names must mean equal predicates."""
        known = self._selections.pop(name, None)
        if known is None:
            known = Selection(self._account, belongs, self._moment)
        known.refresh()
        self._selections[name] = known
        if len(self._selections) > KEPT_SELECTIONS:
            self._selections.popitem(last=False)
        return known

    def ordered(
        self, name: Hashable, ids: Iterable[int], key: Callable[[Conversation], Any]
    ) -> list[int]:
        """These ids, ordered by a key of their rows, then by id."""
        fresh = (name, len(self._account.changes))
        known = self._orders.pop(fresh, None)
        if known is None:
            known = sorted(ids, key=lambda row_id: (key(self._account[row_id]), row_id))
        self._orders[fresh] = known
        if len(self._orders) > KEPT_ORDERS:
            self._orders.popitem(last=False)
        return known

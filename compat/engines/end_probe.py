"""Whether the successor counts what was created in the very second of `end`.

Nothing documents it, and pieces of a range can only be joined by who knows. So it is found out,
once for an account, from a second in which conversations were created and after which, for a
second, none was. A range that ends a second later has them in any case, which shows that the
report knows of them at all; a range that ends in their second has as many, or so many fewer.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from compat.core.buckets import DAY
from compat.v1.datetimes import to_epoch
from compat.v2.client import Client
from compat.v2.errors import AccessRefused, RequestRefused
from compat.v2.models import Conversation, ConversationsAnswer
from compat.v2.pagination import second_of
from compat.v2.reports import Series, fetch
from compat.v2.search import spelled

_BEGINNING: Final = to_epoch(datetime(2011, 1, 1, tzinfo=UTC))
"""Help Scout has existed since that year."""

_VIEWS: Final = (("day", 60 * DAY), ("week", 365 * DAY), ("month", math.inf))
"""Views that the successor takes, each with the length that a range must stay below."""

_ORDERS: Final = ("desc", "asc")
_MOST_WITNESSES: Final = 3
"""Conversations tried from each end of the list. One may be too new for the report to know, or
change between two requests; that all of them do is not to be expected."""


class End:
    """What is known of the successor's `end`; safe to share between threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._included: bool | None = None

    def included(self, check: Callable[[], None]) -> bool | None:
        """Whether the second of `end` counts; None as long as nothing shows it.

        Args:
            check: Called before each request; raises to stop.

        Raises:
            UpstreamError: Upstream fails, or has no reports for this account.
        """
        with self._lock:
            if self._included is None:
                self._included = self._find_out(check)
            return self._included

    def _find_out(self, check: Callable[[], None]) -> bool | None:
        for second, alike in chain(self._listed(check), self._searched(check)):
            until, beyond = (self._count(second - 1, second + more, check) for more in (0, 1))
            if beyond >= alike and beyond - until in {0, alike}:
                return until == beyond
        return None

    def _listed(self, check: Callable[[], None]) -> Iterator[tuple[int, int]]:
        """Seconds in which conversations were created and how many, from both ends of the list."""
        for order in _ORDERS:
            check()
            params = {"status": "all", "sortField": "createdAt", "sortOrder": order, "page": "1"}
            try:
                answer = self._client.get("/conversations", params, ConversationsAnswer).value
            except (AccessRefused, RequestRefused):
                return  # reports may be for this user to see where conversations are not
            alone = list(_alone(answer))
            yield from (alone if order == "asc" else alone[::-1])[:_MOST_WITNESSES]

    def _searched(self, check: Callable[[], None]) -> Iterator[tuple[int, int]]:
        """The last such second that is more than a day ago, halved down to with reports alone.

        That nothing was created in the second of `last` is kept true all along, so that counts
        up to it are the same whether it is included or not.
        """
        first, last = _BEGINNING, int(time.time()) - DAY
        if self._count(last, last + 1, check) or not self._count(first, last, check):
            return
        while last - first > 1:
            middle = (first + last) // 2
            if self._count(middle, last, check):
                first = middle
            else:
                last = middle
        if alike := self._count(first, last, check):
            yield first, alike

    def _count(self, first: int, end: int, check: Callable[[], None]) -> int:
        check()
        view_by = next(view for view, most in _VIEWS if end - first < most)
        params = {"start": spelled(first), "end": spelled(end), "viewBy": view_by}
        answer = fetch(self._client, "conversations/new", params, Series)
        return answer.value.total


def _alone(answer: ConversationsAnswer) -> Iterator[tuple[int, int]]:
    """Seconds with nothing in the seconds beside them, in the order of the list.

    What is beside the last row of a page is on the next.
    """
    rows = {row.id: row for row in answer.rows}.values()  # a row may be repeated
    seen = [second_of(row) for row in rows]
    counted = Counter(second_of(row) for row in rows if _counts(row))
    edge = set(seen[-1:]) if answer.page.total_pages > 1 else set()
    for second, alike in counted.items():
        beside = {second - 1, second + 1}
        if not beside & {*seen} and not edge & {second, *beside}:
            yield second, alike


def _counts(row: Conversation) -> bool:
    return row.state == "published" and row.status != "spam"

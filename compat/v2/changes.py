"""Reads what was modified since some second, so that all of it is known as it was at one time.

A walk by creation time sees each conversation at another moment. A merge meanwhile moves threads
from a conversation that is read later to one that was read before. So the conversations that were
modified since are read by the time of modification: first those modified before some second, a
list that conversations only leave, to be listed among the later ones; then the later ones, which
are one page, and so as they were at one time. Each conversation is either on that page, or was not
modified since it was read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from compat.v2.errors import InconsistentData
from compat.v2.models import Conversation
from compat.v2.pagination import Batch, Paginator
from compat.v2.search import FIRST_SECOND, LAST_SECOND, Window

R = TypeVar("R", bound=Conversation)

_EVER: Final = Window(FIRST_SECOND, LAST_SECOND)
_ROUNDS: Final = 20


class ChangesReader(Generic[R]):
    """Reads what was modified since some second.

    Args:
        paginator: Returns a paginator for what was last modified between two seconds, epoch UTC,
            both included.
        on_batch: Called with each page, the earlier one first.
    """

    def __init__(
        self,
        paginator: Callable[[int, int], Paginator[R]],
        on_batch: Callable[[Batch[R]], None],
    ) -> None:
        self._paginator = paginator
        self._on_batch = on_batch

    def read(self, since: int) -> int:
        """Read all that was modified since a second, epoch UTC, as it is at one time.

        Returns:
            When the first request was made, epoch seconds by upstream's clock.

        Raises:
            UpstreamError: Upstream fails, or changes faster than it can be read.
        """
        started: list[int] = []
        for _ in range(_ROUNDS):
            page = self._page(since)
            started.append(page.requested_at)
            if page.pages <= 1:
                return started[0]
            split = self._split(since, page)
            for batch in self._paginator(since, split - 1).by_number(_EVER):
                self._on_batch(batch)
            since = split
        raise InconsistentData("conversations change faster than they can be read")

    def _split(self, since: int, page: Batch[R]) -> int:
        """A second since which so few conversations were modified that they are on one page.

        That some were shows that the index has all that was modified before that second.
        """
        low, high = since, page.requested_at + 2
        # If they came evenly, half a page of them came since then.
        middle = high - max((high - low) // (2 * page.pages), 1)
        while high - low > 1:
            later = self._page(middle)
            if later.pages == 1:
                return middle
            low, high = (middle, high) if later.pages else (low, middle)
            middle = (low + high) // 2
        return high

    def _page(self, since: int) -> Batch[R]:
        """One page of what was modified since a second."""
        batch = self._paginator(since, LAST_SECOND).first_by_number(_EVER)
        self._on_batch(batch)
        return batch

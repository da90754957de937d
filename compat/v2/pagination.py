"""Keyset pagination over the conversations created in a window, while the account changes.

Page numbers lose rows: when a row is removed, the rows behind it move forward, and one can move
over a page boundary unseen. So pagination goes by creation time. Each request asks for the first
page, oldest first, and starts at the second of the last row of the page before. Removals do not
move what is selected by time, so each conversation that exists all the while is returned.

Rows come more than once where requests overlap. The caller merges them by id; the later one wins.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from compat.v2.client import ApiResponse, Client
from compat.v2.errors import InconsistentData, RequestRefused
from compat.v2.models import Conversation, Page, PageInfo, hides_rows, whole_second
from compat.v2.search import Selection, Window, format_timestamp

R = TypeVar("R", bound=Conversation)

_ATTEMPTS_BY_NUMBER: Final = 3
_EMPTY_PAGE: Final = PageInfo(totalElements=0, totalPages=0)


def creation_second(row: Conversation) -> int:
    """The whole second in which a conversation was created, epoch UTC, as its payload shows it."""
    return whole_second(row.created_at)


class SharedWindow:
    """A window that one thread reads, while others may take over its later part.

    Each of its seconds is either claimed by the reader as complete, or can still be taken over,
    never both: both happen under one lock.

    Args:
        window: The window.
    """

    def __init__(self, window: Window) -> None:
        self.first = window.first
        self._last = window.last
        self._next = window.first
        self._lock: AbstractContextManager[object] = threading.Lock()

    @property
    def last(self) -> int:
        """The last second that the reader is to read; it may become an earlier one."""
        with self._lock:
            return self._last

    @property
    def window(self) -> Window:
        """The seconds that are the reader's now, those it has read included."""
        return Window(self.first, self.last)

    @property
    def next(self) -> int:
        """The first second that is not claimed; it cannot be taken over."""
        with self._lock:
            return self._next

    def claim(self, until: int) -> int:
        """Claim that all rows up to a second were returned.

        Returns:
            The second, or the window's last one if that is earlier.
        """
        with self._lock:
            until = min(until, self._last)
            self._next = max(self._next, until + 1)
            return until

    def take_after(self, second: int) -> Window | None:
        """Take over what is after a second; None if the reader needs it, or nothing is there."""
        with self._lock:
            if not self._next <= second < self._last:
                return None
            taken = Window(second + 1, self._last)
            self._last = second
            return taken

    def restart(self) -> None:
        """Read the window as it is now from its first second on, for another list."""
        with self._lock:
            self._next = self.first


@dataclass(frozen=True)
class Batch(Generic[R]):
    """The rows of one page, and how much of the window is complete with it.

    Attributes:
        rows: The rows on it; some may be repeated, or lie outside of the window.
        complete_until: All rows created up to this second, included, have been returned. With
            the last batch it is the last second of the window, as that is then.
        expected: How many rows are left from this page on, roughly.
        requested_at: When it was requested, epoch seconds by upstream's clock.
        end: The last second up to which `expected` counts.
        pages: On how many pages the expected rows are.
    """

    rows: Sequence[R]
    complete_until: int
    expected: int
    requested_at: int
    end: int
    pages: int


class Paginator(Generic[R]):
    """Fetches one selection of conversations, in any number of windows.

    Args:
        client: The API client.
        selection: The filters, except the creation time.
        model: The model of a page.
        before_request: Called before each request, and while one waits; raises to stop.
    """

    def __init__(
        self,
        client: Client,
        selection: Selection,
        model: type[Page[R]],
        before_request: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._selection = selection
        self._model = model
        self._before_request = before_request

    def with_check(self, check: Callable[[], None]) -> Paginator[R]:
        """The same, with another check before each request."""

        def before_request() -> None:
            check()
            self._before_request()

        return Paginator(self._client, self._selection, self._model, before_request)

    def batches(self, window: Window | SharedWindow) -> Iterator[Batch[R]]:
        """All rows created in a window, page by page, oldest first.

        Args:
            window: The window. If it is shared, its end is looked at before and after each
                request; the reader claims what is complete before it returns the batch.

        Raises:
            UpstreamError: Upstream fails, or its responses stay inconsistent.
        """
        shared = window if isinstance(window, SharedWindow) else SharedWindow(window)
        key = shared.first
        while key <= (end := shared.last):
            response = self._from_key(key, end)
            rows, page, at = response.value.rows, response.value.page, response.requested_at
            is_last = page.total_pages <= 1
            last = _last_second(rows, key)
            complete_until = shared.claim(end if is_last else last - 1)
            yield Batch(rows, complete_until, page.total_elements, at, end, page.total_pages)
            if is_last:
                return
            # What was taken over meanwhile is not read. The first unclaimed second stays here.
            if last <= shared.last and (last == key or _is_crowded(rows, last)):
                # If the second is the key itself, it has at least two pages.
                probe = 2 if last == key else 1
                yield from self._by_number(Window(last, last), probe)
                yield Batch((), shared.claim(last), 0, at, last, 0)
                last += 1
            key = last

    def _from_key(self, key: int, last: int) -> ApiResponse[Page[R]]:
        # One second more than needed: the index may keep fractions that payloads do not show.
        return self._get(
            self._selection.params(key, last + 1, "createdAt", 1),
            lambda page: _check_ascending(page, key),
        )

    def first_by_number(self, window: Window) -> Batch[R]:
        """The first page by number of all rows created in a window.

        If it is the only one, these are all rows as they were at one time.
        """
        return _incomplete_batch(window, self._numbered_page(window, 1))

    def by_number(self, window: Window) -> Iterator[Batch[R]]:
        """All rows created in a window, by page number: for a selection that rows only leave.

        All that stay in it are returned, whatever leaves it meanwhile.

        Raises:
            InconsistentData: It keeps growing.
            UpstreamError: Upstream fails.
        """
        return self._by_number(window, 1)

    def _by_number(self, window: Window, probe: int) -> Iterator[Batch[R]]:
        """All rows of a window that may have more of them than fit on a page.

        The pages are sorted by number and read from the last to the first. A removal then moves
        rows towards pages that are still to be read. A row that is added in the middle moves them
        the other way, so the window is read again if it grew meanwhile.

        Args:
            window: Seconds of creation.
            probe: The page to read first. It shows the number of pages, and, when it is read
                again, which rows are new on it.
        """
        what = ""
        for _ in range(_ATTEMPTS_BY_NUMBER):
            response = self._numbered_page(window, probe)
            yield _incomplete_batch(window, response)
            first = response.value
            last = max(first.page.total_pages, 1)
            read = [(probe, first)] if probe == last else []
            for number in range(last - len(read), 0, -1):
                response = self._numbered_page(window, number)
                yield _incomplete_batch(window, response)
                read.append((number, response.value))
            hides = hides_rows(
                [[row.id for row in page.rows] for _, page in read], read[-1][1].page
            )
            if not hides and _did_not_grow(read) and not _has_new_rows(first, probe, read):
                return
            what = "repeated rows, and lacked others," if hides else "kept changing"
        second = f" created at {format_timestamp(window.first)}"
        which = second if window.first == window.last else ""
        raise InconsistentData(f"the conversations{which} {what} while they were read")

    def _numbered_page(self, window: Window, number: int) -> ApiResponse[Page[R]]:
        try:
            return self._get(
                self._selection.params(window.first, window.last + 1, "number", number),
                lambda page: _check_not_empty(page, number),
            )
        except RequestRefused as refusal:
            if refusal.status != 404 or number == 1:
                raise
            # The last page does not exist any more: rows were removed.
            return ApiResponse(self._model(page=_EMPTY_PAGE), refusal.requested_at)

    def _get(
        self, params: dict[str, str], check: Callable[[Page[R]], None]
    ) -> ApiResponse[Page[R]]:
        self._before_request()
        return self._client.get(
            "/conversations",
            params,
            self._model,
            check=check,
            check_stopped=self._before_request,
        )


def _incomplete_batch(window: Window, response: ApiResponse[Page[R]]) -> Batch[R]:
    """The batch of one page of a window that is not complete yet."""
    rows, page, at = response.value.rows, response.value.page, response.requested_at
    return Batch(rows, window.first - 1, page.total_elements, at, window.last, page.total_pages)


def _last_second(rows: Iterable[Conversation], key: int) -> int:
    return max((creation_second(row) for row in rows), default=key)


def _is_crowded(rows: Sequence[Conversation], second: int) -> bool:
    """Whether so many rows share a second that more of them are likely on the next page.

    Reading that second by itself then costs less than starting the next page with it.
    """
    return sum(creation_second(row) == second for row in rows) > len(rows) // 3 > 1


def _did_not_grow(read: Sequence[tuple[int, Page[Conversation]]]) -> bool:
    """Whether no row was added while pages were read from the last to the first.

    If removals took the last pages away and new rows brought them back, the totals show nothing.
    But then there is a page behind the first one that had rows.
    """
    with_rows = [(number, page.page) for number, page in read if page.rows]
    totals = [info.total_elements for _, info in with_rows]
    nothing_behind = all(info.total_pages <= with_rows[0][0] for _, info in with_rows)
    return nothing_behind and totals == sorted(totals, reverse=True)


def _has_new_rows(
    first: Page[Conversation], probe: int, read: Sequence[tuple[int, Page[Conversation]]]
) -> bool:
    """Whether a new row has moved rows from page to page since the probe.

    If another row was removed at the same moment, the totals do not show it. But then the probed
    page has rows that were neither on it nor behind it before, and has lost others that are not
    on a page before it. (A row that upstream only repeats is still there.)
    """
    before = {row.id for row in first.rows}
    ids = {number: {row.id for row in page.rows} for number, page in read}
    again = ids.get(probe, before)
    behind: set[int] = set().union(*(ids[number] for number in ids if number > probe))
    ahead: set[int] = set().union(*(ids[number] for number in ids if number < probe))
    return bool(again - before - behind) and bool(before - again - ahead)


def _check_not_empty(page: Page[Conversation], number: int) -> None:
    """Rows must be there, unless removals put the page number past the end."""
    if fault := page.page.contradiction(number, len(page.rows)):
        raise InconsistentData(f"a page of conversations {fault}")


def _check_ascending(page: Page[Conversation], key: int) -> None:
    """Rows from the key on must come oldest first: keyset pagination depends on the order.

    Upstream may repeat a row on a page, or show one from before the key. Neither does harm.
    """
    _check_not_empty(page, 1)
    rows = page.rows
    times_seen = Counter(row.id for row in rows)
    seconds = [creation_second(row) for row in rows if times_seen[row.id] == 1]
    in_order = [second for second in seconds if second >= key]
    if in_order != sorted(in_order):
        raise InconsistentData("conversations do not come in the order asked for")
    if page.page.total_pages > 1 and _last_second(rows, key - 1) < key:
        raise InconsistentData("conversations come from outside of the time asked for")

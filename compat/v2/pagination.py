"""Keyset pagination over the conversations created in a window, while the account changes.

Page numbers lose rows: when a row is removed, the rows behind it move forward, and one can move
over a page boundary unseen. So pagination goes by creation time. Each request asks for the first
page, oldest first, and starts at the second of the last row of the page before. Removals do not
move what is selected by time, so each conversation that exists all the while is returned.

Rows come more than once where requests overlap. The caller merges them by id; the later one wins.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Generic, TypeVar

from compat.v2.client import ApiResponse, Client
from compat.v2.errors import Cancelled, InconsistentData, RequestRefused
from compat.v2.models import Conversation, ConversationPage, Page, PageInfo
from compat.v2.search import Selection, Window, format_timestamp

R = TypeVar("R", bound=Conversation)

_ATTEMPTS_FOR_A_SECOND: Final = 3
_MIN_PAGES_PER_PART: Final = 20
_MAX_PARTS: Final = 8
_EMPTY_PAGE: Final = PageInfo(totalElements=0, totalPages=0)


def creation_second(row: Conversation) -> int:
    """The whole second in which a conversation was created, epoch UTC, as its payload shows it."""
    return math.floor(row.created_at.timestamp())


@dataclass(frozen=True)
class FirstBatch(Generic[R]):
    """The first page of a window.

    Attributes:
        rows: The rows on it.
        rest: What is still to be fetched, split into parts that can be fetched in parallel.
        expected: How many rows the whole window holds, roughly.
        requested_at: When it was requested, epoch seconds by upstream's clock.
    """

    rows: Sequence[R]
    rest: tuple[Window, ...]
    expected: int
    requested_at: int


@dataclass(frozen=True)
class Batch(Generic[R]):
    """The rows of one page, and how much of the window is complete with it.

    Attributes:
        rows: The rows on it; some may be repeated, or lie outside of the window.
        complete_until: All rows created up to this second, included, have been returned.
        expected: How many rows are left from this page on, roughly.
        requested_at: When it was requested, epoch seconds by upstream's clock.
    """

    rows: Sequence[R]
    complete_until: int
    expected: int
    requested_at: int


class Paginator(Generic[R]):
    """Fetches one selection of conversations, in any number of windows.

    Args:
        client: The API client.
        selection: The filters, except the creation time.
        model: The model of a page.
        before_request: Called before each request; raises to stop.
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

    def first_batch(self, window: Window) -> FirstBatch[R]:
        """Fetch the first page, and plan the rest by its number of pages."""
        response = self._from_key(window.first, window.last)
        rows, pages = response.value.rows, response.value.page.total_pages
        rest: tuple[Window, ...] = ()
        if pages > 1:
            rest = split_window(Window(_last_second(rows, window.first), window.last), pages)
        return FirstBatch(rows, rest, response.value.page.total_elements, response.requested_at)

    def batches(self, window: Window) -> Iterator[Batch[R]]:
        """All rows created in a window, page by page, oldest first.

        Raises:
            UpstreamError: Upstream fails, or its responses stay inconsistent.
        """
        key = window.first
        while key <= window.last:
            response = self._from_key(key, window.last)
            rows, page = response.value.rows, response.value.page
            last = _last_second(rows, key)
            complete_until = window.last if page.total_pages <= 1 else min(last - 1, window.last)
            yield Batch(rows, complete_until, page.total_elements, response.requested_at)
            if page.total_pages <= 1:
                return
            if last == key or _is_crowded(rows, last):
                # If the second is the key itself, it has at least two pages.
                yield from self._whole_second(last, probe=2 if last == key else 1)
                yield Batch((), min(last, window.last), 0, response.requested_at)
                last += 1
            key = last

    def _from_key(self, key: int, last: int) -> ApiResponse[Page[R]]:
        # One second more than needed: the index may keep fractions that payloads do not show.
        return self._get(
            self._selection.params(key, last + 1, "createdAt", 1),
            lambda page: _check_ascending(page, key),
        )

    def _whole_second(self, second: int, *, probe: int) -> Iterator[Batch[R]]:
        """All rows of a second that may have more of them than fit on a page: by page number.

        The pages are sorted by number and read from the last to the first. A removal then moves
        rows towards pages that are still to be read. A row that is added in the middle moves them
        the other way, so the second is read again if it grew meanwhile.

        Args:
            second: The second, epoch UTC.
            probe: The page to read first. It shows the number of pages, and, when it is read
                again, which rows are new on it.
        """
        for _ in range(_ATTEMPTS_FOR_A_SECOND):
            response = self._numbered_page(second, probe)
            yield _incomplete_batch(second, response)
            first = response.value
            last = max(first.page.total_pages, 1)
            read = [(probe, first)] if probe == last else []
            for number in range(last - len(read), 0, -1):
                response = self._numbered_page(second, number)
                yield _incomplete_batch(second, response)
                read.append((number, response.value))
            if _did_not_grow(read) and not _has_new_rows(first, probe, read):
                return
        at = format_timestamp(second)
        raise InconsistentData(
            f"the conversations created at {at} kept changing while they were read"
        )

    def _numbered_page(self, second: int, number: int) -> ApiResponse[Page[R]]:
        try:
            return self._get(
                self._selection.params(second, second + 1, "number", number),
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
        return self._client.get("/conversations", params, self._model, check=check)


def split_window(window: Window, pages: int) -> tuple[Window, ...]:
    """Split a window into parts to fetch in parallel.

    Each part costs about one request more than the whole would, so a window with few pages
    stays whole.

    Args:
        window: The window.
        pages: How many pages it has.
    """
    seconds = window.last - window.first + 1
    parts = max(1, min(_MAX_PARTS, pages // _MIN_PAGES_PER_PART, seconds))
    edges = [window.first + seconds * part // parts for part in range(parts + 1)]
    return tuple(Window(first, after - 1) for first, after in pairwise(edges))


@dataclass(frozen=True)
class PageCallbacks:
    """What `fetch_windows` calls; never two of them at once, except `before_request`.

    Attributes:
        on_rows: Gets the rows of each page.
        on_expected: Gets the number of rows in each window, after its first page.
        before_request: Called before each request, from any thread; raises to stop.
    """

    on_rows: Callable[[Sequence[Conversation]], None]
    on_expected: Callable[[int], None] = lambda _: None
    before_request: Callable[[], None] = lambda: None


def fetch_windows(
    client: Client,
    selection: Selection,
    windows: Sequence[Window],
    callbacks: PageCallbacks,
    *,
    workers: int,
) -> int:
    """Fetch all conversations of these windows, with several requests in parallel.

    Args:
        client: The API client.
        selection: The filters, except the creation time.
        windows: The windows; long ones are split.
        callbacks: Get what is fetched.
        workers: How many requests are made at a time, at most.

    Returns:
        When the first request was made, epoch seconds by upstream's clock.

    Raises:
        UpstreamError: The first error of any request; the other requests are stopped.
    """
    return _ParallelFetch(client, selection, callbacks).run(windows, workers)


class _ParallelFetch:
    """The state of one call of `fetch_windows`."""

    def __init__(self, client: Client, selection: Selection, callbacks: PageCallbacks) -> None:
        self._callbacks = callbacks
        self._lock = threading.Lock()
        self._failed = False
        self._requested_at: list[int] = []
        self._paginator = Paginator(client, selection, ConversationPage, self._before_request)

    def run(self, windows: Sequence[Window], workers: int) -> int:
        with ThreadPoolExecutor(workers, thread_name_prefix="pagination") as pool:
            pending = {pool.submit(self._fetch_first, window) for window in windows}
            try:
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    parts = [part for future in done for part in future.result()]
                    pending |= {pool.submit(self._fetch_rest, part) for part in parts}
            except BaseException:
                self._failed = True
                raise
        return min(self._requested_at)

    def _fetch_first(self, window: Window) -> tuple[Window, ...]:
        """Fetch the first page of a window; returns the parts that are left."""
        batch = self._paginator.first_batch(window)
        with self._lock:
            self._requested_at.append(batch.requested_at)
            self._callbacks.on_expected(batch.expected)
            self._callbacks.on_rows(batch.rows)
        return batch.rest

    def _fetch_rest(self, part: Window) -> tuple[Window, ...]:
        """Fetch a part; nothing is left after it."""
        for batch in self._paginator.batches(part):
            with self._lock:
                self._callbacks.on_rows(batch.rows)
        return ()

    def _before_request(self) -> None:
        if self._failed:
            raise Cancelled("another part of the same list failed")
        self._callbacks.before_request()


def _incomplete_batch(second: int, response: ApiResponse[Page[R]]) -> Batch[R]:
    """The batch of one page of a second that is not complete yet."""
    page = response.value
    return Batch(page.rows, second - 1, page.page.total_elements, response.requested_at)


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
    past_the_end = number > max(1, page.page.total_pages)
    if not page.rows and page.page.total_elements and not past_the_end:
        raise InconsistentData("a page of conversations is empty although its total is not")


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

"""Windows of creation time that several workers read side by side.

A worker without work starts the next waiting window. If none waits, it takes over the later half
of what another worker has still to read; a list with few pages left is not divided any more.

What is guaranteed, whatever changes meanwhile:

- Each second of a window is read to its end by one lane, for each list. Its reader claims it with
  `Batch.complete_until`; what is claimed cannot be taken over, and what was taken over is not
  claimed by the reader before. Rows of other seconds may come as well, and some rows twice.
- With its last page, a lane has claimed all seconds that are still its own.
- Lists are read one after the other in each lane. What is taken over goes on with the list in
  which it was left; the lists before it were read there already. So for each second the lists
  are read in their order.
- The caller's thread gets all pages that wait for it at once, at most one of each lane. It gets
  the pages of a lane in the order in which they were requested. A page
  of what was taken over comes after the pages of the lists that were read there before.
- A worker makes its next request when the caller is done with its page, so at most one page of
  each lane was requested that the caller has not dealt with.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Final, Generic, TypeVar

from compat.v2.client import Client
from compat.v2.errors import Cancelled
from compat.v2.models import Conversation, ConversationPage
from compat.v2.pagination import Batch, Paginator, SharedWindow, creation_second
from compat.v2.search import Selection, Window

R = TypeVar("R", bound=Conversation)

_MIN_PAGES: Final = 4
"""A part of a lane costs about half a request more than its pages."""


@dataclass(frozen=True)
class UnreadWindow:
    """A window that waits for a worker.

    Attributes:
        window: Seconds of creation.
        stage: The position of the first list to read there, counted from 0.
    """

    window: Window
    stage: int = 0


class Lane(SharedWindow):
    """What one worker reads: a window, list after list.

    Attributes:
        first: The first second of its window.
        last: The last second of its window as it is now.
        stage: The position of the list that is read, counted from 0.
        taken_over: Whether it was a part of another lane.
        left: How many rows of this list it has still to read, roughly; None if not known.
    """

    def __init__(
        self, window: Window, lock: threading.Condition, stage: int, *, taken_over: bool = False
    ) -> None:
        super().__init__(window)
        self._lock: threading.Condition = lock
        self.stage = stage
        self.taken_over = taken_over
        self.left: float | None = None
        self._rows_per_page = 1.0
        self._rows_read = 0
        self._first_row: int | None = None
        self._now = window.last

    @property
    def pages_left(self) -> float:
        """How many pages of this list are left, roughly; 0 if not known."""
        return (self.left or 0) / self._rows_per_page

    def begin(self, stage: int) -> None:
        """Begin another list."""
        with self._lock:
            self.restart()
            self.stage, self.left = stage, None
            self._rows_read, self._first_row = 0, None

    def observe(self, batch: Batch[R]) -> None:
        """Estimate by a page how many rows are left, and how densely they come."""
        rows = len(batch.rows)
        if batch.pages and batch.end == self.last:
            self.left = max(batch.expected - rows, 0)
            self._rows_per_page = max(batch.expected / batch.pages, rows, 1)
        elif self.left is not None:
            self.left = max(self.left - rows, 0)
        self._now = batch.requested_at
        self._rows_read += max(rows - 1, 0)  # the next page begins with the last row
        if rows and self._first_row is None:
            self._first_row = min(map(creation_second, batch.rows))

    def divide(self) -> Lane | None:
        """Take over the later half of the rows that are left; None if that is not possible."""
        if self.left is None:
            return None
        start = self.next
        # Nothing is created in the future, but a window may go on there.
        end = max(min(self.last, self._now), start)
        taken = self.take_after(start + int((end - start) * self._time_of_half(start, end)))
        if taken is None:
            return None
        lane = Lane(taken, self._lock, self.stage, taken_over=True)
        lane.left = self.left = self.left / 2
        lane._rows_per_page, lane._now = self._rows_per_page, self._now
        return lane

    def _time_of_half(self, start: int, end: int) -> float:
        """The share of the time that is left in which half of the rows that are left come.

        The rows are taken to grow evenly more, or fewer, from how they came until now.
        """
        if self._first_row is None or not self.left or start <= self._first_row:
            return 0.5
        until_now = self._rows_read / (start - self._first_row)
        # How they come at the start, where 1 is as they come on average from there on.
        at_start = min(until_now * (end - start) / self.left, 2.0)
        return 1 / (at_start + math.sqrt(at_start**2 - 2 * at_start + 2))


@dataclass(frozen=True)
class LanePage(Generic[R]):
    """A page that a lane has read.

    Attributes:
        lane: The lane; its window is as it is now, not as it was when the page was requested.
        stage: The position of the list in which the page was read, counted from 0.
        batch: The rows, and how much of the list is complete with them.
        is_last: Whether all lists of the lane are complete with it. Its window is final then.
    """

    lane: Lane
    stage: int
    batch: Batch[R]
    is_last: bool


def read_lanes(
    lists: Sequence[Paginator[R]],
    windows: Iterable[UnreadWindow],
    *,
    workers: int,
    min_pages: int = _MIN_PAGES,
    on_stop: Callable[[], None] = lambda: None,
) -> Generator[Sequence[LanePage[R]], None, None]:
    """Read all conversations of these windows, with several requests at a time.

    The module says what is guaranteed. The caller is done with pages when it takes the next ones.
    Close the generator (`contextlib.closing`) to stop early: it returns when the requests that
    are under way have ended.

    Args:
        lists: The lists to read one after the other in each window.
        windows: The windows, the one to start first. The next one is taken when a worker has
            nothing to do, in any thread, but never in two at once.
        workers: How many requests are made at a time, at most.
        min_pages: How many pages a lane has left, at least, if another worker takes over a part.
        on_stop: Called after the first error, or when the generator is closed early, in any
            thread. It may cut short the requests that are under way.

    Raises:
        UpstreamError: The first error of any request, after the pages that were read before it.
    """
    schedule = _Schedule(lists, windows, workers, min_pages, on_stop)
    with ThreadPoolExecutor(workers, thread_name_prefix="lane") as pool:
        try:
            for _ in range(workers):
                pool.submit(schedule.work)
            yield from schedule.pages()
        finally:
            schedule.stop()


class _Schedule(Generic[R]):
    """The state of one call of `read_lanes`, under one lock."""

    def __init__(
        self,
        lists: Sequence[Paginator[R]],
        windows: Iterable[UnreadWindow],
        workers: int,
        min_pages: int,
        on_stop: Callable[[], None],
    ) -> None:
        self._lists = [each.with_check(self._check_stopped) for each in lists]
        self._on_stop = on_stop
        self._waiting = iter(windows)
        # One lock, and a condition for each kind of waiting: a page wakes only who waits for it.
        lock = threading.RLock()
        self._changed = threading.Condition(lock)  # workers without a lane
        self._arrived = threading.Condition(lock)  # the caller
        self._dealt_with = threading.Condition(lock)  # workers whose page the caller has
        self._lanes: list[Lane] = []
        self._pages: list[LanePage[R]] = []
        self._working = workers
        self._min_pages = min_pages
        self._error: BaseException | None = None
        self._stopped = False

    def work(self) -> None:
        """Read lane after lane until nothing is left."""
        try:
            while (lane := self._next_lane()) is not None:
                self._read(lane)
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            self._end_work(error)
        else:
            self._end_work(None)

    def pages(self) -> Iterator[Sequence[LanePage[R]]]:
        """The pages that wait, again and again until all are read, or one lane has failed."""
        while True:
            with self._changed:
                self._arrived.wait_for(lambda: self._pages or self._error or not self._working)
                if not self._pages:
                    break
                pages = tuple(self._pages)
            yield pages
            with self._changed:
                del self._pages[: len(pages)]
                self._dealt_with.notify_all()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Let no worker make another request."""
        with self._changed:
            is_early = self._working > 0 and not self._stopped
            self._stopped = True
            self._notify_all()
        if is_early:
            self._on_stop()

    def _notify_all(self) -> None:
        for condition in (self._changed, self._arrived, self._dealt_with):
            condition.notify_all()

    def _check_stopped(self) -> None:
        if self._stopped:
            raise Cancelled("another part of the same list failed, or is not needed any more")

    def _end_work(self, error: BaseException | None) -> None:
        with self._changed:
            self._error = self._error or error
            self._working -= 1
            self._notify_all()
        if error is not None:
            self.stop()

    def _next_lane(self) -> Lane | None:
        """The next window that waits, or a part of one that is read; None if nothing is left."""
        with self._changed:
            while not self._stopped:
                if lane := self._start_lane() or self._take_over():
                    self._lanes.append(lane)
                    return lane
                if not self._lanes:
                    break
                self._changed.wait()
        return None

    def _start_lane(self) -> Lane | None:
        unread = next(self._waiting, None)
        return None if unread is None else Lane(unread.window, self._changed, unread.stage)

    def _take_over(self) -> Lane | None:
        for lane in sorted(self._lanes, key=lambda lane: lane.pages_left, reverse=True):
            if lane.pages_left < self._min_pages:
                return None
            if taken := lane.divide():
                return taken
        return None

    def _read(self, lane: Lane) -> None:
        for stage in range(lane.stage, len(self._lists)):
            if stage != lane.stage:
                lane.begin(stage)
            for batch in self._lists[stage].batches(lane):
                self._put(lane, batch)
        with self._changed:
            self._lanes.remove(lane)
            self._changed.notify_all()

    def _put(self, lane: Lane, batch: Batch[R]) -> None:
        """Give a page to the caller, and wait until it is done with it."""
        with self._changed:
            lane.observe(batch)
            # What is claimed to the end cannot be divided any more.
            is_last = lane.stage == len(self._lists) - 1 and batch.complete_until == lane.last
            page = LanePage(lane, lane.stage, batch, is_last)
            if not self._stopped:
                self._pages.append(page)
            self._arrived.notify()
            self._changed.notify_all()
            self._dealt_with.wait_for(lambda: self._stopped or page not in self._pages)
            self._check_stopped()


@dataclass(frozen=True)
class PageCallbacks:
    """What `fetch_windows` calls; all in the caller's thread, except `before_request`.

    Attributes:
        on_rows: Gets the rows of each page.
        on_expected: Gets the number of rows in each window, after its first page.
        before_request: Called before each request, and while one waits, from any thread; raises
            to stop.
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
    """Fetch all conversations of these windows, with several requests at a time.

    Args:
        client: The API client.
        selection: The filters, except the creation time.
        windows: The windows.
        callbacks: Get what is fetched.
        workers: How many requests are made at a time, at most.

    Returns:
        When the first request was made, epoch seconds by upstream's clock.

    Raises:
        UpstreamError: The first error of any request; the other requests are stopped.
    """
    paginator = Paginator(client, selection, ConversationPage, callbacks.before_request)
    requested_at: list[int] = []
    begun: set[Lane] = set()
    with closing(read_lanes([paginator], map(UnreadWindow, windows), workers=workers)) as groups:
        for page in chain.from_iterable(groups):
            requested_at.append(page.batch.requested_at)
            if page.lane not in begun and not page.lane.taken_over:
                callbacks.on_expected(page.batch.expected)
            begun.add(page.lane)
            callbacks.on_rows(page.batch.rows)
    return min(requested_at)

"""Several walks side by side, and one sink for what they see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass

from compat.v2.client import Client
from compat.v2.errors import Stopped
from compat.v2.models import Conversation, ConversationsAnswer
from compat.v2.pagination import Selection, Walk, Window

Rows = Sequence[Conversation]


@dataclass(frozen=True)
class Sink:
    """Where a gathering hands on what it learns; never called by two threads at once.

    Attributes:
        take: Gets the rows of each page as it comes.
        expect: Gets the number of rows in each window, once its first page tells.
        check: Called before each request; raises to stop the gathering.
    """

    take: Callable[[Rows], None]
    expect: Callable[[int], None] = lambda _: None
    check: Callable[[], None] = lambda: None


def gather(
    client: Client, selection: Selection, windows: Sequence[Window], sink: Sink, *, workers: int
) -> int:
    """Walk all windows, long ones in parts, at most `workers` requests at a time.

    Returns:
        When the first of the walks began, epoch seconds by upstream's clock.

    Raises:
        UpstreamError: The first error of any walk; the others are stopped.
    """
    return _Gathering(client, selection, sink).run(windows, workers)


class _Gathering:
    def __init__(self, client: Client, selection: Selection, sink: Sink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._failed = False
        self._began: list[int] = []
        self._walk = Walk(client, selection, ConversationsAnswer, self._before_request)

    def run(self, windows: Sequence[Window], workers: int) -> int:
        with ThreadPoolExecutor(workers, thread_name_prefix="walk") as pool:
            pending = {pool.submit(self._open, window) for window in windows}
            try:
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    parts = [part for future in done for part in future.result()]
                    pending |= {pool.submit(self._rest, part) for part in parts}
            except BaseException:
                self._failed = True
                raise
        return min(self._began)

    def _open(self, window: Window) -> tuple[Window, ...]:
        """Take the first page; what is left to walk after it."""
        opening = self._walk.open(window)
        with self._lock:
            self._began.append(opening.asked_at)
            self._sink.expect(opening.expected)
            self._sink.take(opening.rows)
        return opening.rest

    def _rest(self, part: Window) -> tuple[Window, ...]:
        """Take the rest of a part; nothing is left after it."""
        for rows in self._walk.rest(part):
            with self._lock:
                self._sink.take(rows)
        return ()

    def _before_request(self) -> None:
        if self._failed:
            raise Stopped("another part of the same walk failed")
        self._sink.check()

"""One computation for each key, shared by all callers that need its result."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

from cachetools import TLRUCache

from compat import clock
from compat.core.models import Progress

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_RESULT_KEPT: Final = 600.0
_ERROR_KEPT: Final = 30.0
_MOST_KEPT: Final = 256

_FIRST_ESTIMATE: Final = 5
_LONGEST_ESTIMATE: Final = 3600


class TooManyCalls(Exception):
    """As many computations as allowed are running or queued."""


class CallCancelled(Exception):
    """The computation was cancelled: no caller waits for it, or the service is closed."""


class Call(Generic[V]):
    """One running computation.

    Attributes:
        future: Holds the result or the error once the computation has ended.
        progress: How many rows are loaded so far.
        since: When it was started or queued, UTC.
        begun: Whether a worker has begun it; it is queued until then.
        callers: How many callers wait for it.
        cancelled: Whether the computation has to stop at its next step.
    """

    def __init__(self) -> None:
        self.future: Future[V] = Future()
        self.progress = Progress(check=self._check)
        self.since = datetime.now(UTC)
        self.begun = False
        self.callers = 0
        self.cancelled = False

    def _check(self) -> None:
        if self.cancelled:
            raise CallCancelled("no caller waits for this answer any more")


@dataclass(frozen=True)
class CallProgress(Generic[K]):
    """How far a running or queued call has come.

    Attributes:
        key: The key that its result is for.
        since: When it was started or queued, UTC.
        requests_done: How many pages it has received, one for each request.
        requests_left: How many are still to come, roughly; None if that is not known yet.
        seconds_left: An estimate of the seconds until its result; None if that is not known yet.
    """

    key: K
    since: datetime
    requests_done: int
    requests_left: float | None
    seconds_left: float | None


class SingleFlight(Generic[K, V]):
    """Runs one computation for each key in a pool of threads.

    Callers with equal keys share one call and its error. If a caller stops waiting, the
    computation goes on. A result that no caller waits for is kept for ten minutes (an error for
    half a minute) and given to the next caller, once. What was cancelled is neither joined nor
    kept. Safe to share between threads.

    Args:
        compute: Computes the result for a key. Calls `check` of its progress between two steps.
        workers: How many computations run at the same time.
        most: How many may be running or queued.
        elapsed: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        compute: Callable[[K, Progress], V],
        *,
        workers: int,
        most: int,
        elapsed: Callable[[], float] = clock.elapsed,
    ) -> None:
        self._compute = compute
        self._workers = workers
        self._most = most
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="report")
        self._running: dict[K, Call[V]] = {}
        self._kept: TLRUCache[K, Call[V]] = TLRUCache(_MOST_KEPT, _kept_until, elapsed)
        self._closed = False

    def start_or_join(self, key: K) -> Call[V]:
        """Start the computation for a key, or join the one that runs.

        Each caller must call `release` once it has the result or stops waiting.

        Raises:
            TooManyCalls: As many computations as allowed are running or queued.
            CallCancelled: The service is closed.
        """
        with self._lock:
            if self._closed:
                raise CallCancelled("the service is closed")
            call = self._kept.pop(key, None) or self._running.get(key)
            if call is None or call.cancelled:  # who asks again after a cancellation gets an answer
                call = self._start(key)
            call.callers += 1
            return call

    def release(self, call: Call[V], *, cancel: bool = False) -> None:
        """Stop waiting for a call.

        Args:
            call: The call.
            cancel: Whether the computation stops if no other caller waits for it.
        """
        with self._lock:
            call.callers -= 1
            if cancel and not call.callers:
                call.cancelled = True

    def seconds_left(self, call: Call[V], seconds_for: Callable[[float, float], float]) -> int:
        """An estimate of the whole seconds until a call has its result: 1 to 3600.

        Args:
            call: The call.
            seconds_for: Estimates the seconds in which so many pages are fetched, while so many
                others are.
        """
        with self._lock:
            calls = list(self._running.values())
        begun = [each for each in calls if each.begun]
        left = {id(each): _seconds_left(each, begun, seconds_for) for each in begun}
        estimate = left.get(id(call))
        if estimate is None:
            queued = [each for each in calls if not each.begun]
            ahead = queued.index(call) if call in queued else 0
            estimate = self._seconds_in_queue(ahead, list(left.values())) + _FIRST_ESTIMATE
        return math.ceil(min(max(estimate, 1), _LONGEST_ESTIMATE))

    def progress(self, seconds_for: Callable[[float, float], float]) -> list[CallProgress[K]]:
        """How far each running or queued call has come, in the order of their start.

        Args:
            seconds_for: As for `seconds_left`, whose estimates these are without the rounding.
        """
        with self._lock:
            running = list(self._running.items())
        begun = [call for _, call in running if call.begun]
        return [_call_progress(key, call, begun, seconds_for) for key, call in running]

    def _seconds_in_queue(self, ahead: int, ends: list[float]) -> float:
        """Seconds until a worker is free for a call, with so many queued calls ahead of it."""
        heapify(ends)
        for _ in range(ahead):
            heappush(ends, (heappop(ends) if len(ends) >= self._workers else 0.0) + _FIRST_ESTIMATE)
        return heappop(ends) if len(ends) >= self._workers else 0.0

    def close(self) -> None:
        """Cancel all computations; their callers get the error at once."""
        with self._lock:
            self._closed = True
            for call in self._running.values():
                call.cancelled = True
                _set_error(call.future, CallCancelled("the service is closing"))
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, key: K) -> Call[V]:
        if len(self._running) >= self._most:
            raise TooManyCalls
        call = self._running[key] = Call()
        self._pool.submit(self._run, key, call)
        return call

    def _run(self, key: K, call: Call[V]) -> None:
        call.begun = True
        try:
            call.progress.check()
            finish = partial(_set_result, call.future, self._compute(key, call.progress))
        except BaseException as error:  # noqa: BLE001 - the callers get every error
            finish = partial(_set_error, call.future, error)
        with self._lock:
            finish()
            if self._running.get(key) is call:
                del self._running[key]
            if not call.callers and not call.cancelled:
                self._kept[key] = call


def _call_progress(
    key: K,
    call: Call[V],
    begun: Sequence[Call[V]],
    seconds_for: Callable[[float, float], float],
) -> CallProgress[K]:
    left = call.progress.pages_left
    seconds = None if left is None else _seconds_left(call, begun, seconds_for)
    return CallProgress(key, call.since, call.progress.pages, left, seconds)


def _seconds_left(
    call: Call[V], begun: Sequence[Call[V]], seconds_for: Callable[[float, float], float]
) -> float:
    """An estimate of the seconds that a call that has begun still needs.

    One that has received nothing may wait for data that another call fetches.
    """
    left = {id(each): each.progress.pages_left for each in begun}
    known = {key: pages for key, pages in left.items() if pages is not None}

    def seconds(key: int) -> float:
        # While this call is not done, the others have fetched as many pages, if they need to.
        others = sum(min(known[key], pages) for other, pages in known.items() if other != key)
        return seconds_for(known[key], others)

    if id(call) in known:
        return seconds(id(call))
    return max([seconds_for(0, 0) + _FIRST_ESTIMATE, *map(seconds, known)])


def _kept_until(_: object, call: Call[V], now: float) -> float:
    return now + (_ERROR_KEPT if call.future.exception() else _RESULT_KEPT)


# Both are called with the lock held: `close` may have set an error before.


def _set_result(future: Future[V], result: V) -> None:
    if not future.done():
        future.set_result(result)


def _set_error(future: Future[V], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)

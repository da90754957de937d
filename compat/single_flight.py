"""One fetch for one question, however many ask it, and however long they wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final, Generic, TypeVar

from cachetools import TLRUCache

from compat import clock
from compat.core.models import Progress

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_RESULT_KEPT: Final = 600.0
_ERROR_KEPT: Final = 30.0
_MOST_KEPT: Final = 256


class TooManyCalls(Exception):
    """More questions are being worked on than may be."""


class CallCancelled(Exception):
    """The work was called off, because nobody waits for it or because the program ends."""


class Call(Generic[V]):
    """One question on its way.

    Attributes:
        future: Holds the result or the error, once there is one.
        progress: How far the fetching has come.
        began: When it was asked first, by `compat.clock.elapsed`.
    """

    def __init__(self) -> None:
        self.future: Future[V] = Future()
        self.progress = Progress(check=self._check)
        self.began = clock.elapsed()
        self.waiting = 0
        self.called_off = False

    def _check(self) -> None:
        if self.called_off:
            raise CallCancelled("nobody waits for this answer any more")


class SingleFlight(Generic[K, V]):
    """The questions being worked on, and results that nobody has fetched yet.

    Equal questions share one flight, its error included. Whoever stops waiting leaves the flight
    going; a result that lands while nobody waits is kept for ten minutes (an error for half a
    minute) or until somebody asks, whichever comes first.

    Args:
        workers: How many questions are worked on at once.
        most: How many may be under way, those that wait for a worker included.
        elapsed: Seconds on a clock that never goes back.
    """

    def __init__(
        self, *, workers: int, most: int, elapsed: Callable[[], float] = clock.elapsed
    ) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="report")
        self._under_way: dict[K, Call[V]] = {}
        self._landed: TLRUCache[K, Call[V]] = TLRUCache(_MOST_KEPT, _kept_until, elapsed)
        self._closed = False

    def join(self, key: K, work: Callable[[Progress], V]) -> Call[V]:
        """Board the flight for a question; it takes off if there is none.

        Each `join` must be followed by one `leave`.

        Raises:
            Crowded: Too many other questions are under way.
            CalledOff: The program is ending.
        """
        with self._lock:
            if self._closed:
                raise CallCancelled("the service is closed")
            flight = self._landed.pop(key, None) or self._under_way.get(key)
            if flight is None:
                flight = self._take_off(key, work)
            flight.waiting += 1
            return flight

    def leave(self, flight: Call[V], *, call_off: bool = False) -> None:
        """Wait no longer; with `call_off` the work ends unless somebody else waits."""
        with self._lock:
            flight.waiting -= 1
            if call_off and not flight.waiting:
                flight.called_off = True

    def close(self) -> None:
        """Call everything off; what waits is told so at once."""
        with self._lock:
            self._closed = True
            flights = list(self._under_way.values())
        for flight in flights:
            flight.called_off = True
            _fail(flight.future, CallCancelled("the service is closing"))
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _take_off(self, key: K, work: Callable[[Progress], V]) -> Call[V]:
        if len(self._under_way) >= self._most:
            raise TooManyCalls
        flight = self._under_way[key] = Call()
        self._pool.submit(self._fly, key, flight, work)
        return flight

    def _fly(self, key: K, flight: Call[V], work: Callable[[Progress], V]) -> None:
        try:
            settle = partial(_succeed, flight.future, work(flight.progress))
        except BaseException as error:  # noqa: BLE001 - it is handed on to those who wait
            settle = partial(_fail, flight.future, error)
        with self._lock:
            settle()
            del self._under_way[key]
            if not flight.waiting:
                self._landed[key] = flight


def _kept_until(_: object, flight: Call[V], now: float) -> float:
    return now + (_ERROR_KEPT if flight.future.exception() else _RESULT_KEPT)


def _succeed(future: Future[V], result: V) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: Future[V], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)

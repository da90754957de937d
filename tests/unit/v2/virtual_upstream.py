"""An upstream with a rate limit, latency and a clock that does not wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import formatdate
from heapq import heappop, heappush
from itertools import count

from compat.v2.rate_limit import RateLimiter

HALF_PAST = "Thu, 01 Jan 2015 00:00:30 GMT"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


class Events(Clock):
    """A clock with events: it jumps from one to the next."""

    def __init__(self) -> None:
        super().__init__()
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Let an event happen after some seconds."""
        heappush(self._events, (self.now + seconds, next(self._order), event))

    def run(self, until: float = float("inf")) -> None:
        """Let all events happen, and those that they cause, up to a moment."""
        while self._events and self._events[0][0] < until:
            self.now, _, event = heappop(self._events)
            event()


def rate_headers(left: object, limit: object = 200, date: str = HALF_PAST) -> dict[str, str]:
    return {
        "X-RateLimit-Limit-Minute": str(limit),
        "X-RateLimit-Remaining-Minute": str(left),
        "Date": date,
    }


class CountingUpstream:
    """Counts requests for each minute of its own clock, and says how many are left.

    Attributes:
        limit: Requests a minute.
        ahead: By how many seconds its clock is ahead of the client's.
        others: How many requests of other programs each minute has.
        counted: How many of ours each minute has.
    """

    def __init__(self, limit: int, ahead: float = 0.0, others: int = 0) -> None:
        self.limit, self.ahead, self.others = limit, ahead, others
        self.counted: dict[int, int] = {}

    def answer(self, now: float) -> Mapping[str, str]:
        """Count a request; returns the headers of its response."""
        minute = int((now + self.ahead) // 60)
        self.counted[minute] = self.counted.get(minute, 0) + 1
        left = max(self.limit - self.others - self.counted[minute], 0)
        return rate_headers(left, self.limit, formatdate(now + self.ahead, usegmt=True))


def send(
    clock: Events,
    limiter: RateLimiter,
    upstream: CountingUpstream,
    way: tuple[float, float],
    received: Callable[[], None],
) -> None:
    """Send a request as soon as the limiter allows it.

    Args:
        clock: The clock.
        limiter: The limiter.
        upstream: Counts it.
        way: The seconds from sending to counting, and from there to the response.
        received: Called when the response is there.
    """
    if wait := limiter.acquire():
        clock.after(wait, lambda: send(clock, limiter, upstream, way, received))
        return
    sent, (there, back) = clock.now, way

    def arrive() -> None:
        headers = upstream.answer(clock.now)
        clock.after(back, lambda: release(headers))

    def release(headers: Mapping[str, str]) -> None:
        limiter.release(headers, sent)
        received()

    clock.after(there, arrive)

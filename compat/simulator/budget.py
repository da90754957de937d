"""The rate limit: so many requests in each minute of the clock."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from compat.simulator.messages import JSON, Response, answer

MINUTE = 60


class Budget:
    """What is left of the current minute.

    Args:
        limit: requests a minute; None is no limit.
        clock: the current time in epoch seconds.
    """

    def __init__(self, limit: int | None, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._minute = -1
        self._spent = 0
        self._lock = Lock()

    def spend(self) -> Response | None:
        """Takes one request from the budget; the refusal when nothing is left."""
        if self._limit is None:
            return None
        with self._lock:
            self._turn()
            if self._spent >= self._limit:
                return self._refusal()
            self._spent += 1
        return None

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every answer says about the budget; nothing where there is no limit."""
        if self._limit is None:
            return ()
        with self._lock:
            self._turn()
            remaining = max(self._limit - self._spent, 0)
        return (
            ("X-RateLimit-Limit-Minute", str(self._limit)),
            ("X-RateLimit-Remaining-Minute", str(remaining)),
        )

    def _turn(self) -> None:
        minute = int(self._clock() // MINUTE)
        if minute != self._minute:
            self._minute, self._spent = minute, 0

    def _refusal(self) -> Response:
        wait = str(MINUTE - int(self._clock() % MINUTE))
        headers = (("X-RateLimit-Retry-After", wait), ("Retry-After", wait))
        return answer({"message": "API rate limit exceeded"}, 429, JSON, headers)

"""The rate limit: a number of requests in each minute of the clock."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from compat.simulator.messages import JSON, Response, json_response

if TYPE_CHECKING:
    from compat.simulator.behaviour import Behaviour, Plan

MINUTE = 60
_VENDOR, _STANDARD = "X-RateLimit-Retry-After", "Retry-After"
WAIT_HEADERS = {
    "both": (_VENDOR, _STANDARD),
    "vendor": (_VENDOR,),
    "standard": (_STANDARD,),
    "none": (),
}


class RateLimit:
    """The requests that are left in the current minute.

    Args:
        behaviour: returns the current behaviour.
        plan: the account's plan, which decides on the limit where the behaviour does not.
        clock: the current time in epoch seconds.
    """

    def __init__(
        self, behaviour: Callable[[], Behaviour], plan: Plan, clock: Callable[[], float]
    ) -> None:
        self._behaviour = behaviour
        self._plan = plan
        self._clock = clock
        self._minute = -1
        self._used = 0
        self._lock = Lock()

    def acquire(self) -> Response | None:
        """Count one request; returns the error response if none was left."""
        limit = self._behaviour().limit(self._plan)
        if limit is None:
            return None
        with self._lock:
            self._start_minute()
            if self._used >= limit:
                return self.exceeded()
            self._used += 1
        return None

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The rate-limit headers of every response; none without a limit."""
        limit = self._behaviour().limit(self._plan)
        if limit is None:
            return ()
        with self._lock:
            self._start_minute()
            remaining = max(limit - self._used, 0)
        return (
            ("X-RateLimit-Limit-Minute", str(limit)),
            ("X-RateLimit-Remaining-Minute", str(remaining)),
        )

    def exceeded(self) -> Response:
        """The response to a request over the limit."""
        behaviour = self._behaviour()
        left = MINUTE - int(self._clock() % MINUTE)
        wait = str(left if behaviour.limit_wait is None else behaviour.limit_wait)
        headers = tuple((name, wait) for name in WAIT_HEADERS[behaviour.limit_headers])
        return json_response({"message": "API rate limit exceeded"}, 429, JSON, headers)

    def _start_minute(self) -> None:
        minute = int(self._clock() // MINUTE)
        if minute != self._minute:
            self._minute, self._used = minute, 0

"""The rate limit: so many requests in each minute of the clock."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from compat.simulator.messages import JSON, Response, answer

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


class Budget:
    """What is left of the current minute.

    Args:
        manners: the behaviour as it is now.
        plan: decides about the limit where the behaviour does not.
        clock: the current time in epoch seconds.
    """

    def __init__(
        self, manners: Callable[[], Behaviour], plan: Plan, clock: Callable[[], float]
    ) -> None:
        self._manners = manners
        self._plan = plan
        self._clock = clock
        self._minute = -1
        self._spent = 0
        self._lock = Lock()

    def spend(self) -> Response | None:
        """Takes one request from the budget; the refusal when nothing is left."""
        limit = self._manners().limit(self._plan)
        if limit is None:
            return None
        with self._lock:
            self._turn()
            if self._spent >= limit:
                return self.refusal()
            self._spent += 1
        return None

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every answer says about the budget; nothing where there is no limit."""
        limit = self._manners().limit(self._plan)
        if limit is None:
            return ()
        with self._lock:
            self._turn()
            remaining = max(limit - self._spent, 0)
        return (
            ("X-RateLimit-Limit-Minute", str(limit)),
            ("X-RateLimit-Remaining-Minute", str(remaining)),
        )

    def refusal(self) -> Response:
        """The answer to one request too many."""
        says = self._manners()
        left = MINUTE - int(self._clock() % MINUTE)
        wait = str(left if says.limit_wait is None else says.limit_wait)
        headers = tuple((name, wait) for name in WAIT_HEADERS[says.limit_headers])
        return answer({"message": "API rate limit exceeded"}, 429, JSON, headers)

    def _turn(self) -> None:
        minute = int(self._clock() // MINUTE)
        if minute != self._minute:
            self._minute, self._spent = minute, 0

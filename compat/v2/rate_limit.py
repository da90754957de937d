"""The rate limit that an account's programs share, read from what upstream says of it.

Upstream counts requests by clock minute, for all programs of an account together, and writes
what is left on every answer. Counting ourselves would miss the others, so the headers rule.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_MINUTE: Final = 60.0
_LIMIT: Final = "X-RateLimit-Limit-Minute"
_REMAINING: Final = "X-RateLimit-Remaining-Minute"
_WAITS: Final = ("X-RateLimit-Retry-After", "Retry-After")
_LONGEST_WAIT: Final = 3600.0


class RateLimiter:
    """The requests that may still be made this minute; one object for all threads.

    Args:
        reserve: The share of the limit, 0 to 1, that is left to the account's other programs.
        clock: Seconds on a clock that never goes back.
    """

    def __init__(self, reserve: float = 0.1, *, clock: Callable[[], float] = time.monotonic):
        self._reserve = reserve
        self._clock = clock
        self._lock = threading.Lock()
        self._left: int | None = None
        self._floor = 0
        self._in_flight = 0
        self._minute_ends = 0.0
        self._held_until = 0.0

    def take(self) -> float:
        """Claim one request.

        Returns:
            Zero if the request may be sent now (`observe` must follow it), else the seconds
            to wait before trying to claim again.
        """
        with self._lock:
            wait = self._wait()
            if wait == 0:
                self._in_flight += 1
            return wait

    def wait(self) -> float:
        """Seconds until the next request may be sent; zero if it may be sent now."""
        with self._lock:
            return self._wait()

    def observe(self, headers: Mapping[str, str] | None) -> None:
        """Note the end of a claimed request and what its answer says; None if there was none."""
        with self._lock:
            self._in_flight -= 1
            limit, left = (whole(headers or {}, name) for name in (_LIMIT, _REMAINING))
            if headers is None or limit is None or left is None:
                return
            self._left = left
            self._floor = math.floor(limit * self._reserve)
            self._minute_ends = self._clock() + _to_next_minute(headers)

    def hold(self, headers: Mapping[str, str]) -> None:
        """Stop all threads for as long as a 429 says, or until the next clock minute."""
        told = (whole(headers, name) for name in _WAITS)
        seconds = next((wait for wait in told if wait is not None), None)
        pause = _to_next_minute(headers) if seconds is None else min(seconds, _LONGEST_WAIT)
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + pause)

    def _wait(self) -> float:
        now = self._clock()
        if now < self._held_until:
            return self._held_until - now
        if self._left is None or now >= self._minute_ends:
            self._left = None
            return 0.0
        spent = self._left - self._in_flight <= self._floor
        return self._minute_ends - now if spent else 0.0


def whole(headers: Mapping[str, str], name: str, otherwise: int | None = None) -> int | None:
    """The number that a header holds; where it holds none, something else."""
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _to_next_minute(headers: Mapping[str, str]) -> float:
    """Seconds to the end of the clock minute, by upstream's own clock where it shows it."""
    try:
        now = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        now = datetime.now(UTC)
    return _MINUTE - now.second

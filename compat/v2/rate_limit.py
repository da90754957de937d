"""The rate limit that all programs of an account share, read from upstream's headers.

Upstream counts requests per clock minute, for all programs of an account together, and sends what
is left with every response. Our own count would miss the other programs, so the headers decide.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LIMIT_HEADER: Final = "X-RateLimit-Limit-Minute"
REMAINING_HEADER: Final = "X-RateLimit-Remaining-Minute"
_RETRY_AFTER_HEADERS: Final = ("X-RateLimit-Retry-After", "Retry-After")
_MINUTE: Final = 60.0
_MAX_PAUSE: Final = 3600.0


class RateLimiter:
    """The requests that may still be made this minute; safe to share between threads.

    Args:
        reserve: The share of the limit, 0 to 1, that is left to the account's other programs.
        clock: Seconds of a monotonic clock.
    """

    def __init__(self, reserve: float = 0.1, *, clock: Callable[[], float] = time.monotonic):
        self._reserve = reserve
        self._clock = clock
        self._lock = threading.Lock()
        self._remaining: int | None = None
        self._reserved = 0
        self._under_way = 0
        self._minute_ends = 0.0
        self._paused_until = 0.0

    def acquire(self) -> float:
        """Acquire one request.

        Returns:
            Zero if the request may be sent now (`release` must follow it), else the seconds
            to wait before the next attempt.
        """
        with self._lock:
            seconds = self._seconds_to_wait()
            if seconds == 0:
                self._under_way += 1
            return seconds

    def release(self, headers: Mapping[str, str] | None) -> None:
        """End an acquired request, and read its response's headers; None without a response."""
        with self._lock:
            self._under_way -= 1
            limit, remaining = (
                integer_header(headers or {}, name) for name in (LIMIT_HEADER, REMAINING_HEADER)
            )
            if headers is None or limit is None or remaining is None:
                return
            self._remaining = remaining
            self._reserved = math.floor(limit * self._reserve)
            self._minute_ends = self._clock() + _seconds_to_next_minute(headers)

    def pause(self, headers: Mapping[str, str]) -> None:
        """Pause all threads for as long as a 429 says, or until the next clock minute."""
        values = (integer_header(headers, name) for name in _RETRY_AFTER_HEADERS)
        seconds = next((value for value in values if value is not None), None)
        pause = _seconds_to_next_minute(headers) if seconds is None else min(seconds, _MAX_PAUSE)
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + pause)

    def seconds_to_wait(self) -> float:
        """Seconds until the next request may be sent; zero if it may be sent now."""
        with self._lock:
            return self._seconds_to_wait()

    def _seconds_to_wait(self) -> float:
        now = self._clock()
        if now < self._paused_until:
            return self._paused_until - now
        if self._remaining is None or now >= self._minute_ends:
            self._remaining = None
            return 0.0
        used_up = self._remaining - self._under_way <= self._reserved
        return self._minute_ends - now if used_up else 0.0


def integer_header(headers: Mapping[str, str], name: str, default: int | None = None) -> int | None:
    """The whole number of a header; the default where it holds none."""
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _seconds_to_next_minute(headers: Mapping[str, str]) -> float:
    """Seconds to the end of the clock minute, by upstream's clock where the response shows it."""
    try:
        now = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        now = datetime.now(UTC)
    return _MINUTE - now.second

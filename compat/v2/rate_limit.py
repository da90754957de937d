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
_NEWEST_SHARE: Final = 0.05
"""How much the newest request counts, at least, in the seconds that a request takes."""


class RateLimiter:
    """The requests that may still be made this minute; safe to share between threads.

    Args:
        reserve: The share of the limit, 0 to 1, that is left to the account's other programs.
        clock: Seconds of a monotonic clock.

    Attributes:
        clock: The clock.
    """

    def __init__(self, reserve: float, *, clock: Callable[[], float] = time.monotonic):
        self._reserve = reserve
        self.clock = clock
        self._lock = threading.Lock()
        self._limit = self._remaining = 0
        self._under_way = 0
        self._minute_ends = -math.inf  # no response so far
        self._paused_until = 0.0
        self._request_takes = 0.0
        self._responses = 0

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

    def release(self, headers: Mapping[str, str] | None, acquired_at: float) -> None:
        """End an acquired request, and read its response's headers.

        Args:
            headers: The headers; None without a response.
            acquired_at: When it was acquired, in seconds of `clock`.
        """
        with self._lock:
            self._under_way -= 1
            if headers is not None:
                self._note_duration(self.clock() - acquired_at)
            limit, remaining = (
                integer_header(headers or {}, name) for name in (LIMIT_HEADER, REMAINING_HEADER)
            )
            # A limit of zero would mean to wait for ever; if it is one, a 429 says so.
            if headers is not None and limit and remaining is not None:
                self._limit = limit
                is_newest = self._note_minute(self.clock(), _seconds_to_next_minute(headers))
                if is_newest and acquired_at >= self._minute_ends - _MINUTE:
                    self._remaining = min(self._remaining, remaining)
                else:  # it may have been counted in the minute before, or in this one
                    self._remaining -= 1

    def pause(self, headers: Mapping[str, str]) -> None:
        """Pause all threads for as long as a 429 says, or until the next clock minute."""
        values = (integer_header(headers, name) for name in _RETRY_AFTER_HEADERS)
        seconds = next((value for value in values if value is not None), None)
        pause = _seconds_to_next_minute(headers) if seconds is None else min(seconds, _MAX_PAUSE)
        with self._lock:
            self._paused_until = max(self._paused_until, self.clock() + pause)

    def seconds_to_wait(self) -> float:
        """Seconds until the next request may be sent; zero if it may be sent now."""
        with self._lock:
            return self._seconds_to_wait()

    def seconds_for(self, requests: float, others: float = 0.0, *, workers: int) -> float:
        """An estimate of the seconds that requests will take, by the latest ones and the limit.

        Args:
            requests: How many requests. For none it is the same as `seconds_to_wait`.
            others: How many requests are sent beside them by other threads. Both share the limit.
            workers: How many of the requests are made at a time.
        """
        with self._lock:
            waits, takes = self._seconds_to_wait(), self._request_takes
            if requests <= 0:
                return waits
            pace = (requests + others) * workers / (requests * takes) if takes else math.inf
            at_end = takes * (1 - 1 / workers)  # all others have ended, the last one goes on
            return self._seconds_within_limit(requests + others, pace, waits) + at_end

    def _seconds_within_limit(self, requests: float, pace: float, waits: float) -> float:
        """Seconds for requests that could be sent at a pace, so many a second, without a limit."""
        each_minute = self._limit - math.floor(self._limit * self._reserve)
        if each_minute <= 0:  # no response so far, or all is left to others
            return waits + requests / pace
        now = self.clock()
        seconds, left = (waits, _MINUTE) if waits else (0.0, self._minute_ends - now)
        free = each_minute - (0 if waits else self._limit - self._remaining + self._under_way)
        while requests > (possible := max(min(free, pace * left), 0)) and seconds < _MAX_PAUSE:
            requests -= possible
            seconds += left
            free, left = each_minute, _MINUTE
        return seconds + requests / pace

    def _note_duration(self, seconds: float) -> None:
        self._responses += 1
        share = max(1 / self._responses, _NEWEST_SHARE)
        self._request_takes += (seconds - self._request_takes) * share

    def _seconds_to_wait(self) -> float:
        now = self.clock()
        if now < self._paused_until:
            return self._paused_until - now
        if self._minute_ends == -math.inf:
            return 0.0
        self._end_minute(now)
        used_up = self._remaining - self._under_way <= math.floor(self._limit * self._reserve)
        return self._minute_ends - now if used_up else 0.0

    def _note_minute(self, now: float, seconds_left: float) -> bool:
        """Note when the minute of a response ends; returns whether it is the newest minute.

        Upstream shows whole seconds, so what responses of one minute say is late by up to one.
        """
        ends = now + seconds_left
        self._end_minute(now)
        if ends > self._minute_ends + _MINUTE / 2:
            self._begin_minute(ends)
        elif ends < self._minute_ends - _MINUTE / 2:
            return False
        self._minute_ends = min(self._minute_ends, ends)
        return True

    def _end_minute(self, now: float) -> None:
        """Begin the next minute if this one is over."""
        if -math.inf < self._minute_ends <= now:
            minutes = math.floor((now - self._minute_ends) / _MINUTE) + 1
            self._begin_minute(self._minute_ends + minutes * _MINUTE)

    def _begin_minute(self, ends: float) -> None:
        self._minute_ends = ends
        self._remaining = self._limit


def integer_header(headers: Mapping[str, str], name: str, default: int | None = None) -> int | None:
    """The whole number of a header; the default where it holds none."""
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def date_header(headers: Mapping[str, str]) -> datetime | None:
    """Upstream's clock, UTC if it names no zone; None if a response does not show it."""
    try:
        shown = parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, OverflowError):
        return None
    return shown if shown.tzinfo else shown.replace(tzinfo=UTC)


def _seconds_to_next_minute(headers: Mapping[str, str]) -> float:
    """Seconds to the end of the clock minute, by upstream's clock where the response shows it."""
    return _MINUTE - (date_header(headers) or datetime.now(UTC)).second

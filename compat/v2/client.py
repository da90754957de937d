"""The client of Mailbox API 2.0: authenticates, limits its rate, retries, and reads responses.

A retry covers the request *and* the reading of its body: a body that is cut short looks like a
success to everything below.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from random import random
from socket import socket
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode
from weakref import WeakSet

import httpx
import stamina
from pydantic import BaseModel

from compat.v2 import errors
from compat.v2.json_text import parse_body
from compat.v2.models import TokenResponse, WithoutLongTexts
from compat.v2.oauth import AccessToken, Credentials, TokenCache
from compat.v2.rate_limit import LIMIT_HEADER, REMAINING_HEADER, RateLimiter, integer_header
from compat.v2.responses import error_for
from compat.v2.transport import (
    DEFAULT_BASE_URL,
    ENCODINGS,
    Address,
    client_options,
    describe_failure,
    is_untrusted,
    receive,
    request_time,
    shut_down,
    tls_extensions,
)

# A program without logging would get lines on standard error that say nothing but
# `stamina.retry_scheduled`; one with logging still gets the records.
logging.getLogger("stamina").addHandler(logging.NullHandler())

ATTEMPTS: Final = 8
_CHECK_SECONDS: Final = 0.25
"""Seconds after which a request that waits looks again whether its caller stops."""

_OUTAGES: Final = (
    errors.Unreachable,
    errors.CredentialsRefused,
    errors.Redirected,
    errors.RequestLoop,
)
"""Errors that concern all requests, not just the one that was sent."""

_ANSWERS: Final = (errors.MalformedData, errors.AccessRefused, errors.RequestRefused)
"""Errors that concern one request: upstream answers, and the next request may succeed."""

_SILENT: Final = 10.0
"""Seconds without an answer after which upstream seems to give none."""

_WAITS: Final = 10
"""A response may take so many times as long for its whole body as for its next bytes."""

_CREDENTIALS_REFUSED: Final = frozenset({400, 401, 403})
_OUTCOMES: Final = {2: "answered", 3: "redirected", 4: "refused"}
"""How a request ended, by the first digit of its response's status."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class ApiResponse(Generic[M]):
    """A usable response.

    Attributes:
        value: The body, as a model.
        requested_at: When it was requested, epoch seconds by upstream's clock, rounded down.
            The response shows all that happened before, except what upstream's index lags behind.
    """

    value: M
    requested_at: int


class Client:
    """A client of Mailbox API 2.0 for one account; safe to share between threads.

    Args:
        credentials: The application to authenticate as.
        base_url: The API's base URL; ends in `/v2`; plain http only to loopback.
        connect_to: Where to connect instead of the base URL's own host.
        reserve: The share of the rate limit that is left to other programs, 0 to 1.
        timeout: Seconds that a single request may take to connect, or to send its next bytes; ten
            times as many for the whole body of its response.
        proxy: The URL of a proxy to use.
        ca_file: A PEM file of certificate authorities to trust beside the usual ones.

    Attributes:
        on_outage: Called with the error of each attempt that shows that upstream does not answer
            at all; does nothing until it is set. It is called in the thread of the request.

    Raises:
        UnusableOption: An address or the file cannot be used.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str = DEFAULT_BASE_URL,
        connect_to: str | None = None,
        reserve: float = 0.1,
        timeout: float = 30.0,
        proxy: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._credentials = credentials
        self._address = Address.parse(base_url, connect_to)
        self._timeout = timeout
        self._closed = threading.Event()
        self.rate_limiter = RateLimiter(reserve)
        self._tokens = TokenCache(self._request_token)
        self._request_counts: Counter[str] = Counter()
        self._counts_lock = threading.Lock()
        self.on_outage: Callable[[errors.UpstreamError], None] = lambda _: None
        self._outage: errors.UpstreamError | None = None
        self._rate_left: int | None = None
        self._rate_limit: int | None = None
        self._unanswered: dict[object, float] = {}
        self._answered_at = 0.0
        self._sockets: WeakSet[socket] = WeakSet()
        self._extensions = {**tls_extensions(self._address), "trace": self._trace}
        self._http = httpx.Client(
            headers={
                "Host": self._address.host,
                errors.LOOP_HEADER: "1",
                "Accept": "application/json",
                "Accept-Encoding": ", ".join(ENCODINGS),
            },
            **client_options(timeout=timeout, proxy=proxy, ca_file=ca_file),
        )

    def get(
        self,
        path: str,
        params: Mapping[str, str],
        model: type[M],
        *,
        check: Callable[[M], None] | None = None,
        check_stopped: Callable[[], None] | None = None,
        attempts: int = ATTEMPTS,
    ) -> ApiResponse[M]:
        """Send a GET request, within the rate limit, and retry until its response is usable.

        Args:
            path: Below the base URL, with a leading slash.
            params: The query's parameters.
            model: The model of the body.
            check: Raises InconsistentData when the body makes no sense; it is requested again.
            check_stopped: Raises to stop; called some times a second while the request waits for
                the rate limit or to be sent again.
            attempts: How often the request is sent at most.

        Raises:
            UpstreamError: One of its kinds, once a retry does not help.
        """
        pause = partial(self._pause, check_stopped=check_stopped)
        retry = _Retry(attempts, pause)
        for attempt in stamina.retry_context(on=retry, attempts=attempts, timeout=None):
            retry.attempt = attempt
            with attempt, self._noting_outages():
                return self._get_once(path, params, model, check, pause)
        raise AssertionError("unreachable")  # pragma: no cover

    @property
    def outage(self) -> errors.UpstreamError | None:
        """Why upstream answers no request now; None if the latest one was answered.

        It may be known before a request fails: none of those under way is answered for long.
        """
        silent = self._seconds_without_answer()
        if self._outage is None and silent >= _SILENT:
            return errors.Unreachable(f"no answer from {self._address.host} for {silent:.0f} s")
        return self._outage

    def _seconds_without_answer(self) -> float:
        with self._counts_lock:
            since = min(self._unanswered.values(), default=math.inf)
            return time.monotonic() - max(since, self._answered_at)

    @contextmanager
    def _noting_outages(self) -> Iterator[None]:
        """Note whether an attempt shows that upstream does not answer at all."""
        try:
            yield
        except _ANSWERS:
            self._outage = None
            raise
        except _OUTAGES as error:
            is_limited = error.status == 429  # upstream answers, and in the next minute with data
            self._outage = None if is_limited else error
            if not is_limited:
                self.on_outage(error)
            raise
        self._outage = None

    @property
    def credentials_refused(self) -> bool:
        """Whether upstream refused the credentials in the last half minute."""
        return self._tokens.refused

    @property
    def rate_left(self) -> int | None:
        """Requests left this minute to all programs of the account, by the last response."""
        return self._rate_left

    @property
    def rate_limit(self) -> int | None:
        """Requests per minute for all programs of the account, by the last response."""
        return self._rate_limit

    def request_counts(self) -> Mapping[str, int]:
        """How many requests ended how; each attempt and each token request counts."""
        with self._counts_lock:
            return dict(self._request_counts)

    def close(self) -> None:
        """End all waiting for the rate limit, and drop all connections."""
        self._closed.set()
        for each in list(self._sockets):
            shut_down(each)
        self._http.close()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the socket of each new connection; TLS replaces it by another one."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            new = info["return_value"].get_extra_info("socket")
            self._sockets.add(new)
            if self._closed.is_set():  # it was made while the others were shut down
                shut_down(new)

    def _get_once(
        self,
        path: str,
        params: Mapping[str, str],
        model: type[M],
        check: Callable[[M], None] | None,
        pause: Callable[[float], None],
    ) -> ApiResponse[M]:
        is_short = issubclass(model, WithoutLongTexts)
        # httpx would parse the URL once without the parameters, and once more with them.
        target = f"{path}?{urlencode(params)}" if params else path
        send = partial(self._send, target, pause, short=is_short)
        response, requested_at = send(token := self._tokens.current())
        if response.status_code == 401:
            response, requested_at = send(self._tokens.replace(token))
        if response.status_code != 200:
            raise error_for(response.status_code, response.headers, response.content, requested_at)
        value = parse_body(response, model)
        if check is not None:
            check(value)
        return ApiResponse(value, requested_at)

    def _send(
        self, path: str, pause: Callable[[float], None], token: str, **options: Any
    ) -> tuple[httpx.Response, int]:
        """Send one request when the rate limit allows it."""
        while (seconds := self.rate_limiter.acquire()) > 0:
            pause(seconds)
        self._raise_if_closed()
        response: httpx.Response | None = None
        acquired_at = self.rate_limiter.clock()
        sent_at, started = time.time(), time.monotonic()
        try:
            authorization = {"Authorization": f"Bearer {token}"}
            response = self._request("GET", path, headers=authorization, **options)
        finally:
            headers = None if response is None else response.headers
            self.rate_limiter.release(headers, acquired_at)
        if response.status_code == 429:
            self.rate_limiter.pause(response.headers)
        return response, request_time(response, sent_at, time.monotonic() - started)

    def _pause(self, seconds: float, check_stopped: Callable[[], None] | None) -> None:
        """Wait, unless the client is closed or the caller stops."""
        step = seconds if check_stopped is None else _CHECK_SECONDS
        while seconds > 0:
            self._closed.wait(min(step, seconds))
            self._raise_if_closed()
            if check_stopped is not None:
                check_stopped()
            seconds -= step

    def _raise_if_closed(self) -> None:
        if self._closed.is_set():
            raise errors.Cancelled("the connection to Mailbox API 2.0 was closed")

    def _request(self, verb: str, path: str, short: bool = False, **options: Any) -> httpx.Response:
        """Send one request, and receive its response: without long texts if it is to be short."""
        url, extensions = self._address.url + path, self._extensions
        try:
            with (
                self._waiting() as answered,
                self._http.stream(verb, url, extensions=extensions, **options) as stream,
            ):
                answered()
                response = receive(stream, _WAITS * self._timeout, short=short)
        except errors.Unreachable:
            self._count(None)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            # A client that is closed in the middle of a request raises a bare RuntimeError.
            self._raise_if_closed()
            self._count(None)
            kind = errors.UntrustedCertificate if is_untrusted(error) else errors.Unreachable
            raise kind(
                f"no answer from {self._address.host} ({describe_failure(error)})"
            ) from error
        self._count(response)
        return response

    @contextmanager
    def _waiting(self) -> Iterator[Callable[[], None]]:
        """Remember that a request waits, until what this yields is called: its answer begins."""
        request = object()
        with self._counts_lock:
            self._unanswered[request] = time.monotonic()

        def answered() -> None:
            with self._counts_lock:
                self._answered_at = time.monotonic()
                self._unanswered.pop(request)

        try:
            yield answered
        finally:
            with self._counts_lock:
                self._unanswered.pop(request, None)

    def _count(self, response: httpx.Response | None) -> None:
        with self._counts_lock:
            self._request_counts[_outcome(response)] += 1
            if response is not None:
                headers = response.headers
                self._rate_left = integer_header(headers, REMAINING_HEADER, self._rate_left)
                self._rate_limit = integer_header(headers, LIMIT_HEADER, self._rate_limit)

    def _request_token(self) -> AccessToken:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.app_id,
            "client_secret": self._credentials.app_secret,
        }
        response = self._request("POST", "/oauth2/token", data=form)
        if response.status_code in _CREDENTIALS_REFUSED:
            raise errors.CredentialsRefused(
                "Mailbox API 2.0 does not accept the application's id and secret",
                status=response.status_code,
            )
        if response.status_code == 429:
            self.rate_limiter.pause(response.headers)
        if response.status_code != 200:
            raise error_for(response.status_code, response.headers, response.content)
        body = parse_body(response, TokenResponse)
        return AccessToken(body.access_token, body.expires_in)


class _Retry:
    """Decides whether a request is sent again after an error, and waits before that.

    A body that is malformed in the same way a second time stays so.

    Args:
        attempts: How often the request is sent at most.
        pause: Waits for some seconds; raises to stop.

    Attributes:
        attempt: The attempt that goes on.
    """

    attempt: stamina.Attempt

    def __init__(self, attempts: int, pause: Callable[[float], None]) -> None:
        self._attempts = attempts
        self._pause = pause
        self._malformed: set[str] = set()

    def __call__(self, error: Exception) -> float | bool:
        """False, or how many seconds the library still has to wait: none, it cannot be stopped."""
        if not isinstance(error, errors.Unreachable) or str(error) in self._malformed:
            return False
        if isinstance(error, errors.MalformedData):
            self._malformed.add(str(error))
        if self.attempt.num < self._attempts:
            jitter = 1 + random() / 2  # noqa: S311 - no secret
            self._pause(self.attempt.next_wait * jitter)
        return 0.0


def _outcome(response: httpx.Response | None) -> str:
    """How a request ended, in a word."""
    if response is None:
        return "unreachable"
    status = response.status_code
    return "limited" if status == 429 else _OUTCOMES.get(status // 100, "failed")

"""The client of Mailbox API 2.0: authenticates, limits its rate, retries, and reads responses.

A retry covers the request *and* the reading of its body: a body that is cut short looks like a
success to everything below.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from socket import socket
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

import httpx
import stamina
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from compat.v2 import errors
from compat.v2.json_text import json_text
from compat.v2.models import TokenResponse
from compat.v2.oauth import AccessToken, Credentials, TokenCache
from compat.v2.rate_limit import LIMIT_HEADER, REMAINING_HEADER, RateLimiter, integer_header
from compat.v2.transport import (
    DEFAULT_BASE_URL,
    LOOP_HEADER,
    Address,
    client_options,
    shut_down,
    tls_extensions,
)

_ATTEMPTS: Final = 8
_OUTAGES: Final = (
    errors.Unreachable,
    errors.CredentialsRefused,
    errors.Redirected,
    errors.RequestLoop,
)
"""Errors that concern all requests, not just the one that was sent."""

_DEPTH_OF_A_ROW: Final = 3
"""How many steps lead from a page to one of its conversations."""
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
        timeout: Seconds that a single request may take to connect, or to send its next bytes.
        proxy: The URL of a proxy to use.
        ca_file: A PEM file of certificate authorities to trust beside the usual ones.

    Attributes:
        on_outage: Called with the error of each attempt that shows that upstream does not answer
            at all; does nothing until it is set. It is called in the thread of the request.

    Raises:
        ValueError: An address or the file cannot be used.
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
        self._closed = threading.Event()
        self.rate_limiter = RateLimiter(reserve)
        self._tokens = TokenCache(self._request_token)
        self._request_counts: Counter[str] = Counter()
        self._counts_lock = threading.Lock()
        self.on_outage: Callable[[errors.UpstreamError], None] = lambda _: None
        self._outage: errors.UpstreamError | None = None
        self._rate_left: int | None = None
        self._rate_limit: int | None = None
        self._sockets: WeakSet[socket] = WeakSet()
        self._extensions = {**tls_extensions(self._address), "trace": self._trace}
        self._http = httpx.Client(
            headers={"Host": self._address.host, LOOP_HEADER: "1", "Accept": "application/json"},
            **client_options(timeout=timeout, proxy=proxy, ca_file=ca_file),
        )

    def get(
        self,
        path: str,
        params: Mapping[str, str],
        model: type[M],
        *,
        check: Callable[[M], None] | None = None,
        attempts: int = _ATTEMPTS,
    ) -> ApiResponse[M]:
        """Send a GET request, within the rate limit, and retry until its response is usable.

        Args:
            path: Below the base URL, with a leading slash.
            params: The query's parameters.
            model: The model of the body.
            check: Raises InconsistentData when the body makes no sense; it is requested again.
            attempts: How often the request is sent at most.

        Raises:
            UpstreamError: One of its kinds, once a retry does not help.
        """
        for attempt in stamina.retry_context(
            on=errors.Unreachable, attempts=attempts, timeout=None, wait_jitter=0.2
        ):
            with attempt, self._noting_outages():
                return self._get_once(path, params, model, check)
        raise AssertionError("unreachable")  # pragma: no cover

    @property
    def outage(self) -> errors.UpstreamError | None:
        """Why upstream answers no request now; None if the latest one was answered."""
        return self._outage

    @contextmanager
    def _noting_outages(self) -> Iterator[None]:
        """Note whether an attempt shows that upstream does not answer at all."""
        try:
            yield
        except errors.MalformedData:  # upstream answers; other conversations can be counted
            self._outage = None
            raise
        except _OUTAGES as error:
            if error.status != 429:  # the rate limit: the next minute brings an answer
                self._outage = error
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
        """Remember the socket of each new connection."""
        if event == "connection.connect_tcp.complete":
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
    ) -> ApiResponse[M]:
        token = self._tokens.current()
        response, requested_at = self._send(path, params, token)
        if response.status_code == 401:
            token = self._tokens.replace(token)
            response, requested_at = self._send(path, params, token)
        if response.status_code != 200:
            raise _error(response, requested_at)
        value = _parse(response, model)
        if check is not None:
            check(value)
        return ApiResponse(value, requested_at)

    def _send(self, path: str, params: Mapping[str, str], token: str) -> tuple[httpx.Response, int]:
        """Send one request when the rate limit allows it."""
        self._wait_for_rate_limit()
        response: httpx.Response | None = None
        acquired_at = self.rate_limiter.clock()
        sent_at, started = time.time(), time.monotonic()
        try:
            response = self._request(
                "GET", path, params=params, headers={"Authorization": f"Bearer {token}"}
            )
        finally:
            headers = None if response is None else response.headers
            self.rate_limiter.release(headers, acquired_at)
        if response.status_code == 429:
            self.rate_limiter.pause(response.headers)
        return response, _requested_at(response, sent_at, time.monotonic() - started)

    def _wait_for_rate_limit(self) -> None:
        while (seconds := self.rate_limiter.acquire()) > 0:
            if self._closed.wait(seconds):
                break
        self._raise_if_closed()

    def _raise_if_closed(self) -> None:
        if self._closed.is_set():
            raise errors.Cancelled("the connection to Mailbox API 2.0 was closed")

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(
                method, self._address.url + path, extensions=self._extensions, **options
            )
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            # A client that is closed in the middle of a request raises a bare RuntimeError.
            self._raise_if_closed()
            self._count(None)
            raise errors.Unreachable(
                f"no answer from {self._address.host} ({type(error).__name__})"
            ) from error
        self._count(response)
        return response

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
            raise _error(response)
        body = _parse(response, TokenResponse)
        return AccessToken(body.access_token, body.expires_in)


def _parse(response: httpx.Response, model: type[M]) -> M:
    """Read a body.

    Raises:
        InconsistentData: It is cut short, or damaged.
        MalformedData: It lacks a key that is documented as always there.
    """
    try:
        text = json_text(response.content)
        return model.model_validate_json(text)
    except UnicodeDecodeError:
        raise errors.InconsistentData(
            "an answer of Mailbox API 2.0 cannot be read: body: it is not UTF-8",
            status=response.status_code,
            correlation_id=response.headers.get("Correlation-Id"),
        ) from None
    except ValidationError as invalid:
        first = invalid.errors(include_input=False, include_url=False)[0]
        is_json = first["type"] != "json_invalid"
        kind = errors.MalformedData if is_json else errors.InconsistentData
        where = _where(text, first["loc"]) if is_json else "body"
        raise kind(
            f"an answer of Mailbox API 2.0 cannot be read: {where}: {first['msg']}",
            status=response.status_code,
            correlation_id=response.headers.get("Correlation-Id"),
        ) from None


def _where(text: str, location: Sequence[str | int]) -> str:
    """Which key is wrong, and of which conversation."""
    value, owner, path = from_json(text), "", list(location)
    if isinstance(value, dict) and type(value.get("id")) is int:
        owner = f"conversation {value['id']}: "
    elif path[:2] == ["_embedded", "conversations"] and len(path) > _DEPTH_OF_A_ROW:
        row = value["_embedded"]["conversations"][path[2]]
        if isinstance(row, dict) and type(row.get("id")) is int:
            owner, path = f"conversation {row['id']}: ", path[_DEPTH_OF_A_ROW:]
    return owner + ".".join(map(str, path or ["body"]))


def _error(response: httpx.Response, requested_at: int = 0) -> errors.UpstreamError:
    return errors.error_for(response.status_code, response.headers, response.content, requested_at)


def _requested_at(response: httpx.Response, sent_at: float, took: float) -> int:
    """When the request was sent, by upstream's clock if the response shows it; never too late."""
    try:
        answered_at = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except ValueError:
        return math.floor(sent_at)
    return math.floor(answered_at) - math.ceil(took)


def _outcome(response: httpx.Response | None) -> str:
    """How a request ended, in a word."""
    if response is None:
        return "unreachable"
    status = response.status_code
    return "limited" if status == 429 else _OUTCOMES.get(status // 100, "failed")

"""Asking Mailbox API 2.0: one question, one usable answer or one clear error.

Retries wrap the request *and* the reading of its body: a body that is cut short looks like a
success to everything below.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from socket import socket
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import WeakSet

from pydantic import BaseModel

from compat.v2 import errors
from compat.v2.models import TokenAnswer
from compat.v2.oauth import Grant, Tokens
from compat.v2.rate_limit import RateLimiter, whole
from compat.v2.responses import asked_at as when_asked
from compat.v2.responses import outcome, read, refusal
from compat.v2.transport import DEFAULT_BASE_URL, LOOP_HEADER, Address, hang_up, named, reaching

if TYPE_CHECKING:
    import httpx

_ATTEMPTS: Final = 8
_LEFT: Final = "X-RateLimit-Remaining-Minute"
_LIMIT: Final = "X-RateLimit-Limit-Minute"
_SIGN_IN_REFUSED: Final = frozenset({400, 401, 403})

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Credentials:
    """An application's id and secret, from *Your profile → My apps* at the vendor's."""

    app_id: str
    app_secret: str = field(repr=False)


@dataclass(frozen=True)
class Answer(Generic[M]):
    """A usable answer.

    Attributes:
        value: The body, read.
        asked_at: When it was asked, epoch seconds by upstream's clock, rounded down: what
            happened before is in the answer as far as upstream's index had it.
    """

    value: M
    asked_at: int


class Client:
    """One account's line to Mailbox API 2.0; safe to share between threads.

    Args:
        credentials: The application to sign in as.
        base_url: The API's base URL; ends in `/v2`; plain http only to loopback.
        connect_to: Where to connect in place of the base URL's own host.
        reserve: The share of the rate limit that is left to other programs, 0 to 1.
        timeout: Seconds that a single request may take to connect, or to send its next bytes.
        proxy: The URL of a proxy to go through.
        ca_file: A PEM file of certificate authorities to trust beside the usual ones.

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
        import httpx  # noqa: PLC0415 - slow to import, and not needed before

        self._credentials = credentials
        self._address = Address.of(base_url, connect_to)
        self._closing = threading.Event()
        self.budget = RateLimiter(reserve)
        self._tokens = Tokens(self._sign_in)
        self._outcomes: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._rate_left: int | None = None
        self._rate_limit: int | None = None
        self._sockets: WeakSet[socket] = WeakSet()
        self._extensions = {**named(self._address), "trace": self._trace}
        self._http = httpx.Client(
            headers={"Host": self._address.host, LOOP_HEADER: "1", "Accept": "application/json"},
            **reaching(timeout=timeout, proxy=proxy, ca_file=ca_file),
        )

    def get(
        self,
        path: str,
        params: Mapping[str, str],
        model: type[M],
        *,
        check: Callable[[M], None] | None = None,
    ) -> Answer[M]:
        """Ask until there is a usable answer, within the rate budget.

        Args:
            path: Below the base URL, with a leading slash.
            params: The query's parameters.
            model: How the body is read.
            check: Raises Incoherent when the answer read makes no sense; it is asked again.

        Raises:
            UpstreamError: One of its kinds, once asking again does not help.
        """
        import stamina  # noqa: PLC0415 - likewise

        for attempt in stamina.retry_context(
            on=errors.Unreachable, attempts=_ATTEMPTS, timeout=None, wait_jitter=0.2
        ):
            with attempt:
                return self._get_once(path, params, model, check)
        raise AssertionError("unreachable")  # pragma: no cover

    @property
    def sign_in_refused(self) -> bool:
        """Whether upstream refused the credentials in the last half minute."""
        return self._tokens.refused

    @property
    def rate_left(self) -> int | None:
        """Requests that upstream last said were left this minute, to all programs together."""
        return self._rate_left

    @property
    def rate_limit(self) -> int | None:
        """Requests a minute to all programs together, as upstream last said."""
        return self._rate_limit

    def outcomes(self) -> Mapping[str, int]:
        """How many requests ended how, each attempt and each sign-in counted."""
        with self._counting:
            return dict(self._outcomes)

    def close(self) -> None:
        """Wake what waits, and drop all connections."""
        self._closing.set()
        for each in list(self._sockets):
            hang_up(each)
        self._http.close()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember each connection's socket as it is made."""
        if event == "connection.connect_tcp.complete":
            made = info["return_value"].get_extra_info("socket")
            self._sockets.add(made)
            if self._closing.is_set():  # it was made while all others were hung up
                hang_up(made)

    def _get_once(
        self,
        path: str,
        params: Mapping[str, str],
        model: type[M],
        check: Callable[[M], None] | None,
    ) -> Answer[M]:
        token = self._tokens.current()
        response, asked_at = self._send(path, params, token)
        if response.status_code == 401:
            token = self._tokens.replace(token)
            response, asked_at = self._send(path, params, token)
        if response.status_code != 200:
            raise refusal(response, asked_at)
        value = read(response, model)
        if check is not None:
            check(value)
        return Answer(value, asked_at)

    def _send(self, path: str, params: Mapping[str, str], token: str) -> tuple[httpx.Response, int]:
        self._wait_for_budget()
        response: httpx.Response | None = None
        wall, began = time.time(), time.monotonic()
        try:
            response = self._exchange(
                "GET", path, params=params, headers={"Authorization": f"Bearer {token}"}
            )
        finally:
            self.budget.observe(None if response is None else response.headers)
        if response.status_code == 429:
            self.budget.hold(response.headers)
        return response, when_asked(response, wall, time.monotonic() - began)

    def _wait_for_budget(self) -> None:
        while (seconds := self.budget.take()) > 0:
            if self._closing.wait(seconds):
                break
        self._raise_if_closed()

    def _raise_if_closed(self) -> None:
        if self._closing.is_set():
            raise errors.Stopped("the connection to Mailbox API 2.0 was closed")

    def _exchange(self, method: str, path: str, **options: object) -> httpx.Response:
        import httpx  # noqa: PLC0415 - slow to import, and not needed before

        try:
            response = self._http.request(
                method,
                self._address.url + path,
                extensions=self._extensions,
                **options,  # type: ignore[arg-type]
            )
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as trouble:
            # A client that is closed in the middle of a request raises a bare RuntimeError.
            self._raise_if_closed()
            self._count(None)
            raise errors.Unreachable(
                f"no answer from {self._address.host} ({type(trouble).__name__})"
            ) from trouble
        self._count(response)
        return response

    def _count(self, response: httpx.Response | None) -> None:
        with self._counting:
            self._outcomes[outcome(response)] += 1
            if response is not None:
                self._rate_left = whole(response.headers, _LEFT, self._rate_left)
                self._rate_limit = whole(response.headers, _LIMIT, self._rate_limit)

    def _sign_in(self) -> Grant:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.app_id,
            "client_secret": self._credentials.app_secret,
        }
        response = self._exchange("POST", "/oauth2/token", data=form)
        if response.status_code in _SIGN_IN_REFUSED:
            raise errors.CredentialsRefused(
                "Mailbox API 2.0 does not accept the application's id and secret",
                status=response.status_code,
            )
        if response.status_code == 429:
            self.budget.hold(response.headers)
        if response.status_code != 200:
            raise refusal(response)
        answer = read(response, TokenAnswer)
        return Grant(answer.access_token, answer.expires_in)

"""Handing requests for Mailbox API 2.0 on, where its name leads to this server.

A program whose host cannot be changed may share a machine with others that speak to Mailbox API
2.0 under the same name. What those ask goes through as it is, with their own authorization.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx

from compat import correlation
from compat.config.settings import Settings
from compat.v1.errors import LegacyError, Unavailable
from compat.v1.http import LegacyResponse, render
from compat.v2.transport import LOOP_HEADER, Address, named, reaching

if TYPE_CHECKING:
    from compat.asgi import Receive, Scope, Send

_LOG: Final = logging.getLogger("compat")

PREFIX: Final = "/v2/"
_MOST_BYTES: Final = 32 * 1024 * 1024
_RETRY_AFTER: Final = 30

_OF_THE_CONNECTION: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
_NOT_SENT: Final = _OF_THE_CONNECTION | {b"host", b"content-length", b"expect"}
"""The body is sent whole and to another host, so these are said anew."""

_NOT_RETURNED: Final = _OF_THE_CONNECTION | {b"date"}
"""Whatever serves this application writes a date of its own."""

Headers = Iterable[tuple[bytes, bytes]]


class TooLarge(LegacyError):
    """The body of a request is larger than what is handed on (413)."""

    status = 413


class Passing:
    """Hands requests below `/v2/` on; belongs to one event loop.

    Attributes:
        below: What the paths of such requests begin with.

    Args:
        settings: Where Mailbox API 2.0 is, and how it is reached. Credentials are not used.

    Raises:
        ValueError: An address or a file in the settings cannot be used.
    """

    below: Final = PREFIX

    def __init__(self, settings: Settings) -> None:
        self._address = Address.of(settings.base_url, settings.connect_to)
        self._base = httpx.URL(self._address.url)
        self._client = httpx.AsyncClient(
            # Callers are strangers to each other: what one is given, another must not send.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            **reaching(
                timeout=settings.timeout,
                proxy=settings.proxy.get_secret_value() if settings.proxy else None,
                ca_file=settings.ca_file,
            ),
        )

    def takes(self, scope: Scope) -> bool:
        """Whether a request is for Mailbox API 2.0."""
        return _path(scope).startswith(PREFIX.encode())

    async def hand_on(self, scope: Scope, receive: Receive, send: Send) -> LegacyResponse | None:
        """Ask upstream, and send what it answers: status, body and end-to-end headers.

        Returns:
            What is to be said in place of upstream; None once all that can be is sent.
        """
        try:
            body = await _body(receive)
            response = await self._client.send(self._request(scope, body), stream=True)
        except ConnectionAbortedError:
            return None
        except TooLarge as error:
            return _told(error)
        except (httpx.HTTPError, RuntimeError) as error:  # a closed client raises the latter
            _LOG.warning("a request for Mailbox API 2.0 got no answer: %s", type(error).__name__)
            return _told(Unavailable("Mailbox API 2.0 cannot be reached", _RETRY_AFTER))
        await _return(response, send)
        return None

    async def close(self) -> None:
        """Drop all connections."""
        await self._client.aclose()

    def _request(self, scope: Scope, body: bytes) -> httpx.Request:
        headers = [
            (b"Host", self._address.host.encode()),
            *_end_to_end(scope["headers"], _NOT_SENT),
            (LOOP_HEADER.encode(), b"1"),
        ]
        below = _path(scope).removeprefix(PREFIX.encode())
        target = self._base.raw_path + b"/" + below
        if query := scope["query_string"]:
            target += b"?" + query
        request = httpx.Request(
            scope["method"],
            self._base,
            headers=headers,
            content=body,
            extensions=named(self._address),
        )
        request.url = _Exact(self._base, target)
        return request


class _Exact(httpx.URL):
    """A URL whose path and query go over the wire byte for byte."""

    def __init__(self, base: httpx.URL, target: bytes) -> None:
        super().__init__(base)
        self._target = target

    @property
    def raw_path(self) -> bytes:
        return self._target


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
        if sum(map(len, parts)) > _MOST_BYTES:
            raise TooLarge("The request is larger than what is handed on to Mailbox API 2.0")
    return b"".join(parts)


async def _return(response: httpx.Response, send: Send) -> None:
    """Send an answer on as it comes in, compressed or not.

    Where it breaks off, so does ours: whoever serves us then closes the connection, and the
    caller learns that something is missing.
    """
    headers = list(_end_to_end(response.headers.raw, _NOT_RETURNED))
    start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
    try:
        async with aclosing(response):
            await send(start)
            async for part in response.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
    except httpx.HTTPError as error:
        _LOG.warning("an answer of Mailbox API 2.0 broke off: %s", type(error).__name__)
        return
    await send({"type": "http.response.body", "body": b""})


def _end_to_end(headers: Headers, dropped: frozenset[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The headers that are for the far end; those that `Connection` names are not."""
    known = [(name.lower(), value) for name, value in headers]
    told = b",".join(value for name, value in known if name == b"connection")
    dropped |= {name.strip().lower() for name in told.split(b",")}
    return ((name, value) for name, value in known if name not in dropped)


def _path(scope: Scope) -> bytes:
    """The path as it was sent, without what the application is mounted below."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return path.removeprefix(scope.get("root_path", "").encode())


def _told(error: LegacyError) -> LegacyResponse:
    return render(error).with_header("Correlation-Id", correlation.new_id())

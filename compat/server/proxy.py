"""Forwards requests for Mailbox API 2.0, where its host name leads to this server.

A program whose host cannot be changed may share a machine with programs that use Mailbox API 2.0
under the same name. Requests of those are forwarded unchanged, with their own authorization.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.parse import quote
from uuid import uuid4

import httpx

from compat.config.settings import Settings
from compat.server.asgi_types import Receive, Scope, Send
from compat.upstream import to_settings_error
from compat.v1.errors import LegacyError, Unavailable
from compat.v1.http import LegacyResponse, error_response
from compat.v2.errors import LOOP_HEADER
from compat.v2.transport import Address, UnusableOption, client_options, tls_extensions

_LOG: Final = logging.getLogger("compat")

PREFIX: Final = "/v2/"
_MAX_BODY: Final = 32 * 1024 * 1024
"""Bytes that the body of a forwarded request may have."""

_RETRY_AFTER: Final = 30

_HOP_BY_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
_NOT_SENT: Final = _HOP_BY_HOP | {b"host", b"content-length", b"expect"}
"""The body is sent in one piece and to another host, so these are set again."""

_NOT_RETURNED: Final = _HOP_BY_HOP | {b"date"}
"""The server that runs this application sets its own date."""

Headers = Iterable[tuple[bytes, bytes]]


class TooLarge(LegacyError):
    """The body of a request is too large to be forwarded (413)."""

    status = 413


class Proxy:
    """Forwards requests below `/v2/`; belongs to one event loop.

    Attributes:
        prefix: What the paths of such requests begin with.

    Args:
        settings: The address of Mailbox API 2.0 and how to reach it. Credentials are not used.

    Raises:
        SettingsError: An address, the proxy or the file cannot be used.
    """

    prefix: Final = PREFIX

    def __init__(self, settings: Settings) -> None:
        try:
            self._address = Address.parse(settings.base_url, settings.connect_to)
            options = client_options(
                timeout=settings.timeout,
                proxy=settings.proxy.get_secret_value() if settings.proxy else None,
                ca_file=settings.ca_file,
            )
        except UnusableOption as error:
            raise to_settings_error(error) from None
        self._base = httpx.URL(self._address.url)
        # A cookie that one caller is given must not be sent with another caller's request.
        cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.AsyncClient(cookies=cookies, **options)

    def accepts(self, scope: Scope) -> bool:
        """Whether a request is for Mailbox API 2.0."""
        return _path(scope).startswith(PREFIX.encode())

    async def forward(self, scope: Scope, receive: Receive, send: Send) -> LegacyResponse | None:
        """Forward a request, and send upstream's status, end-to-end headers and body.

        Returns:
            The error to send if upstream gave no answer; None if an answer was sent, or the
            caller has left.
        """
        try:
            body = await _read_body(receive)
            response = await self._client.send(self._request(scope, body), stream=True)
        except ConnectionAbortedError:
            return None
        except TooLarge as error:
            return _error(error)
        except (httpx.HTTPError, RuntimeError) as error:  # a closed client raises the latter
            _LOG.warning("a request for Mailbox API 2.0 got no answer: %s", type(error).__name__)
            return _error(Unavailable("Mailbox API 2.0 cannot be reached", _RETRY_AFTER))
        await _send_back(response, send)
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
            extensions=tls_extensions(self._address),
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


async def _read_body(receive: Receive) -> bytes:
    """The whole body of a request.

    Raises:
        TooLarge: It has more bytes than are forwarded.
        ConnectionAbortedError: The caller has left.
    """
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _MAX_BODY:
            raise TooLarge("The request is larger than what is handed on to Mailbox API 2.0")
    return bytes(body)


async def _send_back(response: httpx.Response, send: Send) -> None:
    """Send upstream's answer to the caller part by part, still compressed if it was.

    Where upstream's answer breaks off, ours ends without its last message: the server then closes
    the connection, and the caller can see that something is missing.
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
    """The headers without those to drop, and without those that `Connection` names."""
    lowered = [(name.lower(), value) for name, value in headers]
    named = b",".join(value for name, value in lowered if name == b"connection")
    dropped |= {name.strip().lower() for name in named.split(b",")}
    return ((name, value) for name, value in lowered if name not in dropped)


def _path(scope: Scope) -> bytes:
    """The path as it was sent, without the path that the application is mounted at."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return path.removeprefix(scope.get("root_path", "").encode())


def _error(error: LegacyError) -> LegacyResponse:
    return error_response(error).with_headers(("Correlation-Id", str(uuid4())))

"""What a connection may ask of the server, whoever is at its other end.

Uvicorn waits for ever for the rest of a request, and for a caller to read; it takes heads of any
size, and any number of requests before the first is answered. Here all of these have an end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Uvicorns
else:
    _Uvicorns = object  # these classes are mixed into whichever of uvicorn's protocols there is

MOST_HEAD: Final = 64 * 1024
"""Bytes that a request's first line and its headers may have together."""

MOST_QUEUED: Final = 64
"""Requests that a connection may send before the first of them is answered."""

PATIENCE: Final = 30.0
"""Seconds in which a caller must send a whole head, or the next part of a body, or read on."""

Refusal = Callable[[int, str], bytes]
"""Makes a whole response of a status and a sentence; the connection ends with it."""

_LINGER: Final = 2.0
"""Seconds for which input is still taken, and dropped, so that a refusal can be read."""

_NO_HTTP: Final = (400, "The request is no well-formed HTTP")
_TOO_SLOW: Final = (408, "The request did not arrive in time")
_TOO_LARGE: Final = (431, f"The request line and headers have more than {MOST_HEAD} bytes")
REFUSALS: Final = (_NO_HTTP, _TOO_SLOW, _TOO_LARGE)
"""What is said without asking the application, as statuses and sentences."""


def guarded(refusal: Refusal) -> type[asyncio.Protocol]:
    """Uvicorn's protocol, with limits; that of httptools where it is installed."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol

        return by_h11(H11Protocol, refusal)
    return type(
        "Connection", (Bounded, Patient, HttpToolsProtocol), {"refusal": staticmethod(refusal)}
    )


def by_h11(protocol: type[asyncio.Protocol], refusal: Refusal) -> type[asyncio.Protocol]:
    """The same for h11, which itself limits what it reads."""
    return type("Connection", (Patient, protocol), {"refusal": staticmethod(refusal)})


def look_at(connections: Iterable[Any], now: float) -> None:
    """End the connections whose other ends keep the server waiting; `now` by the loop's clock."""
    for each in list(connections):
        each.look(now)


class Patient(_Uvicorns):
    """A connection that can be looked at, and that refuses in JSON."""

    refusal: ClassVar[staticmethod[[int, str], bytes]]
    cycle: Any
    """The latest request whose head is complete, with its answer; None before the first."""

    _since = 0.0
    """When the other end last did what it was waited for."""
    _begun = _blocked = _ended = False
    """A request has begun; what is sent is not read; nothing more is taken."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Uvicorn's, and the time begins."""
        self._since = self.loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Uvicorn's; a body may take its time as long as it goes on, a head may not."""
        if self._ended:
            return
        if self._answered():
            if not self._begun:
                self._begun, self._since = True, self.loop.time()
        elif self.cycle.more_body:
            self._since = self.loop.time()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Uvicorn's, and it is the other end's turn."""
        self._begun, self._since = False, self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Uvicorn's, and it is the other end's turn."""
        self._blocked, self._since = True, self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Uvicorn's; the other end has read on."""
        self._blocked, self._since = False, self.loop.time()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """What is said to what cannot be read."""
        self.refuse(*_NO_HTTP)

    def look(self, now: float) -> None:
        """End the connection if its other end is waited for in vain."""
        ours = not (self._answered() or self.cycle.more_body)
        theirs = self._blocked or self.transport.is_closing() or not ours
        if not theirs or now - self._since <= (_LINGER if self._ended else PATIENCE):
            return
        if self.in_head() and not (ours or self._ended):
            self.refuse(*_TOO_SLOW)
        else:
            self.transport.abort()

    def in_head(self) -> bool:
        """Whether a request has begun whose head is not complete."""
        return self._begun and (self.cycle is None or not self.cycle.more_body)

    def refuse(self, status: int, sentence: str) -> None:
        """Say so, once what came before is answered; nothing more is taken."""
        self._ended, self._since = True, self.loop.time()
        if self._answered():
            self.transport.write(self.refusal(status, sentence))
            # To close at once could take the refusal from a caller who is still sending.
            if self.transport.can_write_eof():
                with suppress(OSError):
                    self.transport.write_eof()
                return
        elif not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        self.transport.close()

    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete


class Bounded(Patient):
    """The same for httptools, whose parser knows no limits."""

    _in_head = False
    _taken = 0
    """Bytes that came since the head began, or before it."""

    def data_received(self, data: bytes) -> None:
        """Uvicorn's; the bytes of a head are counted."""
        self._taken += len(data)
        super().data_received(data)
        if not self._in_head:
            self._taken = 0
        elif self._taken > MOST_HEAD and not self._ended:
            self.refuse(*_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Uvicorn's, of the parser."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Uvicorn's, of the parser, for what is not too much."""
        # The sum is seldom needed: most heads come with no more bytes than they may have.
        if self._taken > MOST_HEAD and _size(self.url, self.headers) > MOST_HEAD:
            raise _TooMuchError
        if len(self.pipeline) >= MOST_QUEUED:
            raise _TooMuchError
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What is said to what cannot be read, or was too much."""
        if self._in_head and self._taken > MOST_HEAD:
            self.refuse(*_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def in_head(self) -> bool:
        """Whether a request has begun whose head is not complete."""
        return self._in_head

    def _unsupported_upgrade_warning(self) -> None:
        """A parser that saw an upgrade reads on no more; callers may come back without."""
        if self.cycle is not None:
            self.cycle.keep_alive = False
        self._ended = True


def _size(url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


class _TooMuchError(Exception):
    """Stops the parser; what it is a callback of then refuses the request."""

"""A server in a thread, and callers that look closely at what comes over the wire."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import uvicorn

from compat.server.asgi_types import Application, Receive, Scope, Send
from compat.server.run import HTTP_OPTIONS
from tests.unit.service.doubles import LONG, basic

LOOPBACK = "127.0.0.1"
KEY = {"Authorization": basic()}


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(app: Application, **options: Any) -> Iterator[int]:
    """Serves an application on a free port, which is what the block gets."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="critical",
        timeout_graceful_shutdown=5,
        **{**HTTP_OPTIONS, **options},
    )
    server = uvicorn.Server(config)
    with socket.create_server((LOOPBACK, 0), backlog=512) as listener:
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(LONG)


class Stage:
    """One server for many tests: each test sets the application.

    Attributes:
        app: What answers from now on.
    """

    def __init__(self) -> None:
        self.app: Application | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Answer:
    """An answer as it came: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int, target: str, method: str = "GET", headers: dict[str, str] | None = None
) -> Answer:
    """One request on a connection of its own."""
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=LONG)) as connection:
        connection.request(method, target, headers=KEY if headers is None else headers)
        return read(connection)


def read(connection: http.client.HTTPConnection) -> Answer:
    """The next answer on a connection."""
    with closing(connection.getresponse()) as response:
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


def raw(port: int, request: bytes) -> bytes:
    """All that is received for these bytes, until the server closes the connection."""
    with socket.create_connection((LOOPBACK, port), timeout=LONG) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)

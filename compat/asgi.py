"""The server's door: an ASGI application without a framework, for uvicorn or any other server.

Run it under your own server with the factory: `uvicorn --factory compat.asgi:create_app`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from compat.service import LegacyReports, Pending
from compat.settings import Settings, SettingsError, variable
from compat.v1.exchange import CONTENT_TYPE, LegacyAnswer, LegacyRequest
from compat.v2.mark import LOOP_HEADER, LOOP_STATUS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOOP_MARK: Final = LOOP_HEADER.lower().encode()
_LOOP_MESSAGE: Final = "This server was asked by itself: set COMPAT_CONNECT_TO"


def create_app(reports: LegacyReports | None = None) -> Application:
    """The ASGI application.

    Args:
        reports: What answers; set up from the environment if not given. It is closed when the
            server shuts down.

    Raises:
        SettingsError: Set up from the environment, a setting is missing or cannot be used.
    """
    reports = reports or LegacyReports(guarded(Settings.from_env(os.environ)))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(reports, receive, send)
        elif scope["type"] == "http":
            await _send(send, await _answer(reports, scope))
        else:
            await send({"type": "websocket.close"})

    return application


def guarded(settings: Settings) -> Settings:
    """The same settings, once it is sure that strangers cannot ask.

    Raises:
        SettingsError: No API key is set.
    """
    if not settings.api_keys:
        raise SettingsError(
            f"{variable('api_keys')} is not set: set it to the old API keys that your programs "
            "send, separated by commas; without one anybody could read your reports"
        )
    return settings


def malformed() -> bytes:
    """The whole response to bytes that are no well-formed HTTP, which no application sees."""
    answer = _json(400, {"code": 400, "error": "The request is no well-formed HTTP"})
    length = ("Content-Length", str(len(answer.body)))
    headers = "".join(
        f"{name}: {value}\r\n" for name, value in (*answer.headers, length, ("Connection", "close"))
    )
    return f"HTTP/1.1 400 Bad Request\r\n{headers}\r\n".encode("ascii") + answer.body


async def _answer(reports: LegacyReports, scope: Scope) -> LegacyAnswer:
    headers = dict(scope["headers"])
    if _LOOP_MARK in headers:
        error = {"code": LOOP_STATUS, "error": _LOOP_MESSAGE}
        return _json(LOOP_STATUS, error).with_header(LOOP_HEADER, "refused")
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    if path == "/healthz" and scope["method"] == "GET":
        return _health(reports)
    request = LegacyRequest(
        scope["method"], path, scope["query_string"], headers.get(b"authorization")
    )
    begun = reports.begin(request)
    return await _landed(reports, begun) if isinstance(begun, Pending) else begun


async def _landed(reports: LegacyReports, pending: Pending) -> LegacyAnswer:
    """Wait without a thread, for as long as the caller is thought to have patience."""
    try:
        await _done(pending.flight.future, reports.settings.patience)
    finally:
        answer = reports.finish(pending)
    return answer


async def _done(future: Future[Any], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def wake(_: object) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(wake)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()


def _health(reports: LegacyReports) -> LegacyAnswer:
    if reports.ready:
        return _json(200, {"status": "ok"})
    return _json(503, {"status": "unavailable", "error": "Closing, or refused by Help Scout"})


def _json(status: int, content: object) -> LegacyAnswer:
    headers = (("Content-Type", CONTENT_TYPE), ("Correlation-Id", str(uuid4())))
    return LegacyAnswer(status, headers, json.dumps(content).encode())


async def _send(send: Send, answer: LegacyAnswer) -> None:
    length = ("Content-Length", str(len(answer.body)))
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in (*answer.headers, length)
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _live(reports: LegacyReports, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": message["type"] + ".complete"})
    reports.close()
    await send({"type": "lifespan.shutdown.complete"})

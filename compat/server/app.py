"""The server's door: an ASGI application without a framework, for uvicorn or any other server.

Run it under your own server with the factory: `uvicorn --factory compat.asgi:create_app`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from compat.metrics import Metrics, Visit

from compat import correlation
from compat.config.accounts import accounts_from_env
from compat.config.settings import Settings, SettingsError, variable
from compat.service import LegacyReports, Pending
from compat.v1.http import CONTENT_TYPE, LegacyRequest, LegacyResponse
from compat.v1.routes import ROUTES
from compat.v2.transport import LOOP_HEADER, LOOP_STATUS
from compat.waiting import landed

if TYPE_CHECKING:
    from compat.passing import Passing
    from compat.recording import Recorder

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_ACCESS: Final = logging.getLogger("compat.access")
_LINE: Final = "%s %s %d, %s ms, account %s, %s"
_LEGIBLE: Final = "/%:@,;=+~!$&'()*"
_LOOP_MARK: Final = LOOP_HEADER.lower().encode()
_LOOP_MESSAGE: Final = "This server was asked by itself: set COMPAT_CONNECT_TO"


@dataclass(frozen=True)
class _House:
    """What stands behind the door.

    Attributes:
        local: What answers a GET of a path that the old API did not have.
        passing: What requests for Mailbox API 2.0 are handed on by.
        metrics: What visits are counted by.
        recorder: What writes requests and answers down.
    """

    reports: LegacyReports
    local: Mapping[str, Callable[[], LegacyResponse]]
    passing: Passing | None
    metrics: Metrics | None
    recorder: Recorder | None


@dataclass
class _Seen:
    """What shows of one request while it is answered."""

    account: str | None = None
    source: Literal["cache", "fetched"] | None = None
    status: int = 500
    headers: dict[bytes, bytes] = field(default_factory=dict)


def create_app(
    reports: LegacyReports | None = None, *, recorder: Recorder | None = None
) -> Application:
    """The ASGI application.

    Args:
        reports: What answers; set up from the environment if not given. It is closed when the
            server shuts down. What concerns the server and not an account, such as
            `COMPAT_METRICS` and where `/v2/` is, is taken from the first account.
        recorder: What writes requests of the old API and their answers down; nothing does if not
            given.

    Raises:
        SettingsError: Set up from the environment, a setting is missing or cannot be used.
        ImportError: Metrics are wanted, and their library is not installed.
    """
    reports = reports or LegacyReports(guarded(accounts_from_env(os.environ)))
    house = _furnished(reports, recorder)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(house, receive, send)
        elif scope["type"] == "http":
            await _attend(house, scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    return application


def _furnished(reports: LegacyReports, recorder: Recorder | None) -> _House:
    settings = next(iter(reports.accounts.values())).settings
    metrics = Metrics(lambda: reports.accounts) if settings.metrics else None
    local: dict[str, Callable[[], LegacyResponse]] = {
        "/healthz": partial(_health, reports),
        "/openapi.json": _described,
    }
    if metrics:
        local["/metrics"] = metrics.page
    passing = _passing(settings) if settings.pass_v2 else None
    return _House(reports, local, passing, metrics, recorder)


def _passing(settings: Settings) -> Passing:
    from compat.passing import Passing  # noqa: PLC0415 - slow to import, and few want it

    return Passing(settings)


def guarded(accounts: Mapping[str, Settings]) -> Mapping[str, Settings]:
    """The same settings, once it is sure that strangers cannot ask.

    Raises:
        SettingsError: No API key is set.
    """
    if not all(settings.api_keys for settings in accounts.values()):
        raise SettingsError(
            f"{variable('api_keys')} is not set: set it to the old API keys that your programs "
            "send, separated by commas; without one anybody could read your reports"
        )
    return accounts


def refusal(status: int, sentence: str) -> bytes:
    """The whole response to a request that no application sees; the connection ends with it."""
    from http import HTTPStatus  # noqa: PLC0415 - likewise

    answer = _json(status, {"code": status, "error": sentence})
    length = ("Content-Length", str(len(answer.body)))
    headers = "".join(
        f"{name}: {value}\r\n" for name, value in (*answer.headers, length, ("Connection", "close"))
    )
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\n{headers}\r\n".encode("ascii") + answer.body


async def _attend(house: _House, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, and note it down."""
    began, seen = perf_counter(), _Seen()

    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen.status, seen.headers = message["status"], dict(message["headers"])
        await send(message)

    try:
        answer = await _answer(house, scope, receive, noting, seen)
        if answer is not None:
            await _send(noting, answer)
    finally:
        _note(house, scope, seen, perf_counter() - began)


async def _answer(
    house: _House, scope: Scope, receive: Receive, send: Send, seen: _Seen
) -> LegacyResponse | None:
    """The answer that is to be sent, if it was not handed on from elsewhere."""
    headers = dict(scope["headers"])
    if _LOOP_MARK in headers:
        error = {"code": LOOP_STATUS, "error": _LOOP_MESSAGE}
        return _json(LOOP_STATUS, error).with_header(LOOP_HEADER, "refused")
    if house.passing and house.passing.takes(scope):
        return await house.passing.hand_on(scope, receive, send)
    if scope["method"] == "GET" and (local := house.local.get(_path(scope))):
        return local()
    request = LegacyRequest(
        scope["method"], _path(scope), scope["query_string"], headers.get(b"authorization")
    )
    account = house.reports.whose(request)
    seen.account = account.name if account else None
    begun = house.reports.begin(request, account)
    if isinstance(begun, Pending):
        answer = await landed(house.reports, begun, begun.patience)
    else:
        answer = begun
    if house.recorder:
        house.recorder.note(request, answer)
    if answer.status == 200:
        seen.source = "fetched" if isinstance(begun, Pending) else "cache"
    return answer


def _note(house: _House, scope: Scope, seen: _Seen, seconds: float) -> None:
    """Write the line of the access log, and count."""
    if _ACCESS.isEnabledFor(logging.INFO):
        _write(scope, seen, seconds)
    if house.metrics:
        as_of = seen.headers.get(b"compat-as-of")
        house.metrics.note(
            Visit(
                _route(house, _path(scope)),
                seen.status,
                seconds,
                seen.account,
                seen.source,
                datetime.fromisoformat(as_of.decode()).timestamp() if as_of else None,
            )
        )


def _write(scope: Scope, seen: _Seen, seconds: float) -> None:
    """A line of the access log: never a key, a query or a header as sent."""
    shown = {
        "method": scope["method"],
        "path": _shown(_path(scope)),
        "status": seen.status,
        "milliseconds": round(seconds * 1000, 1),
        "account": seen.account,
        "correlation_id": seen.headers.get(b"correlation-id", b"").decode("latin-1"),
    }
    # What `info` would do, but for a search of the stack for where it was called from.
    record = _ACCESS.makeRecord(
        _ACCESS.name, logging.INFO, __file__, 0, _LINE, tuple(shown.values()), None, extra=shown
    )
    _ACCESS.handle(record)


@lru_cache
def _shown(path: str) -> str:
    """A path with no line breaks of a stranger's in it."""
    return quote(path, safe=_LEGIBLE)


def _route(house: _House, path: str) -> str:
    """The route that a path is counted under: there are few, whatever strangers ask for."""
    if path in house.local:
        return path
    if house.passing and path.startswith(house.passing.below):
        return house.passing.below
    return next((route.path for route in ROUTES if route.match(path)), "other")


def _path(scope: Scope) -> str:
    """The decoded path, without what the application is mounted below."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _health(reports: LegacyReports) -> LegacyResponse:
    if reports.ready:
        return _json(200, {"status": "ok"})
    return _json(503, {"status": "unavailable", "error": "Closing, or refused by Help Scout"})


def _described() -> LegacyResponse:
    from compat.v1.openapi import document  # noqa: PLC0415 - slow to import, and few ask

    return _json(200, document())


def _json(status: int, content: object) -> LegacyResponse:
    headers = (("Content-Type", CONTENT_TYPE), ("Correlation-Id", correlation.new_id()))
    return LegacyResponse(status, headers, json.dumps(content).encode())


async def _send(send: Send, answer: LegacyResponse) -> None:
    headers = [(_lowered(name), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


@cache
def _lowered(name: str) -> bytes:
    """The name of a header as ASGI wants it; all of them are ours, and few."""
    return name.lower().encode("latin-1")


async def _live(house: _House, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": message["type"] + ".complete"})
    house.reports.close()
    if house.passing:
        await house.passing.close()
    await send({"type": "lifespan.shutdown.complete"})

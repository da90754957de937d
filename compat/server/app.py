"""The ASGI application: answers the old API, and what a server has besides.

No framework is needed: there are a few fixed paths, and all others go to the service or to the
proxy.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote
from uuid import uuid4

from compat.config.accounts import accounts_from_env
from compat.config.settings import Settings, SettingsError, variable_name
from compat.server.asgi_types import Application, Message, Receive, Scope, Send
from compat.server.index_page import index_links, index_page
from compat.server.metrics import Metrics, RequestMetric
from compat.server.pages import EXPLORER, StaticFile, explorer_files, index_files, redirect
from compat.server.recorder import Recorder
from compat.service import LegacyReports
from compat.v1 import openapi
from compat.v1.datetimes import format_instant
from compat.v1.errors import LegacyError, NotFound
from compat.v1.http import CONTENT_TYPE, LegacyRequest, LegacyResponse, error_response
from compat.v1.routes import ROUTES, unanswered_name
from compat.v2.errors import LOOP_HEADER, LOOP_STATUS

if TYPE_CHECKING:
    from compat.server.proxy import Proxy

_ACCESS: Final = logging.getLogger("compat.access")
_ACCESS_LINE: Final = (
    "%(method)s %(path)s %(status)d, %(milliseconds)s ms, account %(account)s, %(correlation_id)s"
)
_ABSOLUTE: Final = re.compile(r"https?://(?P<authority>[^/?#]*)", re.IGNORECASE)
_UNQUOTED: Final = "/%:@,;=+~!$&'()*"
_LOOP_HEADER: Final = LOOP_HEADER.lower().encode()
_LOOP_MESSAGE: Final = "This server was asked by itself: set COMPAT_CONNECT_TO"
_EXPLORER_OFF: Final = "The report explorer is off: {}=true turns it on."

Answer = LegacyResponse | Awaitable[LegacyResponse]
"""The answer to a path that the old API did not have: at once, or once it is known."""

Page = Callable[[Scope], Answer]
"""What answers a path that the old API did not have."""


@dataclass(frozen=True)
class _App:
    """What the application consists of.

    Attributes:
        reports: Answers requests of the old API.
        pages: Answers GET and HEAD of a path that the old API did not have.
        proxy: Forwards requests for Mailbox API 2.0; None if that is off.
        metrics: Counts requests; None if that is off.
        recorder: Records requests and answers; None if that is off.
    """

    reports: LegacyReports
    pages: Mapping[str, Page]
    proxy: Proxy | None
    metrics: Metrics | None
    recorder: Recorder | None


@dataclass
class _RequestRecord:
    """What the access log and the metrics need to know of one request.

    Attributes:
        account: The name of the account that the request's key selects.
        source: Where a report came from: the cache of answers, or a new computation.
        status: The status of the answer.
        headers: The headers of the answer.
    """

    account: str | None = None
    source: Literal["cache", "fetched"] | None = None
    status: int = 500
    headers: dict[bytes, bytes] = field(default_factory=dict)


def create_app(
    reports: LegacyReports | None = None,
    *,
    recorder: Recorder | None = None,
    explorer: bool | None = None,
) -> Application:
    """The ASGI application.

    Args:
        reports: Answers the requests; set up from the environment if not given. It is closed when
            the server shuts down. Settings that concern the server and not an account, such as
            `COMPAT_METRICS` and the address of `/v2/`, are those of the first account.
        recorder: Records requests of the old API and their answers; nothing does if not given.
        explorer: Whether the report explorer is shown at `/explore`; if not given, as
            `COMPAT_EXPLORER` says, and not shown if that is unset: who can reach the server is
            unknown here.

    Raises:
        SettingsError: Set up from the environment, a setting is missing or cannot be used.
        ImportError: Metrics are switched on, and their library is not installed.
    """
    reports = reports or LegacyReports(require_api_keys(accounts_from_env(os.environ)))
    app = _assemble(reports, recorder, explorer)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(app, receive, send)
        elif scope["type"] == "http":
            await _handle(app, _in_origin_form(scope), receive, send)
        else:
            await send({"type": "websocket.close"})

    return application


def _in_origin_form(scope: Scope) -> Scope:
    """The request with its path alone, if its target is a whole URL, with the host of that URL.

    Programs that have a proxy set send such targets, and servers must accept them (RFC 9112,
    section 3.2.2). The host of the URL counts, and not that of the header.
    """
    root = scope.get("root_path", "")
    found = _ABSOLUTE.match(scope["path"].removeprefix(root))
    if not found:
        return scope
    host = found["authority"].rpartition("@")[2].encode()
    raw = scope.get("raw_path") or quote(scope["path"], safe=_UNQUOTED).encode()
    below = raw.removeprefix(root.encode()).partition(b"://")[2].partition(b"/")[2]
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "path": root + (scope["path"].removeprefix(root)[found.end() :] or "/"),
        "raw_path": root.encode() + b"/" + below,
        "headers": [(b"host", host), *headers],
    }


def require_api_keys(accounts: Mapping[str, Settings]) -> Mapping[str, Settings]:
    """The same settings, after a check that not everybody can read the reports.

    Raises:
        SettingsError: An account has no API key.
    """
    if not all(settings.api_keys for settings in accounts.values()):
        raise SettingsError(
            f"{variable_name('api_keys')} is not set: set it to the old API keys that your "
            "programs send, separated by commas; without one anybody could read your reports. "
            "`helpscout-v1 init` asks for all that is needed, and writes it to a file"
        )
    return accounts


def _assemble(reports: LegacyReports, recorder: Recorder | None, explorer: bool | None) -> _App:
    settings = next(iter(reports.accounts.values())).settings
    metrics = Metrics(lambda: reports.accounts) if settings.metrics else None
    has_explorer = bool(settings.explorer) if explorer is None else explorer
    links = index_links(explorer=has_explorer, metrics=settings.metrics)
    pages: dict[str, Page] = {
        "/": partial(index_page, links),
        "/healthz": lambda _: _health(reports),
        "/readyz": lambda _: _readiness(reports),
        "/openapi.json": lambda _: _json(200, openapi.document()),
        "/progress.json": partial(_progress, reports),
        **{path: partial(_file, file) for path, file in index_files().items()},
        **_explorer_pages(has_explorer),
    }
    if metrics:
        pages["/metrics"] = lambda _: asyncio.to_thread(metrics.page)
    return _App(reports, pages, _proxy(settings), metrics, recorder)


def _proxy(settings: Settings) -> Proxy | None:
    if not settings.pass_v2:
        return None
    from compat.server.proxy import Proxy  # noqa: PLC0415 - httpx is slow to import

    return Proxy(settings)


def _explorer_pages(is_on: bool) -> dict[str, Page]:
    """What answers the paths of the report explorer: its files, or how to turn it on."""
    pages: dict[str, Page] = {
        f"{EXPLORER}/": lambda _: redirect(f"..{EXPLORER}"),
        **{path: partial(_file, file) for path, file in explorer_files().items()},
    }
    return pages if is_on else dict.fromkeys(pages, _no_explorer)


def _file(file: StaticFile, scope: Scope) -> LegacyResponse:
    return file.response(dict(scope["headers"]).get(b"if-none-match"))


def _no_explorer(scope: Scope) -> LegacyResponse:
    hint = _EXPLORER_OFF.format(variable_name("explorer"))
    return _json(404, {"code": 404, "error": f"{NotFound(_path(scope)).message}. {hint}"})


async def _handle(app: _App, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, log it and count it."""
    start, record = perf_counter(), _RequestRecord()

    async def send_and_note(message: Message) -> None:
        if message["type"] == "http.response.start":
            record.status, record.headers = message["status"], dict(message["headers"])
        await send(message)

    try:
        answer = await _answer(app, scope, receive, send_and_note, record)
        if answer is not None:
            await _send(send_and_note, answer)
    finally:
        seconds = perf_counter() - start
        _log(scope, record, seconds)
        if app.metrics:
            app.metrics.note(_metric(app, scope, record, seconds))


async def _answer(
    app: _App, scope: Scope, receive: Receive, send: Send, record: _RequestRecord
) -> LegacyResponse | None:
    """The answer to send; None if the proxy has sent one."""
    headers = dict(scope["headers"])
    if _LOOP_HEADER in headers:
        error = {"code": LOOP_STATUS, "error": _LOOP_MESSAGE}
        return _json(LOOP_STATUS, error).with_headers((LOOP_HEADER, "refused"))
    if app.proxy and app.proxy.accepts(scope):
        return await app.proxy.forward(scope, receive, send)
    if scope["method"] in {"GET", "HEAD"} and (found := app.pages.get(_path(scope))):
        content = found(scope)
        answer = content if isinstance(content, LegacyResponse) else await content
        return answer if scope["method"] == "GET" or not answer.body else answer.without_body()
    request = LegacyRequest(
        scope["method"], _path(scope), scope["query_string"], headers.get(b"authorization")
    )
    answer = await _legacy_answer(app.reports, request, record)
    if app.recorder:
        app.recorder.note(request, answer)
    return answer


async def _legacy_answer(
    reports: LegacyReports, request: LegacyRequest, record: _RequestRecord
) -> LegacyResponse:
    """The answer to a request of the old API, or a 503 once the caller has waited long enough."""
    pending = reports.start(request)
    record.account = pending.account.name if pending.account else None
    answer = await pending.wait_async(pending.patience)
    if answer.status == 200:
        record.source = "cache" if pending.immediate else "fetched"
    return answer


def _log(scope: Scope, record: _RequestRecord, seconds: float) -> None:
    """Write a line of the access log: never a key, a query or a header that a caller sent."""
    fields = {
        "method": scope["method"],
        # Quoted, so that a path with line breaks in it stays on one line.
        "path": quote(_path(scope), safe=_UNQUOTED),
        "status": record.status,
        "milliseconds": round(seconds * 1000, 1),
        "account": record.account,
        "correlation_id": record.headers.get(b"correlation-id", b"").decode("latin-1"),
    }
    _ACCESS.info(_ACCESS_LINE, fields, extra=fields)


def _metric(app: _App, scope: Scope, record: _RequestRecord, seconds: float) -> RequestMetric:
    as_of = record.headers.get(b"compat-as-of")
    return RequestMetric(
        _route(app, _path(scope)),
        record.status,
        seconds,
        record.account,
        record.source,
        datetime.fromisoformat(as_of.decode()).timestamp() if as_of else None,
        unanswered_name(_path(scope)),
    )


def _route(app: _App, path: str) -> str:
    """The route that a path is counted under; `other` for unknown ones, so that routes are few."""
    if path in app.pages:
        return EXPLORER if path.startswith(EXPLORER) else path
    if app.proxy and path.startswith(app.proxy.prefix):
        return app.proxy.prefix
    return next((route.path for route in ROUTES if route.match(path)), "other")


def _path(scope: Scope) -> str:
    """The decoded path, without the path that the application is mounted at."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def _health(reports: LegacyReports) -> LegacyResponse:
    if reports.ready:
        return _json(200, {"status": "ok"})
    return _json(503, {"status": "unavailable", "error": "Closing, or refused by Help Scout"})


async def _readiness(reports: LegacyReports) -> LegacyResponse:
    """Whether requests can be answered, for each account; 503 if no account's can."""
    problems = await reports.problems()
    accounts = {
        name: {"ready": True} if problem is None else {"ready": False, "error": problem}
        for name, problem in problems.items()
    }
    if None in problems.values():
        return _json(200, {"status": "ready", "accounts": accounts})
    return _json(503, {"status": "unavailable", "accounts": accounts})


def _progress(reports: LegacyReports, scope: Scope) -> LegacyResponse:
    """How far the answers have come that are being computed for the account of the API key."""
    try:
        progress = reports.progress(dict(scope["headers"]).get(b"authorization"))
    except LegacyError as error:
        return error_response(error).with_headers(("Correlation-Id", str(uuid4())))
    rows = [{**asdict(each), "since": format_instant(each.since)} for each in progress]
    return _json(200, {"progress": rows}).with_headers(("Cache-Control", "no-store"))


def _json(status: int, content: object) -> LegacyResponse:
    headers = (("Content-Type", CONTENT_TYPE), ("Correlation-Id", str(uuid4())))
    return LegacyResponse(status, headers, json.dumps(content).encode())


async def _send(send: Send, answer: LegacyResponse) -> None:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers
    ]
    if answer.body:  # without a body, HEAD has the length of the body of GET, and 204 has none
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _lifespan(app: _App, receive: Receive, send: Send) -> None:
    """Answer the server's messages on its start and its end; close everything at the end."""
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": message["type"] + ".complete"})
    app.reports.close()
    if app.proxy:
        await app.proxy.close()
    await send({"type": "lifespan.shutdown.complete"})

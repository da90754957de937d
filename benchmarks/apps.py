"""Applications for load tests: ours, which answers from its cache, and its peers.

`python -m benchmarks.apps NAME` serves one the way `helpscout-v1 serve` does.
"""

from __future__ import annotations

import json
import logging
import pickle
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from pydantic import SecretStr

from benchmarks.generated_account import generated
from compat import LegacyReports, Settings
from compat.asgi import create_app
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    Progress,
    Row,
    RowSet,
)
from compat.server.asgi_types import Application, Message, Receive, Scope, Send
from compat.server.run import run

KEY: Final = "60783dd23ef"
AUTHORIZATION: Final = f"Basic {b64encode(f'{KEY}:X'.encode()).decode()}"
PATH: Final = "/v1/reports/conversations/new.json"
QUERY: Final = "start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z&viewBy=week"
TARGET: Final = f"{PATH}?{QUERY}"
FIRST: Final = 1_420_070_400
TYPE: Final = "application/json; charset=utf-8"


class ConstantSource:
    """A source with a thousand conversations that never change and never become too old."""

    ready = True

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        """Return all conversations, for any query."""
        created = range(FIRST, FIRST + 31 * 86_400, 31 * 86_400 // 1000)
        rows = [Row(at, at, 1, 11, "email", "active", "published", ()) for at in created]
        return RowSet(rows, FIRST + 60 * 86_400, inf)

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        """Return no conversations with threads."""
        return ActivitySet((), FIRST + 60 * 86_400, inf)

    def list_items(self, query: ListQuery) -> ListItems:
        """Return an empty list."""
        return ListItems((), FIRST, inf)

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        """Return no documents."""
        return ()

    def seconds_for(self, _pages: float, _others: float = 0.0) -> float:
        """Return 0: nothing has to wait."""
        return 0.0

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


def reports() -> LegacyReports:
    """A service with one API key; after the first request the answer is in the cache."""
    return LegacyReports(Settings(api_keys=(SecretStr(KEY),)), source=ConstantSource())


def answer() -> bytes:
    """The body that all applications answer."""
    with reports() as ours:
        return ours.answer(TARGET, authorization=AUTHORIZATION).body


def bare() -> Application:
    """The smallest possible application: it sends bytes that were prepared before."""
    body = answer()
    length = str(len(body)).encode()
    headers = [(b"content-type", TYPE.encode()), (b"content-length", length)]

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return application


def starlette() -> Application:
    """A starlette route that returns a JSONResponse, without an API key and without a log."""
    from starlette.applications import Starlette  # noqa: PLC0415 - a peer, not always installed
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import JSONResponse  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    content: Any = json.loads(answer())

    async def route(request: Request) -> JSONResponse:
        return JSONResponse(content, media_type=TYPE)

    application: Application = Starlette(routes=[Route(PATH, route)])
    return application


def starlette_with_log() -> Application:
    """The same with a line in the log for each request, as ours writes one."""
    application, log = starlette(), logging.getLogger("compat.peer")

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        began, status = perf_counter(), 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await application(scope, receive, send_and_note)
        if scope["type"] == "http":
            seconds = round((perf_counter() - began) * 1000, 1)
            log.info("%s %s %d, %s ms", scope["method"], scope["path"], status, seconds)

    return logged


def ours() -> Application:
    """The ASGI application of this project."""
    return create_app(reports())


def playback(file: str) -> Application:
    """Answers every request with the body that `Recording` stored for it."""
    recorded = pickle.loads(Path(file).read_bytes())  # noqa: S301 - written by ourselves

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = recorded[_key(scope)]
            headers = [(b"content-type", TYPE.encode()), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return application


class Recording:
    """Passes requests to an application and stores the bodies of its answers.

    Attributes:
        bodies: The latest body for each request: method, path and query string.
    """

    def __init__(self, application: Application) -> None:
        self.bodies: dict[tuple[str, str, bytes], bytes] = {}
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""

        async def send_and_store(message: Message) -> None:
            if body := message.get("body"):
                self.bodies[_key(scope)] = self.bodies.get(_key(scope), b"") + body
            await send(message)

        self.bodies.pop(_key(scope), None)
        await self._application(scope, receive, send_and_store)


def _key(scope: Scope) -> tuple[str, str, bytes]:
    return scope["method"], scope["path"], scope["query_string"]


PEERS: Final = ("starlette", "starlette with a log", "bare ASGI")
APPLICATIONS: Final[Mapping[str, Callable[..., Application]]] = {
    "ours": ours,
    "bare ASGI": bare,
    "starlette": starlette,
    "starlette with a log": starlette_with_log,
    "playback": playback,
    "generated account": generated,
}


def main(name: str, *arguments: str) -> None:
    """Serve an application until a signal stops it."""
    run(APPLICATIONS[name](*arguments), host="127.0.0.1", port=0, label=name)


if __name__ == "__main__":
    main(*sys.argv[1:])

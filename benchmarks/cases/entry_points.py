"""What a call costs at each entry point.

The processor time of a cached answer within this process: nothing is sent over a network, and
nothing is logged. The peer of each entry point is the same library with a fixed answer, so the
ratio says what this project adds to what a program pays anyway. `LegacyReports` itself has no
such peer. There is no aim.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from io import BytesIO
from time import process_time
from typing import Any, Final

from benchmarks.apps import AUTHORIZATION, PATH, QUERY, TARGET, TYPE, ours, reports, starlette
from benchmarks.harness import Scale, Table, agree, duration, ratio, spread, take_turns
from compat import LegacyReports
from compat.server.asgi_types import Application, Message

NEEDS = ("requests", "starlette")
ORIGIN: Final = "https://api.helpscout.net"
URL: Final = ORIGIN + TARGET
HEADERS: Final = {"Authorization": AUTHORIZATION}

Way = Callable[[], Any]


def measure(scale: Scale) -> Table:
    """The time of a call at every entry point, and of the same call with a fixed answer."""
    with ExitStack() as stack:
        service = stack.enter_context(reports())
        body = service.answer(TARGET, authorization=AUTHORIZATION).body
        pairs = {
            "ASGI, against starlette": (
                stack.enter_context(_asgi(ours())),
                stack.enter_context(_asgi(starlette())),
            ),
            "httpx, against MockTransport": stack.enter_context(_httpx(service, body)),
            "requests, against an adapter": stack.enter_context(_requests(service, body)),
        }
        alone = {
            "LegacyReports.handle": lambda: (
                service.answer(TARGET, authorization=AUTHORIZATION).body
            ),
            "LegacyReports.new_conversations": lambda: _new_conversations(service),
        }
        rows = []
        for name, (entry_point, peer) in pairs.items():
            agree({"ours": lambda: json.loads(entry_point()), name: lambda: json.loads(peer())})  # noqa: B023
            rows.append(
                _row(
                    name, take_turns({"ours": entry_point, "peer": peer}, scale, clock=process_time)
                )
            )
        rows += [
            _row(name, take_turns({"ours": way}, scale, clock=process_time))
            for name, way in alone.items()
        ]
    return Table(("entry point", "ours / peer", "ours, a call", "peer, a call"), rows)


def _row(name: str, seconds: dict[str, list[float]]) -> list[str]:
    took = [duration(spread(each).median) for each in seconds.values()]
    compared = [str(ratio(*seconds.values()))] if len(seconds) == 2 else [""]
    return [name, *compared, *took, *[""] * (2 - len(took))]


@contextmanager
def _asgi(application: Application) -> Iterator[Way]:
    """A call of an application as a server makes it; all calls use one event loop."""
    headers = [(b"host", b"api.helpscout.net"), (b"authorization", AUTHORIZATION.encode())]
    loop = asyncio.new_event_loop()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def call() -> bytes:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": PATH,
            "root_path": "",
            "query_string": QUERY.encode(),
            "headers": headers,
        }
        await application(scope, receive, send)
        return bytes(sent[-1]["body"])

    with closing(loop):
        yield lambda: loop.run_until_complete(call())


@contextmanager
def _httpx(service: LegacyReports, body: bytes) -> Iterator[tuple[Way, Way]]:
    import httpx

    from compat.httpx import LegacyTransport

    fixed = httpx.MockTransport(
        lambda _: httpx.Response(200, content=body, headers={"Content-Type": TYPE})
    )
    with (
        httpx.Client(transport=LegacyTransport(service, fixed), headers=HEADERS) as client,
        httpx.Client(transport=fixed, headers=HEADERS) as peer,
    ):
        yield lambda: client.get(URL).content, lambda: peer.get(URL).content


@contextmanager
def _requests(service: LegacyReports, body: bytes) -> Iterator[tuple[Way, Way]]:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPResponse

    from compat.requests import LegacyAdapter

    class FixedAnswer(HTTPAdapter):
        def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
            headers = {"Content-Type": TYPE}
            raw = HTTPResponse(BytesIO(body), headers=headers, status=200, preload_content=False)
            return self.build_response(request, raw)

    with requests.Session() as session, requests.Session() as peer:
        session.mount(f"{ORIGIN}/v1/", LegacyAdapter(service))
        peer.mount(f"{ORIGIN}/v1/", FixedAnswer())
        for each in (session, peer):
            each.headers.update(HEADERS)
        yield lambda: session.get(URL).content, lambda: peer.get(URL).content


def _new_conversations(service: LegacyReports) -> Any:
    return service.new_conversations(
        start="2015-01-01T00:00:00Z", end="2015-01-31T23:59:59Z", view_by="week"
    )

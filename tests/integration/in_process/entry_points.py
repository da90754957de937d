"""The same request at every entry point: over HTTP, and inside this process."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import httpx
import requests

from compat.httpx import AsyncLegacyTransport, LegacyTransport
from compat.requests import LegacyAdapter
from compat.service import LegacyReports
from compat.v1.http import CORS_HEADERS, LegacyRequest
from tests.unit.server.threaded_server import LOOPBACK
from tests.unit.service.doubles import LONG, basic

ORIGIN = "https://api.helpscout.net"


COMPARED = (
    *("Content-Type", "WWW-Authenticate", "Compat-Engine", "Compat-Ignored"),
    *(name for name, _ in CORS_HEADERS),
)


class SupportsGet(Protocol):
    """Headers of any library."""

    def get(self, name: str, /) -> str | None:
        """The value of a header; None if it is missing."""


@dataclass(frozen=True)
class Call:
    """What a program sends: the target is what arrives, to the byte."""

    target: str
    method: str = "GET"
    authorization: str | None = basic()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}


@dataclass(frozen=True)
class Got:
    """What a program reads of an answer."""

    status: int
    headers: dict[str, str | None]
    body: bytes


def over_http(port: int, call: Call) -> Got:
    """From the server."""
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=LONG)) as connection:
        connection.request(call.method, call.target, headers=call.headers)
        with closing(connection.getresponse()) as answer:
            return Got(answer.status, _headers(answer.headers), answer.read())


def directly(reports: LegacyReports, call: Call) -> Got:
    """From the service itself."""
    asked = LegacyRequest.from_target(call.target, call.method, call.authorization)
    answer = reports.handle(asked)
    return Got(answer.status, _headers(dict(answer.headers)), answer.body)


def through_httpx(reports: LegacyReports, call: Call) -> Got:
    """From a client of httpx."""
    with httpx.Client(transport=LegacyTransport(reports, nowhere)) as client:
        return _read(client.send(_request(call)))


def through_httpx_async(reports: LegacyReports, call: Call) -> Got:
    """From an asynchronous client of httpx."""

    async def asked() -> Got:
        transport = AsyncLegacyTransport(reports, nowhere)
        async with httpx.AsyncClient(transport=transport) as client:
            return _read(await client.send(_request(call)))

    return asyncio.run(asked())


def through_requests(reports: LegacyReports, call: Call) -> Got:
    """From a session of requests."""
    with requests.Session() as session:
        session.mount(f"{ORIGIN}/v1/", LegacyAdapter(reports))
        prepared = requests.Request(call.method, ORIGIN, headers=call.headers).prepare()
        prepared.url = f"{ORIGIN}{call.target}"  # as it is: requests would spell it its own way
        answer = session.send(prepared)
    return Got(answer.status_code, _headers(answer.headers), answer.content)


INSIDE: dict[str, Callable[[LegacyReports, Call], Got]] = {
    "the service": directly,
    "httpx": through_httpx,
    "httpx, asynchronous": through_httpx_async,
    "requests": through_requests,
}


def _unexpected(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was handed on")


nowhere = httpx.MockTransport(_unexpected)
"""An inner transport that must not be reached."""


def _request(call: Call) -> httpx.Request:
    request = httpx.Request(call.method, f"{ORIGIN}{call.target}", headers=call.headers)
    assert request.url.raw_path == call.target.encode(), "httpx spells it its own way"
    return request


def _read(answer: httpx.Response) -> Got:
    return Got(answer.status_code, _headers(answer.headers), answer.content)


def _headers(headers: SupportsGet) -> dict[str, str | None]:
    """The headers that do not differ each time; None for those that are missing."""
    return {name: headers.get(name) for name in COMPARED}

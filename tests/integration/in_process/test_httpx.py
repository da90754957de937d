"""The transports for httpx: what they pass on, what they close, how they are mounted."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from compat.httpx import AsyncLegacyTransport, LegacyTransport
from compat.service import LegacyReports
from tests.integration.in_process.entry_points import ORIGIN, nowhere
from tests.unit.service.doubles import JANUARY, LONG, FakeSource, basic

KEY = {"Authorization": basic()}
WAITING = 60
"""More than there are threads in the pool that asyncio lends out."""

NOT_OURS = [
    "/v2/conversations?status=all&query=(a:b)",
    "/v1/conversations.json",
    "/v1/conversations/1.json?x=1+2",
    "/v1/reports",
    "/v2/reports/conversations/new?start=1",
    "/v1/mailboxes/1/conversations.json",
    "/",
]


class Inner(httpx.MockTransport):
    """Takes what is handed on.

    Attributes:
        taken: The requests.
        closed: Whether it was closed.
    """

    def __init__(self) -> None:
        super().__init__(self._take)
        self.taken: list[httpx.Request] = []
        self.closed = False

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.taken.append(request)
        return httpx.Response(HTTPStatus.ACCEPTED, headers={"X-From": "inner"}, content=b"inner")

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def inner() -> Inner:
    return Inner()


def sent(reports: LegacyReports, inner: Inner, request: httpx.Request) -> httpx.Response:
    with httpx.Client(transport=LegacyTransport(reports, inner)) as client:
        return client.send(request)


def sent_async(reports: LegacyReports, inner: Inner, request: httpx.Request) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = AsyncLegacyTransport(reports, inner)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.send(request)

    return asyncio.run(asked())


BOTH = pytest.mark.parametrize("send", [sent, sent_async])


@BOTH
@pytest.mark.parametrize("target", NOT_OURS)
def test_what_is_not_the_old_reports_is_handed_on_as_it_is(
    reports: LegacyReports, inner: Inner, send: Any, target: str
) -> None:
    request = httpx.Request(
        "PUT", f"{ORIGIN}{target}", headers={**KEY, "X-Mine": "1"}, json={"a": [1, "ü"]}
    )
    body, headers = request.content, list(request.headers.raw)
    answer = send(reports, inner, request)
    assert (answer.status_code, answer.content) == (HTTPStatus.ACCEPTED, b"inner")
    assert answer.headers["X-From"] == "inner"
    [handed_on] = inner.taken
    assert handed_on is request
    assert (handed_on.content, list(handed_on.headers.raw)) == (body, headers)


@BOTH
def test_what_the_client_says_of_patience_is_handed_on(
    reports: LegacyReports, inner: Inner, send: Any
) -> None:
    patience = httpx.Timeout(3).as_dict()
    request = httpx.Request("GET", f"{ORIGIN}/v2/users", extensions={"timeout": patience})
    send(reports, inner, request)
    assert inner.taken[0].extensions["timeout"] == patience


@BOTH
@pytest.mark.parametrize(
    ("path", "status"), [(JANUARY, 200), ("/v1/reports/x", 404), ("/v1/tags.json", 200)]
)
def test_what_is_the_old_reports_is_never_handed_on(
    reports: LegacyReports, inner: Inner, send: Any, path: str, status: int
) -> None:
    answer = send(reports, inner, httpx.Request("GET", f"{ORIGIN}{path}", headers=KEY))
    assert answer.status_code == status
    assert answer.headers["Correlation-Id"]
    assert inner.taken == []


@BOTH
def test_closing_the_client_closes_the_inner_transport_and_not_the_reports(
    reports: LegacyReports, fake_source: FakeSource, inner: Inner, send: Any
) -> None:
    send(reports, inner, httpx.Request("GET", f"{ORIGIN}{JANUARY}", headers=KEY))
    assert inner.closed
    assert not fake_source.closed
    assert reports.answer(JANUARY, authorization=basic()).status == 200


def test_it_is_mounted_on_the_old_host_and_on_no_other(
    reports: LegacyReports, inner: Inner
) -> None:
    mounts = {ORIGIN: LegacyTransport(reports, nowhere)}
    with httpx.Client(mounts=mounts, transport=inner, auth=("an-old-key", "X")) as client:
        assert client.get(f"{ORIGIN}{JANUARY}").json()["current"][0]["count"] == 1
        assert client.get(f"https://api.example.org{JANUARY}").content == b"inner"
    assert len(inner.taken) == 1


def test_the_asynchronous_one_is_mounted_likewise(reports: LegacyReports, inner: Inner) -> None:
    async def asked() -> Any:
        mounts = {ORIGIN: AsyncLegacyTransport(reports, nowhere)}
        auth = ("an-old-key", "X")
        async with httpx.AsyncClient(mounts=mounts, transport=inner, auth=auth) as client:
            return (await client.get(f"{ORIGIN}{JANUARY}")).json()

    assert asyncio.run(asked())["current"][0]["count"] == 1


def test_no_network_is_touched_for_the_old_reports(
    reports: LegacyReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr("socket.getaddrinfo", reached)
    monkeypatch.setattr("socket.create_connection", reached)
    with httpx.Client(mounts={ORIGIN: LegacyTransport(reports)}) as client:
        assert client.get(f"{ORIGIN}{JANUARY}", headers=KEY).status_code == 200


def test_a_question_put_with_params_is_understood(reports: LegacyReports) -> None:
    params = {"start": "2015-01-01T01:00:00+01:00", "end": "2015-01-31", "types": "email,chat"}
    with httpx.Client(transport=LegacyTransport(reports, nowhere), headers=KEY) as client:
        url = f"{ORIGIN}/v1/reports/conversations/new.json"
        assert client.get(url, params=params).json()["current"][0]["count"] == 1


def test_a_response_says_how_long_it_took(reports: LegacyReports) -> None:
    with httpx.Client(transport=LegacyTransport(reports, nowhere), headers=KEY) as client:
        assert client.get(ORIGIN + JANUARY).elapsed > timedelta(0)
        with client.stream("GET", ORIGIN + JANUARY) as answer:
            answer.read()
        assert answer.elapsed > timedelta(0)


def test_an_asynchronous_response_says_how_long_it_took(reports: LegacyReports) -> None:
    async def asked() -> list[timedelta]:
        transport = AsyncLegacyTransport(reports, nowhere)
        async with httpx.AsyncClient(transport=transport, headers=KEY) as client:
            whole = await client.get(ORIGIN + JANUARY)
            async with client.stream("GET", ORIGIN + JANUARY) as streamed:
                await streamed.aread()
            return [whole.elapsed, streamed.elapsed]

    assert min(asyncio.run(asked())) > timedelta(0)


def test_a_stream_that_is_closed_unread_says_how_long_it_took(reports: LegacyReports) -> None:
    with (
        httpx.Client(transport=LegacyTransport(reports, nowhere), headers=KEY) as client,
        client.stream("GET", ORIGIN + JANUARY) as answer,
    ):
        pass
    assert answer.elapsed > timedelta(0)


def test_a_response_names_the_length_of_its_body(reports: LegacyReports) -> None:
    with httpx.Client(transport=LegacyTransport(reports, nowhere), headers=KEY) as client:
        answer = client.get(ORIGIN + JANUARY)
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_an_answer_can_be_streamed(reports: LegacyReports) -> None:
    with (
        httpx.Client(transport=LegacyTransport(reports, nowhere), headers=KEY) as client,
        client.stream("GET", f"{ORIGIN}{JANUARY}") as answer,
    ):
        assert b"".join(answer.iter_bytes()).startswith(b'{"current":[')


def test_the_next_task_goes_on_while_many_wait_for_upstream(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    fake_source.gate.clear()

    async def asked() -> list[httpx.Response]:
        transport = AsyncLegacyTransport(reports, nowhere)
        async with httpx.AsyncClient(transport=transport, headers=KEY) as client:
            tasks = [asyncio.create_task(client.get(ORIGIN + JANUARY)) for _ in range(WAITING)]
            assert await asyncio.wait_for(asyncio.to_thread(fake_source.started.wait, LONG), LONG)
            assert not any(task.done() for task in tasks)
            fake_source.gate.set()
            return await asyncio.gather(*tasks)

    assert {answer.status_code for answer in asyncio.run(asked())} == {200}


def test_a_cancelled_task_waits_no_longer_and_the_fetching_goes_on(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    fake_source.gate.clear()

    async def asked() -> int:
        transport = AsyncLegacyTransport(reports, nowhere)
        async with httpx.AsyncClient(transport=transport, headers=KEY) as client:
            task = asyncio.create_task(client.get(ORIGIN + JANUARY))
            await asyncio.to_thread(fake_source.started.wait, LONG)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            second = asyncio.create_task(client.get(ORIGIN + JANUARY))
            await asyncio.sleep(0)
            fake_source.gate.set()
            return (await second).status_code

    assert asyncio.run(asked()) == 200
    assert len(fake_source.asked) == 1

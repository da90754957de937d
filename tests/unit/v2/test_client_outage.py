"""A client knows that upstream answers no request, and why."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from types import SimpleNamespace

import pytest

from compat.v2.client import Client
from compat.v2.errors import (
    Cancelled,
    CredentialsRefused,
    InconsistentData,
    MalformedData,
    NothingAtAddress,
    Overloaded,
    Redirected,
    RequestLoop,
    Unreachable,
    UpstreamError,
)
from compat.v2.models import ConversationPage
from tests.unit.service.doubles import LONG
from tests.unit.v2.upstream import Asked, Reply, Upstream, answer, in_turn, page_of
from tests.unit.v2.virtual_upstream import Clock

LOOP = {"Compat-Upstream": "1"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the client's requests."""
    clock = Clock()
    times = SimpleNamespace(monotonic=clock, time=time.time)
    monkeypatch.setattr("compat.v2.client.time", times)
    return clock


def get_page(client: Client, path: str = "/conversations") -> None:
    client.get(path, {}, ConversationPage, attempts=1)


class Gates:
    """Requests of some paths that wait for their answer until it is let through."""

    def __init__(self, upstream: Upstream, client: Client, pool: ThreadPoolExecutor) -> None:
        self._client, self._pool = client, pool
        self._arrived = {path: threading.Event() for path in ("/slow", "/slower")}
        self._opened = {path: threading.Event() for path in self._arrived}
        self._requests: dict[str, Future[None]] = {}
        upstream.script = self._script

    def ask(self, path: str) -> None:
        """Let a request wait at upstream."""
        self._requests[path] = self._pool.submit(get_page, self._client, path)
        assert self._arrived[path].wait(LONG)

    def let_through(self, path: str) -> None:
        """Answer it, and wait until the answer has been read."""
        self._opened[path].set()
        self._requests[path].result(LONG)

    def open(self) -> None:
        for each in self._opened.values():
            each.set()

    def _script(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/v2")
        if path in self._arrived:
            self._arrived[path].set()
            self._opened[path].wait(LONG)
        return page_of([])


@contextmanager
def gates_of(upstream: Upstream, client: Client) -> Iterator[Gates]:
    with ExitStack() as ends:
        gates = Gates(upstream, client, ends.enter_context(ThreadPoolExecutor(2)))
        ends.callback(gates.open)
        get_page(client)  # the token is there
        yield gates


@pytest.mark.usefixtures("clock")
def test_a_client_that_has_sent_nothing_knows_of_no_outage(client: Client) -> None:
    assert client.outage is None


def test_a_client_that_waits_for_nothing_knows_of_no_outage(client: Client, clock: Clock) -> None:
    get_page(client)
    clock.now += 3600
    assert client.outage is None


def test_a_request_without_an_answer_for_ten_seconds_is_an_outage(
    upstream: Upstream, client: Client, clock: Clock
) -> None:
    with gates_of(upstream, client) as gates:
        clock.now += 60
        gates.ask("/slow")
        clock.now += 9.75
        assert client.outage is None
        clock.now += 0.25
        text = f"no answer from 127.0.0.1:{upstream.port} for 10 s"
        assert repr(client.outage) == f"Unreachable('{text}')"
        gates.let_through("/slow")
        assert client.outage is None


def test_the_first_request_on_a_machine_that_has_just_started_may_be_an_outage(
    client: Client, clock: Clock
) -> None:
    clock.now = 0.0
    with client._waiting():
        clock.now += 10
        assert str(client.outage).endswith("for 10 s")


def test_the_request_that_has_waited_longest_shows_how_long_there_was_no_answer(
    upstream: Upstream, client: Client, clock: Clock
) -> None:
    with gates_of(upstream, client) as gates:
        clock.now += 60
        gates.ask("/slow")
        clock.now += 7
        gates.ask("/slower")
        clock.now += 7
        assert str(client.outage).endswith("for 14 s")


def test_an_answer_to_another_request_shows_that_upstream_answers(
    upstream: Upstream, client: Client, clock: Clock
) -> None:
    with gates_of(upstream, client) as gates:
        gates.ask("/slow")
        clock.now += 8
        get_page(client)
        clock.now += 8
        assert client.outage is None
        clock.now += 4
        assert str(client.outage).endswith("for 12 s")


def test_an_answer_counts_from_its_headers_on(
    upstream: Upstream, client: Client, clock: Clock
) -> None:
    upstream.script = in_turn(page_of([]), Reply(200, b" " * 10_000, fate="dribbled"))
    get_page(client)
    with ThreadPoolExecutor(1) as pool, closing(client):
        request = pool.submit(get_page, client)
        ends_at = time.monotonic() + LONG
        while len(upstream.asked) < 2 or client._unanswered:
            assert time.monotonic() < ends_at
            time.sleep(0.001)
        clock.now += 60
        assert client.outage is None
        client.close()
        assert isinstance(request.exception(LONG), Cancelled)


def test_a_request_that_has_failed_is_waited_for_no_longer(
    upstream: Upstream, client: Client, clock: Clock
) -> None:
    upstream.script = in_turn(Reply(fate="dropped"), page_of([]))
    with pytest.raises(Unreachable):
        get_page(client)
    get_page(client)
    clock.now += 60
    assert client.outage is None


OUTAGES = {
    "dropped": (Reply(fate="dropped"), Unreachable),
    "cut": (Reply(200, b"[]", fate="cut"), Unreachable),
    "500": (Reply(500), Overloaded),
    "no JSON": (Reply(200, b"<html>"), InconsistentData),
    "redirect": (Reply(302), Redirected),
    "loop": (Reply(508, headers=LOOP), RequestLoop),
}


@pytest.mark.parametrize(("reply", "kind"), OUTAGES.values(), ids=OUTAGES)
def test_an_error_that_concerns_all_requests_is_an_outage_until_the_next_answer(
    upstream: Upstream, client: Client, reply: Reply, kind: type[UpstreamError]
) -> None:
    noted: list[UpstreamError] = []
    client.on_outage = noted.append
    upstream.script = in_turn(reply, page_of([]))
    with pytest.raises(kind) as caught:
        get_page(client)
    assert client.outage is caught.value
    get_page(client)
    assert client.outage is None
    assert noted == [caught.value]


def test_each_attempt_that_fails_is_reported(upstream: Upstream, client: Client) -> None:
    noted: list[UpstreamError] = []
    client.on_outage = noted.append
    upstream.script = in_turn(Reply(500), Reply(503), page_of([]))
    client.get("/conversations", {}, ConversationPage)
    assert [each.status for each in noted] == [500, 503]


def test_refused_credentials_are_an_outage(upstream: Upstream, client: Client) -> None:
    upstream.sign_in = in_turn(Reply(401))
    with pytest.raises(CredentialsRefused) as caught:
        get_page(client)
    assert client.outage is caught.value


def test_a_limited_request_is_no_outage(upstream: Upstream, client: Client) -> None:
    noted: list[UpstreamError] = []
    client.on_outage = noted.append
    upstream.script = in_turn(Reply(429, headers={"Retry-After": "0"}))
    with pytest.raises(Overloaded):
        get_page(client)
    assert client.outage is None
    assert noted == []


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({"message": "all is well"}), MalformedData),
        (Reply(404), NothingAtAddress),
        (Reply(400), UpstreamError),
        (Reply(403), UpstreamError),
        (Reply(429, headers={"Retry-After": "0"}), Overloaded),
    ],
    ids=["malformed", "404", "400", "403", "429"],
)
def test_an_answer_that_is_of_no_use_ends_an_outage(
    upstream: Upstream, client: Client, reply: Reply, kind: type[UpstreamError]
) -> None:
    noted: list[UpstreamError] = []
    upstream.script = in_turn(Reply(500), reply)
    with pytest.raises(Overloaded):
        get_page(client)
    client.on_outage = noted.append
    with pytest.raises(kind):
        get_page(client)
    assert client.outage is None
    assert noted == []

"""No caller keeps a connection for longer, or makes it larger, than an honest one needs."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from typing import Any

import pytest
import uvicorn
from compat.asgi import Application, create_app, refusal
from uvicorn.protocols.http.h11_impl import H11Protocol

from compat.cli import connections, listening
from compat.cli.connections import MOST_HEAD, MOST_QUEUED, by_h11, guarded
from tests.doors.serving import KEY, LOOPBACK, ask
from tests.unit.service.doubles import FIRST, JANUARY, LONG, Shelf, reports_on, row

SHORT = 0.4
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
LARGE = b"a" * MOST_HEAD
LAST = HEALTH + b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module", autouse=True)
def in_a_hurry() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "PATIENCE", SHORT)
        patch.setattr(connections, "_LINGER", SHORT)
        patch.setattr(listening, "_TICKS", 1)
        yield


@contextmanager
def listening_with(app: Application, protocol: Any) -> Iterator[int]:
    """The command's own server, in a thread."""
    options = {**listening._CONFIG, "log_config": None, "log_level": "critical"}
    config = uvicorn.Config(app, http=protocol, lifespan="off", **options)
    server = listening._server(config, lambda _: None, lambda: None, None)
    with socket.create_server((LOOPBACK, 0), backlog=512) as listener:
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(LONG)


@pytest.fixture(scope="module", params=["httptools", "h11"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    kinds = {"httptools": guarded(refusal), "h11": by_h11(H11Protocol, refusal)}
    with (
        reports_on(Shelf([row(FIRST)], kept=LONG)) as reports,
        listening_with(create_app(reports), kinds[request.param]) as number,
    ):
        yield number


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, port), timeout=LONG) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server hangs up."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def sent(port: int, *parts: bytes) -> bytes:
    """What comes back for these parts, sent one after the other."""
    with connected(port) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
        return rest(connection)


def refused(answer: bytes) -> int:
    """The status of an answer that is sure to be a refusal in JSON."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/json; charset=utf-8" in head
    assert b"Correlation-Id: " in head
    assert f"Content-Length: {len(body)}".encode() in head
    told = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {told['code']} ".encode())
    return int(told["code"])


def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    assert sent(port) == b""


@pytest.mark.parametrize("begun", [b"G", b"GET /healthz HTTP/1.1\r\n", HEALTH + b"X-Half: "])
def test_half_a_request_is_told_that_it_was_too_slow(port: int, begun: bytes) -> None:
    assert refused(sent(port, begun)) == 408


def test_a_byte_now_and_then_is_no_faster(port: int) -> None:
    with connected(port) as connection:
        began = time.monotonic()
        while time.monotonic() - began < LONG:
            try:
                connection.sendall(b"a")
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(SHORT / 8)
        answer = rest(connection)
    assert answer == b"" or refused(answer) in {400, 408}


def test_half_a_request_behind_a_whole_one_is_no_reason_to_wait(port: int) -> None:
    answer = sent(port, HEALTH + b"\r\n", HEALTH)
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("body", [b"", b"half", b"a" * 999])
def test_a_body_that_never_ends_keeps_no_connection(port: int, body: bytes) -> None:
    answer = sent(port, HEALTH + b"Content-Length: 1000\r\n\r\n", body)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1


def test_what_we_take_our_time_for_is_waited_for() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(SHORT * 3)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with listening_with(slow, guarded(refusal)) as number:
        assert sent(number, LAST).startswith(b"HTTP/1.1 204")


def test_a_caller_who_does_not_read_is_left() -> None:
    left = Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"1000000000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await receive()
        gone = asyncio.ensure_future(receive())
        while not gone.done():
            await send({"type": "http.response.body", "body": LARGE, "more_body": True})
            await asyncio.sleep(0)
        left.set()

    with listening_with(endless, guarded(refusal)) as number, connected(number) as connection:
        connection.sendall(LAST)
        assert left.wait(LONG)


def test_an_answer_that_nobody_fetches_is_dropped_with_its_connection() -> None:
    async def large(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"30000000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"a" * 30_000_000})

    with listening_with(large, guarded(refusal)) as number, connected(number) as connection:
        connection.sendall(LAST)
        time.sleep(SHORT * 4)
        assert len(rest(connection)) < 30_000_000


@pytest.mark.parametrize(
    "parts",
    [
        (HEALTH + b"X: ", *[LARGE] * 10),
        (b"GET /?", *[LARGE[:9999]] * 20),
        (HEALTH, *[b"a: b\r\n" * 999] * 30),
    ],
    ids=["header", "query", "headers"],
)
def test_an_endless_head_is_refused(port: int, parts: tuple[bytes, ...]) -> None:
    assert refused(sent(port, *parts)) in {400, 431}


@pytest.mark.parametrize(
    "head",
    [
        HEALTH + b"X: " + LARGE + b"\r\n",
        b"GET /" + LARGE + b" HTTP/1.1\r\nHost: x\r\n",
        b"GET /?" + LARGE + b" HTTP/1.1\r\nHost: x\r\n",
        HEALTH + b"a: b\r\n" * 40_000,
    ],
    ids=["header", "path", "query", "headers"],
)
def test_a_head_with_too_much_in_it_is_told_so(head: bytes) -> None:
    with (
        reports_on(Shelf()) as reports,
        listening_with(create_app(reports), guarded(refusal)) as number,
    ):
        assert refused(sent(number, head + b"\r\n")) == 431
        pieces = [head[at : at + 9999] for at in range(0, len(head), 9999)]
        assert refused(sent(number, *pieces, b"\r\n")) == 431


@pytest.mark.parametrize("body", [b"", LARGE * 4])
def test_a_large_head_is_read_and_a_body_is_no_head(port: int, body: bytes) -> None:
    length = f"Content-Length: {len(body)}\r\n".encode()
    head = HEALTH + length + b"X: " + b"a" * (MOST_HEAD - 200) + b"\r\n\r\n"
    answer = sent(port, head + body + LAST)
    assert answer.count(b"HTTP/1.1 200") == 2


def test_requests_sent_ahead_are_answered_in_their_order(port: int) -> None:
    missing = b"".join(
        b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(MOST_QUEUED - 1)
    )
    answer = sent(port, missing + LAST)
    places = [answer.index(b"'/%d'" % number) for number in range(MOST_QUEUED - 1)]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 200") == 1


def test_requests_sent_too_far_ahead_are_not_kept(port: int) -> None:
    answer = sent(port, (HEALTH + b"\r\n") * 5000)
    assert 0 < answer.count(b"HTTP/1.1 200") <= 5000
    assert answer.count(b"HTTP/1.1") - answer.count(b"HTTP/1.1 200") <= 1


@pytest.mark.parametrize("good", [1, 5])
def test_what_came_before_nonsense_is_answered(good: int) -> None:
    with (
        reports_on(Shelf()) as reports,
        listening_with(create_app(reports), guarded(refusal)) as number,
    ):
        answer = sent(number, (HEALTH + b"\r\n") * good + b"nonsense\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == answer.count(b"HTTP/1.1") == good
    assert answer.count(b"connection: close") == 1


@pytest.mark.parametrize("wish", [b"h2c", b"websocket", b"x"])
def test_an_upgrade_is_answered_as_if_it_had_not_been_asked_for(port: int, wish: bytes) -> None:
    """Java's own client asks for h2c on each new connection."""
    answer = sent(port, HEALTH + b"Connection: Upgrade\r\nUpgrade: " + wish + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_thousand_silent_connections_hinder_nobody(port: int) -> None:
    with ExitStack() as stack:
        try:
            few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(few, min(most, 4096)), most))
            silent = [stack.enter_context(connected(port)) for _ in range(1000)]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))
        for each in silent[::2]:
            each.sendall(HEALTH)
        assert ask(port, JANUARY, headers=KEY).status == 200
        answers = [rest(each) for each in silent]
    assert {refused(answer) if answer else 0 for answer in answers} == {0, 408}


def test_the_command_opens_as_many_files_as_it_may() -> None:
    code = (
        "import resource; from compat.cli import listening\n"
        "few, most = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, most)); listening._open_many_files()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(most, 65536))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"

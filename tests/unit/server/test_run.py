"""How the server is run: limits on what callers send, and signals."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from compat.asgi import create_app
from compat.server.run import MAX_HEAD
from tests.unit.server.commands import Running, started
from tests.unit.server.threaded_server import KEY, LOOPBACK, ask, serving
from tests.unit.service.doubles import (
    FIRST,
    JANUARY,
    LONG,
    PATH,
    FakeSource,
    basic,
    reports_on,
    row,
)

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
LARGE = b"a" * MAX_HEAD
LAST = HEALTH + b"Connection: close\r\n\r\n"
AHEAD = 200


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with (
        reports_on(FakeSource([row(FIRST)], kept=LONG)) as reports,
        serving(create_app(reports), timeout_keep_alive=1) as number,
    ):
        yield number


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, port), timeout=LONG) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """All that is received until the server closes the connection."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def sent(port: int, *parts: bytes) -> bytes:
    """What is received for these parts, sent one after the other."""
    with connected(port) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
        return rest(connection)


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
    answer = sent(port, *parts)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("body", [b"", LARGE * 4])
def test_a_large_head_is_read_and_a_body_is_no_head(port: int, body: bytes) -> None:
    length = f"Content-Length: {len(body)}\r\n".encode()
    head = HEALTH + length + b"X: " + b"a" * (MAX_HEAD - 200) + b"\r\n\r\n"
    answer = sent(port, head + body + LAST)
    assert answer.count(b"HTTP/1.1 200") == 2


def test_a_request_whose_body_never_comes_keeps_no_connection(port: int) -> None:
    answer = sent(port, HEALTH + b"Content-Length: 1000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1


def test_requests_sent_ahead_are_answered_in_their_order(port: int) -> None:
    missing = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(AHEAD))
    answer = sent(port, missing + LAST)
    places = [answer.index(b"'/%d'" % number) for number in range(AHEAD)]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("good", [1, 5])
def test_what_came_before_nonsense_is_answered(port: int, good: int) -> None:
    answer = sent(port, (HEALTH + b"\r\n") * good + b"nonsense\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == good
    assert answer.count(b"HTTP/1.1 400") == 1


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"x"])
def test_an_upgrade_is_answered_as_if_it_had_not_been_asked_for(port: int, protocol: bytes) -> None:
    """Java's own client asks for h2c on each new connection."""
    upgrade = HEALTH + b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
    assert sent(port, upgrade + LAST).count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("behind", [b"", b"Accept: */*\r\n"])
def test_a_header_line_may_end_with_a_bare_lf(port: int, behind: bytes) -> None:
    """Python 2's `encodestring` ends the value of `Authorization` with one."""
    line = f"GET {JANUARY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head = f"{line}Authorization: {basic()}\n".encode()
    assert sent(port, head + behind + b"\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("behind", "status"),
    [
        ("User-Agent: Python-urllib/2.7\r\n", b"400"),
        (f"GET {JANUARY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", b"401"),
    ],
)
def test_what_follows_a_bare_lf_and_an_empty_line_is_no_part_of_the_request(
    port: int, behind: str, status: bytes
) -> None:
    """Python 2 sends such a line if `Authorization` is not the last header."""
    head = f"GET {JANUARY} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()}\n\r\n"
    first, _, rest = sent(port, f"{head}{behind}\r\n".encode()).partition(b"}HTTP/1.1 ")
    assert first.startswith(b"HTTP/1.1 200")
    assert rest.startswith(status)


def test_a_thousand_idle_connections_do_not_slow_others(port: int) -> None:
    with ExitStack() as stack:
        few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(few, min(most, 4096)), most))
            silent = [stack.enter_context(connected(port)) for _ in range(1000)]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))
        for each in silent[::2]:
            each.sendall(HEALTH)
        assert ask(port, JANUARY, headers=KEY).status == 200


def test_the_command_opens_as_many_files_as_it_may() -> None:
    code = (
        "import resource; from compat.server import run\n"
        "few, most = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, most)); run._raise_file_limit()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(most, 65536))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_idle_connections_do_not_delay_a_stop() -> None:
    with started("serve", "--demo", "--port", "0") as server, connected(server.port) as half:
        half.sendall(HEALTH)
        assert ask(server.port, "/healthz").status == 200
        assert server.stop(signal.SIGTERM) == 0


ACCOUNT = """
[one]
app_id = "an-app"
app_secret = "a-secret"
api_keys = ["{key}"]
"""


@contextmanager
def reloading(folder: Path) -> Iterator[tuple[Running, IO[str]]]:
    """A server that is reading its accounts again, from a pipe; the end of it to write to."""
    file = folder / "accounts.toml"
    file.touch(0o600)
    file.write_text(ACCOUNT.format(key="an-old-key"))
    with started("serve", "--port", "0", COMPAT_ACCOUNTS=str(file)) as server:
        file.unlink()
        os.mkfifo(file, 0o600)
        server.process.send_signal(signal.SIGHUP)
        with file.open("w") as pipe:  # waits until the server reads
            yield server, pipe


def status(server: Running, key: str) -> int:
    """401 if the key is not known; else 400, since nothing is asked."""
    return ask(server.port, PATH, headers={"Authorization": basic(key)}).status


def test_while_accounts_are_read_again_requests_are_answered(tmp_path: Path) -> None:
    with reloading(tmp_path) as (server, pipe):
        assert (status(server, "an-old-key"), status(server, "a-new-key")) == (400, 401)
        pipe.write(ACCOUNT.format(key="a-new-key"))
        pipe.close()
        assert any("the accounts were read again" in line for line in server.lines())
        assert (status(server, "an-old-key"), status(server, "a-new-key")) == (401, 400)


def test_a_stop_does_not_wait_for_accounts_that_are_read_again(tmp_path: Path) -> None:
    with reloading(tmp_path) as (server, _):
        assert ask(server.port, "/healthz").status == 200
        assert server.stop(signal.SIGTERM) == 0

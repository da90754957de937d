"""Ctrl-C ends a command that waits for Help Scout, also where other threads do the waiting."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.unit.server.commands import COMMAND, environment, run
from tests.unit.server.threaded_server import LOOPBACK
from tests.unit.service.doubles import LONG

SOON = 5.0
"""Seconds; half of what a connection may take, and a sixth of what a request may."""

_SYN_SENT = "02"
WAIT = (sys.executable, "-m", "tests.unit.cli.interrupted_wait")
REPORT = ("report", "new", "--start", "2015-01")
MONTH = "/v1/reports/conversations/new.json?start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
INBOX = f"{MONTH}&folders=1"


@pytest.fixture
def captures(reach: dict[str, str], tmp_path: Path) -> Path:
    """What the old API may have answered: one request for all folders, one for a folder."""
    body = run(*REPORT, **reach).stdout
    records = [{"target": target, "status": 200, "body": body} for target in (INBOX, MONTH)]
    path = tmp_path / "captures.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    return path


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that accepts connections and says nothing."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.settimeout(LONG)
        yield listener


@contextmanager
def started(
    command: Sequence[str], reach: dict[str, str], listener: socket.socket, scheme: str = "http"
) -> Iterator[subprocess.Popen[bytes]]:
    """A command whose upstream is this listener; killed if the block does not wait for its end."""
    port = listener.getsockname()[1]
    where = {"HELPSCOUT_BASE_URL": f"{scheme}://{LOOPBACK}:{port}/v2"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment(reach | where), stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("command", ["report", "fit", "check"])
def test_an_interrupt_ends_the_waiting_at_once_and_is_130(
    reach: dict[str, str], captures: Path, silent: socket.socket, command: str
) -> None:
    words = REPORT if command == "report" else ("parity", command, str(captures))
    with started([COMMAND, *words], reach, silent) as waiting, silent.accept()[0] as connection:
        connection.recv(1)
        waiting.send_signal(signal.SIGINT)
        said = waiting.communicate(timeout=SOON)
    assert waiting.returncode == 130
    assert said == (b"", b"")


@pytest.mark.parametrize("command", ["report", "fit", "check", "sync"])
def test_an_interrupt_just_before_a_wait_ends_that_wait(
    reach: dict[str, str], captures: Path, silent: socket.socket, tmp_path: Path, command: str
) -> None:
    words = {
        "report": REPORT,
        "sync": ("sync",),
    }.get(command, ("parity", command, str(captures)))
    archive = {"COMPAT_ARCHIVE": f"sqlite:///{tmp_path}/archive.db"} if command == "sync" else {}
    with started([*WAIT, *words], reach | archive, silent) as waiting, silent.accept()[0] as asked:
        asked.recv(1)
        waiting.communicate(b"now\n", timeout=SOON)
    assert waiting.returncode == 130


def connecting(port: int) -> int:
    """How many sockets of this machine wait to be connected to a port."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("needs Linux to see that the command connects")
    rows = [line.split() for line in table.read_text("ascii").splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == _SYN_SENT for row in rows)


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_before_upstream_accepts_ends_the_command_at_once(
    reach: dict[str, str], times: int
) -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
        for _ in range(4):  # no more fit into its queue: the next one waits to be connected
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        time.sleep(0.2)  # those that fit are connected now
        fillers = connecting(port)
        waiting = stack.enter_context(started([COMMAND, *REPORT], reach, full))
        deadline = time.monotonic() + LONG
        while connecting(port) <= fillers and time.monotonic() < deadline:
            time.sleep(0.05)
        for _ in range(times):
            waiting.send_signal(signal.SIGINT)
            time.sleep(0.02)
        said = waiting.communicate(timeout=SOON)
    assert waiting.returncode == 130
    assert said == (b"", b"")


def test_an_interrupt_while_tls_is_negotiated_ends_the_command_at_once(
    reach: dict[str, str], silent: socket.socket
) -> None:
    command = [COMMAND, *REPORT]
    with started(command, reach, silent, "https") as waiting, silent.accept()[0] as connection:
        connection.recv(1)
        waiting.send_signal(signal.SIGINT)
        said = waiting.communicate(timeout=SOON)
    assert waiting.returncode == 130
    assert said == (b"", b"")


def test_an_interrupt_while_modules_are_imported_leaves_no_traceback(
    reach: dict[str, str], silent: socket.socket
) -> None:
    program = (sys.executable, "-m", "tests.unit.archive.sync.interrupted_command")
    with started([*program, "_run", "<module>", *REPORT], reach, silent) as starting:
        said = starting.communicate(timeout=LONG)
    assert starting.returncode == 130
    assert said == (b"", b"")

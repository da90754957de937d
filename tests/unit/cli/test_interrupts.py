"""Ctrl-C ends a command that waits for Help Scout, also where other threads do the waiting."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.unit.server.commands import COMMAND, environment, run
from tests.unit.server.threaded_server import LOOPBACK
from tests.unit.service.doubles import LONG

SOON = 15.0
"""Seconds; half of what a request may take."""

MONTH = "/v1/reports/conversations/new.json?start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
INBOX = f"{MONTH}&folders=1"


@pytest.fixture
def captures(reach: dict[str, str], tmp_path: Path) -> Path:
    """What the old API may have answered: one request for all folders, one for a folder."""
    body = run("report", "new", "--start", "2015-01", **reach).stdout
    records = [{"target": target, "status": 200, "body": body} for target in (INBOX, MONTH)]
    path = tmp_path / "captures.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    return path


@pytest.mark.parametrize("command", ["fit", "check"])
def test_an_interrupt_of_parity_ends_the_waiting_and_is_130(
    reach: dict[str, str], captures: Path, command: str
) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        silent.settimeout(LONG)
        where = {"HELPSCOUT_BASE_URL": f"http://{LOOPBACK}:{silent.getsockname()[1]}/v2"}
        with subprocess.Popen(
            [COMMAND, "parity", command, str(captures)],
            env=environment(reach | where),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as waiting:
            try:
                connection, _ = silent.accept()
                with connection:
                    connection.recv(1)
                    waiting.send_signal(signal.SIGINT)
                    said = waiting.communicate(timeout=SOON)
            finally:
                waiting.kill()
    assert waiting.returncode == 130
    assert said == (b"", b"")

"""A simulated account that never changes, and the command line as processes in front of it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from compat.simulator import Account, Behaviour, Simulator, make_account, running

COMMAND: Final = str(Path(sys.executable).parent / "helpscout-v1")
KEY: Final = "an-old-key"
ORIGIN: Final = "https://api.helpscout.net"
PATIENT: Final = 60
"""Seconds after which a process is taken to hang."""

_OURS: Final = ("COMPAT_", "HELPSCOUT_")


def basic(key: str = KEY) -> str:
    """The `Authorization` header for an old API key."""
    return "Basic " + b64encode(f"{key}:X".encode()).decode("ascii")


def account() -> Account:
    """The account: 300 conversations of two years."""
    return make_account(
        300,
        seed=1,
        since=datetime(2014, 1, 1, tzinfo=UTC),
        now=datetime(2016, 1, 1, tzinfo=UTC),
    )


@contextmanager
def upstream(plan: Literal["standard", "plus"] = "standard") -> Iterator[str]:
    """The simulated Mailbox API 2.0 with that account; its base URL."""
    with running(Simulator(account(), Behaviour(rate_limit=None), plan=plan)) as base_url:
        yield base_url


def settings(base_url: str, **others: str) -> dict[str, str]:
    """Environment variables that lead to the simulator."""
    return {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "HELPSCOUT_BASE_URL": base_url,
        "COMPAT_API_KEYS": KEY,
        "COMPAT_METRICS": "true",
        "COMPAT_EXPLORER": "off",  # else there is a further line that says where it is
        **others,
    }


def environment(variables: dict[str, str]) -> dict[str, str]:
    """The environment of a process: wide, without colours, and with these settings alone."""
    rest = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    return rest | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "TZ": "UTC"} | variables


def run(
    *arguments: str, variables: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in a folder."""
    return subprocess.run(
        [COMMAND, *arguments],
        env=environment(variables or {}),
        stdin=subprocess.DEVNULL,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENT,
        check=False,
    )


@dataclass(frozen=True)
class Running:
    """A server that runs.

    Attributes:
        process: It.
        port: Where it listens.
        first: Its first line on standard error.
    """

    process: subprocess.Popen[str]
    port: int
    first: str

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it with a signal; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENT)

    def errors(self) -> list[str]:
        """What it wrote on standard error after its first line; once it has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().splitlines()


@contextmanager
def started(*arguments: str, variables: dict[str, str] | None = None) -> Iterator[Running]:
    """A server that the command runs, on any port; it ends with the block."""
    process = subprocess.Popen(
        [COMMAND, *arguments],
        env=environment(variables or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline().strip()
            digits = line.rpartition("127.0.0.1:")[2].partition('"')[0]
            assert digits.isdigit(), line + process.stderr.read()
            yield Running(process, int(digits), line)
        finally:
            if process.poll() is None:
                process.kill()


@dataclass(frozen=True)
class Got:
    """An answer: status, headers in the order and case in which they came, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def fetch(
    port: int, target: str, method: str = "GET", headers: dict[str, str] | None = None
) -> Got:
    """Ask a server for an answer, on a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENT)) as connection:
        connection.request(method, target, headers=headers or {})
        with closing(connection.getresponse()) as answer:
            return Got(answer.status, tuple(answer.getheaders()), answer.read())

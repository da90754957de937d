"""The command as a person runs it: another process, controlled by arguments and signals."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.service.doubles import LONG

COMMAND = str(Path(sys.executable).parent / "helpscout-v1")
OURS = ("COMPAT_", "HELPSCOUT_")


def environment(settings: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of the tests, with these settings of ours and no others.

    The explorer is off unless they name it, so that a server says one line about itself.
    """
    rest = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return rest | {"COMPAT_EXPLORER": "off"} | (settings or {})


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


class Running:
    """A server that was started by the command.

    Attributes:
        line: What it said about itself.
        address: Where it listens, as a URL.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stderr is not None
        self.line = process.stderr.readline().strip()
        self.address = self.line.rpartition(" ")[2]
        assert self.address.startswith("http"), self.line + process.stderr.read()
        self.port = int(self.address.rpartition(":")[2])

    def stop(self, signal: int) -> int:
        """Send a signal, and wait for the exit status."""
        self.process.send_signal(signal)
        return self.process.wait(LONG)

    def said(self) -> str:
        """All it wrote after its first line."""
        assert self.process.stderr is not None
        return self.process.stderr.read()


@contextmanager
def started(*arguments: str, **settings: str) -> Iterator[Running]:
    """A server that runs as long as the block, if nothing ends it before."""
    process = subprocess.Popen(
        [COMMAND, *arguments],
        env=environment(settings),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.kill()

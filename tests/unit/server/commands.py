"""The command as a person runs it: another process, controlled by arguments and signals."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

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

    Threads read what it writes, because it would stop at a full pipe.

    Attributes:
        line: What it said about itself.
        address: Where it listens, as a URL.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: Queue[str] = Queue()
        reading = (process.stdout, lambda _: None), (process.stderr, self._lines.put)
        self._readers = [Thread(target=self._read, args=each, daemon=True) for each in reading]
        for each in self._readers:
            each.start()
        self.line = self.address = ""
        self.port = 0

    def read_address(self) -> None:
        """Read its first line, which says where it listens."""
        self.line = self.next_line().strip()
        self.address = self.line.rpartition(" ")[2]
        assert self.address.startswith("http"), self.line + self.said()
        self.port = int(self.address.rpartition(":")[2])

    def stop(self, signal: int) -> int:
        """Send a signal, and wait for the exit status."""
        self.process.send_signal(signal)
        return self.process.wait(LONG)

    def next_line(self) -> str:
        """The next line that it wrote on standard error; empty once it has ended."""
        line = self._lines.get(timeout=LONG)
        if not line:
            self._lines.put(line)
        return line

    def lines(self) -> Iterator[str]:
        """Its next lines, as it writes them."""
        return iter(self.next_line, "")

    def said(self) -> str:
        """All its other lines, once it has ended."""
        return "".join(self.lines())

    def wait(self) -> None:
        """Wait until it has ended and all was read."""
        for each in self._readers:
            each.join(LONG)

    def _read(self, stream: Iterable[str], keep: Callable[[str], None]) -> None:
        for line in stream:
            keep(line)
        keep("")


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
        server = Running(process)
        try:
            server.read_address()
            yield server
        finally:
            if process.poll() is None:
                process.kill()
            server.wait()

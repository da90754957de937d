"""A separate process that holds the lock of an archive, and writes when it is asked to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compat.archive.database import Archive, open_archive
from compat.archive.errors import ArchiveError
from compat.archive.locks import SyncLock
from tests.unit.archive.samples import record

ROOT = Path(__file__).parents[3]


class Holder:
    """The process, as the test controls it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def next_line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def send(self, line: str) -> None:
        """Send it a line: the id of a conversation to write, or an empty line to commit."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


@contextmanager
def holding(url: str, lease: float) -> Iterator[Holder]:
    """A process that holds the lock; it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", __name__, url, str(lease)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    holder = Holder(process)
    try:
        assert holder.next_line() == "held"
        yield holder
    finally:
        process.kill()
        process.communicate()


def main(url: str, lease: str) -> None:
    """Hold the lock; for each line on standard input write the conversation with that id."""
    with open_archive(url, lease=float(lease)) as archive:
        lock = archive.lock()
        _print("held")
        for line in sys.stdin:
            _print(_write(archive, lock, int(line)))


def _print(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _write(archive: Archive, lock: SyncLock, id_: int) -> str:
    try:
        with archive.writing(lock) as writer:
            writer.save([record(id_, name="holder")])
            _print("writing")
            sys.stdin.readline()
    except ArchiveError as error:
        return type(error).__name__
    return "written"


if __name__ == "__main__":
    main(*sys.argv[1:])

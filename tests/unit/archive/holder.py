"""A process of its own that holds an archive's lock, and writes when it is told to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compat.archive.database import Archive, open_archive
from compat.archive.errors import ArchiveError
from compat.archive.locks import SyncLock
from tests.unit.archive.telling import sighting

ROOT = Path(__file__).parents[3]


class Holder:
    """The process, from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def told(self) -> str:
        """The next thing it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, word: str) -> None:
        """Have it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()


@contextmanager
def holding(url: str, lease: float) -> Iterator[Holder]:
    """A process that has taken the lock; it is ended after."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", __name__, url, str(lease)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    holder = Holder(process)
    try:
        assert holder.told() == "held"
        yield holder
    finally:
        process.kill()
        process.communicate()


def main(url: str, lease: str) -> None:
    """Hold the lock; with each line write the conversation whose id it is."""
    with open_archive(url, lease=float(lease)) as archive:
        lock = archive.lock()
        _say("held")
        for line in sys.stdin:
            _say(_written(archive, lock, int(line)))


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _written(archive: Archive, lock: SyncLock, id_: int) -> str:
    try:
        with archive.writing(lock) as writer:
            writer.save([sighting(id_, name="holder")])
            _say("in the midst")
            sys.stdin.readline()
    except ArchiveError as error:
        return type(error).__name__
    return "written"


if __name__ == "__main__":
    main(*sys.argv[1:])

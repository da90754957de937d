"""Reads files of settings, within limits of size and time."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 1 << 20
"""What a file of settings may have; a greater one is another file, named by mistake."""

_SILENCE: Final = 10.0
"""Seconds without a byte after which nothing more seems to be written into a pipe."""


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    The file may be a pipe into which a program writes its secrets.

    Raises:
        OSError: It cannot be read, is too large, or is a pipe into which nothing is written.
        UnicodeDecodeError: It is not UTF-8. This error holds what is in the file.
        ValueError: This is no path.
    """
    if stat.S_ISFIFO(path.stat().st_mode):
        content = b"".join(_from_pipe(path))
    else:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError(0, "it is too large")
    return content.decode("utf-8-sig")


def is_readable_by_all(path: Path) -> bool:
    """Whether every user of this machine may read a file."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _from_pipe(path: Path) -> Iterator[bytes]:
    """What is written into a pipe until its writer closes it, or writes too much."""
    # To open it in the usual way waits for a writer, however long that takes.
    with closing(open(path, "rb", buffering=0, opener=_without_waiting)) as pipe:
        ready = select.poll()
        ready.register(pipe, select.POLLIN)
        left = _MOST_BYTES + 1
        while left > 0:
            if not ready.poll(_SILENCE * 1000):
                raise OSError(0, "it is a pipe into which nothing is written")
            chunk = pipe.read(left)
            if not chunk:
                return
            left -= len(chunk)
            yield chunk


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)

"""The standard streams where they are closed, full, or a pipe that nobody reads any more."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from compat.config.environment import SettingsError, reason

_WRITE_ERRORS: Final = (
    *(errno.ENOSPC, errno.EFBIG, errno.EDQUOT),
    *(errno.EIO, errno.EROFS, errno.EAGAIN),
)
"""Error numbers of a disk that is full or broken, or of a pipe that waits for no reader."""


def open_closed_streams() -> None:
    """Open standard streams that the caller has closed, as `>&-` does in a shell.

    Otherwise the next file that is opened would take their place. What is then read from standard
    input or written to standard output is an error, and not lost in silence.
    """
    streams = vars(sys)
    if streams["stdin"] is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_WRONLY), encoding="utf-8")
    if streams["stdout"] is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    if streams["stderr"] is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def buffer_output() -> None:
    """Put a buffer before standard output where Python has none, as with `PYTHONUNBUFFERED`.

    Without one, Python does not notice that the system took a part of what it was given, as a disk
    does that fills up, and the rest would be lost without an error.
    """
    stream: Any = sys.stdout
    raw = getattr(stream, "buffer", None)
    if isinstance(raw, io.RawIOBase):
        options: dict[str, Any] = {
            "encoding": stream.encoding,
            "errors": stream.errors,
            "line_buffering": stream.isatty(),
            "write_through": True,
        }
        file = io.FileIO(stream.fileno(), "w", closefd=False)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(file), **options)


def discard_unwritten_errors() -> None:
    """Lose what standard error does not take; Python would end with status 120 because of it."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def describe(error: OSError) -> str:
    """A sentence about a file, a stream or an address that cannot be used.

    An error of writing that names no file is one of standard output: `naming` has caught those of
    other files.
    """
    if error.filename is not None:
        return (
            f"{os.fsdecode(error.filename)} cannot be opened ({reason(error)}): check its path, "
            "and the rights of the user who runs this"
        )
    if error.errno == errno.EBADF:
        _discard_output()
        return "standard input or output is closed: connect it to a file or to another program"
    if error.errno in _WRITE_ERRORS:
        _discard_output()
        return (
            f"standard output cannot be written ({reason(error)}): make room there, or send it "
            "elsewhere"
        )
    return reason(error)


@contextmanager
def ignore_closed_pipe() -> Iterator[None]:
    """Drop what the block prints once the reader of standard output has gone, as `head` does."""
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):  # standard output may be a socket
        _discard_output()


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Name the file that the block writes in errors that do not name it, such as a full disk.

    Raises:
        SettingsError: The file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise SettingsError(f"{place} cannot be written: {reason(error)}") from None


def _discard_output() -> None:
    """Lose what is still to be written; Python would report it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

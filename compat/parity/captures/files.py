"""Captures from files of any format that is known, or from standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import Final, cast

from compat.parity.captures import jsonl
from compat.parity.captures.models import Capture, Unreadable

STDIN: Final = "-"
_HAR: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')


def read(paths: Iterable[str]) -> Iterator[Capture | Unreadable]:
    """The captures of some files, one after the other; none is held longer than it is wanted.

    Args:
        paths: Names of files; `-` is standard input. What is in a file tells its format.

    Raises:
        OSError: A file cannot be read.
        ImportError: A file is HAR, and what reads it is not installed.
    """
    listed = list(paths)
    for path in listed:
        with _opened(path):  # what cannot be is told before anything is asked
            pass
    return _read_all(listed)


def _read_all(paths: Iterable[str]) -> Iterator[Capture | Unreadable]:
    for path in paths:
        with _opened(path) as stream:
            name = "stdin" if path == STDIN else path.encode("utf-8", "replace").decode()
            yield from _read(stream, name)


def _opened(path: str) -> AbstractContextManager[BufferedReader]:
    if path == STDIN:
        return nullcontext(cast("BufferedReader", sys.stdin.buffer))
    return Path(path).open("rb")


def _read(stream: BufferedReader, name: str) -> Iterator[Capture | Unreadable]:
    if _HAR.match(stream.peek(1)):
        from compat.parity.captures import har  # noqa: PLC0415 - its library is an extra

        return har.read(stream, name)
    return jsonl.read(stream, name)

"""Reads captures from files or standard input, in any known format.

JSON lines are read here, one record a line in the format of `compat.server.recorder`; HAR in `har`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final, cast

from pydantic import ValidationError

from compat.parity.captures.models import Capture, Unreadable, make_capture
from compat.server.recorder import Record

STDIN: Final = "-"
_BOM: Final = b"\xef\xbb\xbf"
_HAR: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')
_MAX_LINE_BYTES: Final = 16 * 1024 * 1024


def read_captures(paths: Iterable[str]) -> Iterator[Capture | Unreadable]:
    """The captures of some files, in order, one at a time.

    Args:
        paths: Names of files; `-` is standard input. The format follows from the contents.

    Raises:
        OSError: A file cannot be read. All files are opened once before the first is read.
        ImportError: A file is HAR, and the library that reads it is not installed.
    """
    listed = list(paths)
    for path in listed:
        with _open(path):
            pass
    return _read_files(listed)


def read_json_lines(stream: BinaryIO, name: str) -> Iterator[Capture | Unreadable]:
    """The captures of JSON lines, one at a time; empty lines are skipped.

    Args:
        stream: The file's bytes.
        name: The file's name in places, before the number of the line, which starts at 1.
    """
    number = 0
    while line := stream.readline(_MAX_LINE_BYTES):
        number += 1
        place = f"{name}:{number}"
        if not line.endswith(b"\n") and len(line) == _MAX_LINE_BYTES:
            _skip_line(stream)
            yield Unreadable(place, f"the line is longer than {_MAX_LINE_BYTES // 1024**2} MiB")
        elif line := line.removeprefix(_BOM).strip():
            yield _read_line(line, place)


def _read_files(paths: Iterable[str]) -> Iterator[Capture | Unreadable]:
    for path in paths:
        with _open(path) as stream:
            name = "stdin" if path == STDIN else path.encode("utf-8", "replace").decode()
            yield from _read_file(stream, name)


def _open(path: str) -> AbstractContextManager[BufferedReader]:
    if path == STDIN:
        return nullcontext(cast("BufferedReader", sys.stdin.buffer))
    return Path(path).open("rb")


def _read_file(stream: BufferedReader, name: str) -> Iterator[Capture | Unreadable]:
    if _HAR.match(stream.peek(1)):
        from compat.parity.captures import har  # noqa: PLC0415 - its library is an extra

        return har.read_har(stream, name)
    return read_json_lines(stream, name)


def _read_line(line: bytes, place: str) -> Capture | Unreadable:
    try:
        record = Record.model_validate_json(line)
    except ValidationError as error:
        return Unreadable(place, _faults(error))
    taken_at = record.taken_at
    if taken_at is not None and taken_at.tzinfo is None:
        taken_at = taken_at.replace(tzinfo=UTC)
    return make_capture(
        place=place,
        url=record.target,
        status=record.status,
        body=_body_text(record.body).encode("utf-8", "surrogatepass"),
        taken_at=None if taken_at is None else int(taken_at.timestamp()),
        method=record.method,
    )


def _body_text(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))


def _faults(error: ValidationError) -> str:
    """What is wrong with a line, without anything of its contents: they could be secret."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return "the line is no JSON"
    if not any(fault["loc"] for fault in faults):
        return "the line is no JSON object"
    wrong = {str(fault["loc"][0]): fault["type"] == "missing" for fault in faults}
    return "; ".join(
        f"{name} is missing" if missing else f"{name} cannot be used"
        for name, missing in wrong.items()
    )


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(_MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass

"""Reads captures from files or standard input, in any known format.

JSON lines are read here, one record a line in the format of `compat.server.recorder`; HAR in `har`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final, cast

from pydantic import ValidationError

from compat import json_lines
from compat.parity.captures.models import Capture, Unreadable, make_capture, taken_second
from compat.server.recorder import Record

STDIN: Final = "-"
_OTHER_FORMATS: Final = (
    (b"\xff\xfe", "the file is in UTF-16: write it in UTF-8"),
    (b"\xfe\xff", "the file is in UTF-16: write it in UTF-8"),
    (b"\x1f\x8b", "the file is compressed: unpack it"),
    (b"PK\x03\x04", "the file is compressed: unpack it"),
    (b"\x28\xb5\x2f\xfd", "the file is compressed: unpack it"),
)
"""How files begin that are no text in UTF-8."""

_HAR: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')


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
    for line in json_lines.read_lines(stream):
        place = f"{name}:{line.number}"
        if line.too_long:
            limit = json_lines.MAX_LINE_BYTES // 1024**2
            yield Unreadable(place, f"the line is longer than {limit} MiB", damaged=True)
        else:
            yield _read_line(line.content, place)


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
        taken_at = taken_second(record.taken_at)
    except ValidationError as error:
        damage = _damage(line)
        return Unreadable(place, damage or _faults(error), damaged=damage is not None)
    except ValueError:
        return Unreadable(place, "taken_at cannot be used")
    return make_capture(
        place=place,
        url=record.target,
        status=record.status,
        body=_body_text(record.body).encode("utf-8", "surrogatepass"),
        taken_at=taken_at,
        method=record.method,
    )


def _damage(line: bytes) -> str | None:
    """What shows that a file is not one record a line; None if just this line is wrong."""
    if found := next((reason for start, reason in _OTHER_FORMATS if line.startswith(start)), None):
        return found
    if _HAR.match(line):
        return "a HAR file begins here: check it by itself"
    if line in {b"{", b"["}:
        return "JSON begins here that goes on in the next line: a record must be one line"
    try:
        value, end = json.JSONDecoder().raw_decode(text := line.decode())
    except (ValueError, RecursionError):
        return None
    kinds = (
        (text[end:], "the line goes on after its JSON: was another file appended?"),
        (isinstance(value, list), "the line is a list: write each record on a line of its own"),
        (
            isinstance(value, dict) and "log" in value,
            "this looks like HAR, which is recognised if `log` is its first key",
        ),
    )
    return next((reason for applies, reason in kinds if applies), None)


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

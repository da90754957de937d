"""Captures from JSON lines, the format of `compat.server.recorder`: a record a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import BinaryIO, Final

from pydantic import ValidationError

from compat.parity.captures.models import Capture, Unreadable, captured
from compat.server.recorder import Record

_MOST_BYTES: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


def read(stream: BinaryIO, name: str) -> Iterator[Capture | Unreadable]:
    """The captures of a file, one at a time; empty lines are nothing.

    Args:
        stream: The file's bytes.
        name: What it is called in their places, before the number of the line from 1 on.
    """
    number = 0
    while line := stream.readline(_MOST_BYTES):
        number += 1
        place = f"{name}:{number}"
        if not line.endswith(b"\n") and len(line) == _MOST_BYTES:
            _pass_over_line(stream)
            yield Unreadable(place, f"the line is longer than {_MOST_BYTES // 1024**2} MiB")
        elif line := line.removeprefix(_BOM).strip():
            yield _read_line(line, place)


def _read_line(line: bytes, place: str) -> Capture | Unreadable:
    try:
        record = Record.model_validate_json(line)
    except ValidationError as error:
        return Unreadable(place, _told(error))
    taken_at = record.taken_at
    if taken_at is not None and taken_at.tzinfo is None:
        taken_at = taken_at.replace(tzinfo=UTC)
    return captured(
        place=place,
        url=record.target,
        status=record.status,
        body=_text(record.body).encode("utf-8", "surrogatepass"),
        taken_at=None if taken_at is None else int(taken_at.timestamp()),
        method=record.method,
    )


def _text(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))


def _told(error: ValidationError) -> str:
    """What is wrong, without anything of what is there: it could be a secret."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return "the line is no JSON"
    if not any(fault["loc"] for fault in faults):
        return "the line is no JSON object"
    wrong = {str(fault["loc"][0]): fault["type"] == "missing" for fault in faults}
    return "; ".join(
        f"{field} is missing" if missing else f"{field} cannot be used"
        for field, missing in wrong.items()
    )


def _pass_over_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(_MOST_BYTES)) and not rest.endswith(b"\n"):
        pass

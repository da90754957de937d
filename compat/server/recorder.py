"""Records requests of the old API and their answers in a file, to compare answers later.

Each request is a line of JSON with its answer. `Record` is that format; API keys are never in it.
"""

from __future__ import annotations

import logging
import os
import stat
import string
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any, BinaryIO, Final, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from compat.v1.http import LegacyRequest, LegacyResponse, redact_target
from compat.v1.routes import merge_slashes

_LOG: Final = logging.getLogger("compat")

MAX_BYTES: Final = 64 * 1024 * 1024
"""Bytes up to which a file of records grows; then it is renamed, and a new one begun."""

MAX_FILES: Final = 4
"""How many renamed files are kept: `FILE.1` is the newest."""

_MAX_QUEUED: Final = 1000
_CLOSE_TIMEOUT: Final = 5.0
_OWNER_ONLY: Final = 0o600
_PATH_CHARACTERS: Final = "/:@,;=+~!$&'()*"
_QUERY_CHARACTERS: Final = string.ascii_letters + string.digits + string.punctuation


class Record(BaseModel):
    """An old request and its answer, as a line of JSON; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    taken_at: datetime | None = Field(
        default=None,
        description="When it was answered, ISO 8601; UTC if it names no zone. Null if unknown.",
    )
    method: str = Field(default="GET", description="The HTTP method.")
    target: str = Field(
        description="Path and query as sent, `/v1/reports/…?start=…`; or the whole URL."
    )
    status: int = Field(ge=100, le=599, description="The HTTP status of the answer.")
    body: str | dict[str, Any] | list[Any] = Field(
        description="The answer's body: its text, or the JSON that the text is."
    )


def schema() -> dict[str, Any]:
    """The published JSON schema of a record."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Record.model_json_schema(),
    }


class Recorder:
    """Writes records to a file in a thread of its own; safe to share between threads.

    Only its owner can read the file. A large file is renamed, and the oldest renamed one removed.
    If the file cannot be written, the log says so once, and answers are not held up.

    Args:
        path: The file; records are appended to what is in it.
        max_bytes: Bytes up to which it grows.

    Raises:
        OSError: It cannot be opened for writing.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._file = _RecordFile(path, max_bytes)
        self._queue: Queue[Record | None] = Queue(_MAX_QUEUED)
        self._writer = Thread(target=self._write, name="recorder", daemon=True)
        self._writer.start()

    def note(self, request: LegacyRequest, answer: LegacyResponse) -> None:
        """Record a request and its answer soon; never waits, never raises.

        Preflights of browsers are not recorded: they ask for no data.
        """
        if request.method == "OPTIONS" or not merge_slashes(request.path).startswith("/v1/"):
            return
        try:
            self._queue.put_nowait(_record(request, answer))
        except Full:
            self._file.count_loss("more is answered than can be written")

    def close(self) -> None:
        """Write what is still queued, for a few seconds at most."""
        with suppress(Full):
            self._queue.put(None, timeout=_CLOSE_TIMEOUT)
            self._writer.join(_CLOSE_TIMEOUT)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self) -> None:
        while (record := self._queue.get()) is not None:
            self._file.write(record.model_dump_json())
            self._queue.task_done()


class _RecordFile:
    """Appends lines to a file; an error is logged once, until writing works again."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path.absolute()
        self._max_bytes = max_bytes
        self._lost = 0
        self._size = 0
        self._file: BinaryIO | None = None
        self._open()

    def write(self, line: str) -> None:
        """Append a line; never raises for what the file system does."""
        content = line.encode() + b"\n"
        try:
            self._append(content)
        except OSError as error:
            self.count_loss(error.strerror or type(error).__name__)
            self.close()
            return
        if self._lost:
            _LOG.warning("recording goes on; answers that were not recorded: %d", self._lost)
            self._lost = 0

    def count_loss(self, reason: str) -> None:
        """Note that a line could not be written."""
        if not self._lost:
            _LOG.error("answers are not recorded to %s: %s", self._path, reason)
        self._lost += 1

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def _append(self, content: bytes) -> None:
        file = self._file or self._open()
        if self._size and self._size + len(content) > self._max_bytes:
            self.close()
            self._rename()
            file = self._open()
        file.write(content)
        file.flush()
        self._size += len(content)

    def _open(self) -> BinaryIO:
        self._file = file = open(self._path, "ab", opener=_owner_only)  # noqa: SIM115
        self._size = self._path.stat().st_size if self._path.is_file() else 0
        if _ends_within_a_line(self._path):
            file.write(b"\n")
        return file

    def _rename(self) -> None:
        """Rename FILE to FILE.1, FILE.1 to FILE.2, and so on; the last one is replaced."""
        names = [self._path, *(Path(f"{self._path}.{n}") for n in range(1, MAX_FILES + 1))]
        for old, new in reversed(list(pairwise(names))):
            with suppress(FileNotFoundError):
                old.replace(new)


def _record(request: LegacyRequest, answer: LegacyResponse) -> Record:
    query = quote(request.query, safe=_QUERY_CHARACTERS)
    target = quote(request.path, safe=_PATH_CHARACTERS) + (f"?{query}" if query else "")
    return Record(
        taken_at=datetime.now(UTC).replace(microsecond=0),
        method=request.method,
        target=redact_target(target),
        status=answer.status,
        body=answer.body.decode("utf-8", "replace"),
    )


def _owner_only(path: str, flags: int) -> int:
    opened = os.open(path, flags, _OWNER_ONLY)
    if hasattr(os, "fchmod") and stat.S_ISREG(os.fstat(opened).st_mode):
        os.fchmod(opened, _OWNER_ONLY)
    return opened


def _ends_within_a_line(path: Path) -> bool:
    """Whether a file ends without a line break, as after a full disk or a crash."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"

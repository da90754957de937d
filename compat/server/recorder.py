"""Writing down what the server was asked and answered, to be asked again one day.

Each exchange is a line of JSON in a file. `Record` is that format; API keys are never in it.
"""

from __future__ import annotations

import logging
import os
import stat
import string
import sys
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import IO, Any, Final, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v1.redaction import redacted

_LOG: Final = logging.getLogger("compat")

MOST_BYTES: Final = 64 * 1024 * 1024
"""How large a file of records grows before it is put aside for a new one."""

MOST_FILES: Final = 4
"""How many files put aside are kept: `FILE.1` is the youngest."""

_MOST_WAITING: Final = 1000
_PATIENCE: Final = 5.0
_OWNER_ONLY: Final = 0o600
_IN_PATHS: Final = "/:@,;=+~!$&'()*"
_IN_QUERIES: Final = string.ascii_letters + string.digits + string.punctuation


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
    """Writes what it is told to a file, in a thread of its own; safe to share between threads.

    The file is its owner's alone. Once it is large enough it is put aside, and the oldest of
    those put aside goes. Where it cannot be written, the log says so once and nothing else
    happens.

    Args:
        path: The file; what is in it stays.
        most_bytes: How large it grows.

    Raises:
        OSError: It cannot be opened for writing.
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._file = _File(path, most_bytes)
        self._waiting: Queue[Record | None] = Queue(_MOST_WAITING)
        self._writer = Thread(target=self._write, name="recorder", daemon=True)
        self._writer.start()

    def note(self, request: LegacyRequest, answer: LegacyResponse) -> None:
        """Write an exchange down soon; never waits, never raises."""
        if not request.path.startswith("/v1/"):
            return
        try:
            self._waiting.put_nowait(_record(request, answer))
        except Full:
            self._file.lose("more is answered than can be written")

    def close(self) -> None:
        """Write what is still waiting, for a few seconds at most."""
        with suppress(Full):
            self._waiting.put(None, timeout=_PATIENCE)
            self._writer.join(_PATIENCE)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self) -> None:
        while (record := self._waiting.get()) is not None:
            self._file.emit(logging.makeLogRecord({"msg": record.model_dump_json()}))
            self._waiting.task_done()


class _File(RotatingFileHandler):
    """Lines in a file that is its owner's alone; trouble is told once, until it has passed."""

    stream: IO[str] | None  # type: ignore[assignment]

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._lost = 0
        super().__init__(path, maxBytes=most_bytes, backupCount=MOST_FILES, encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        before = self._lost
        super().emit(record)
        if before and self._lost == before:
            _LOG.warning("recording goes on; answers that were not recorded: %d", before)
            self._lost = 0

    def lose(self, reason: str) -> None:
        if not self._lost:
            _LOG.error("answers are not recorded to %s: %s", self.baseFilename, reason)
        self._lost += 1

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        error = sys.exc_info()[1]
        self.lose(getattr(error, "strerror", None) or type(error).__name__)
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()

    def _open(self) -> Any:
        stream = open(self.baseFilename, "a", encoding="utf-8", opener=_owner_only)  # noqa: SIM115
        if _broke_off(self.baseFilename):
            stream.write("\n")
        return stream


def _record(request: LegacyRequest, answer: LegacyResponse) -> Record:
    query = quote(request.query, safe=_IN_QUERIES)
    target = quote(request.path, safe=_IN_PATHS) + (f"?{query}" if query else "")
    return Record(
        taken_at=datetime.now(UTC).replace(microsecond=0),
        method=request.method,
        target=redacted(target),
        status=answer.status,
        body=answer.body.decode("utf-8", "replace"),
    )


def _owner_only(path: str, flags: int) -> int:
    opened = os.open(path, flags, _OWNER_ONLY)
    if hasattr(os, "fchmod") and stat.S_ISREG(os.fstat(opened).st_mode):
        os.fchmod(opened, _OWNER_ONLY)
    return opened


def _broke_off(path: str) -> bool:
    """Whether a file ends in the middle of a line, as after a full disk or a crash."""
    if not os.path.isfile(path) or not os.path.getsize(path):
        return False
    with Path(path).open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"

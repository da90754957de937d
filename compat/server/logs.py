"""Logging to standard error, as text or as JSON lines."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Final, Literal

from compat.cli.leaving import hush_retries

Log = Literal["text", "json"]

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_SECOND: Final = "%Y-%m-%d %H:%M:%S"
_COMMON: Final = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_LEFT_OUT: Final = _COMMON | {"color_message"}
"""What every record has, and what uvicorn adds for terminals."""


def log_as(log: Log) -> None:
    """Log to standard error from now on, unless something does already: trouble, and each request.

    As JSON it is one object a line, and that the server listens is one of them.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if log == "json" else _Text(_TEXT))
    logging.basicConfig(handlers=[handler])
    # No line shows these, and each line would pay for finding them out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.getLogger("compat").setLevel(logging.INFO)
    hush_retries()


def tell(line: str, log: Log) -> None:
    """Tell the person, or the log where a program reads it, what is no trouble."""
    if log == "json":
        logging.getLogger("compat").info(line)
    else:
        print(line, file=sys.stderr, flush=True)


class _Text(logging.Formatter):
    """The usual text, in few steps; a second is spelled once for all lines written in it."""

    _spelled = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info or record.exc_text or record.stack_info:
            return super().format(record)
        time_told = self.formatTime(record)
        return f"{time_told} {record.levelname} {record.name}: {record.getMessage()}"

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        now, (second, text) = int(record.created), self._spelled
        if second != now:
            text = time.strftime(datefmt or _SECOND, time.localtime(now))
            self._spelled = now, text
        return f"{text},{int(record.msecs):03d}"


class _JsonLines(logging.Formatter):
    """A record as one line: when, how grave, from where, what, and the fields it carries."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _LEFT_OUT},
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)

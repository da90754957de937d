"""Logging to standard error, as text or as JSON lines."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Literal

Log = Literal["text", "json"]

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_ATTRIBUTES: Final = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_NOT_FIELDS: Final = _ATTRIBUTES | {"color_message"}
"""Attributes that every record has, and what uvicorn adds for terminals."""


def configure_logging(log: Log) -> None:
    """Log warnings, errors and each request to standard error, unless logging is set up already.

    As JSON each line is one object.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLinesFormatter() if log == "json" else logging.Formatter(TEXT))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("compat").setLevel(logging.INFO)
    # A retry that works is no news, and one that does not shows in what it leads to.
    logging.getLogger("stamina").setLevel(logging.CRITICAL)


def announce(line: str, log: Log) -> None:
    """Print a line to standard error; as JSON, log it, so that every line is an object."""
    if log == "json":
        logging.getLogger("compat").info(line)
    else:
        with suppress(OSError):  # as a line of the log, it is lost where it cannot be written
            print(line, file=sys.stderr, flush=True)


class JsonLinesFormatter(logging.Formatter):
    """Formats a record as one line: time (UTC), level, logger, message, and its extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _NOT_FIELDS},
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)

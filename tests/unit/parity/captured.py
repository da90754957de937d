"""Captures for tests: answers of a service as it is now, changed where a test needs it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from compat.parity.captures.models import Capture, Unreadable
from compat.parity.captures.reader import read_json_lines
from compat.service import LegacyReports
from tests.unit.service.doubles import JANUARY, basic


def capture(target: str = JANUARY, **others: Any) -> Capture:
    """A capture; of an empty answer if no body is given."""
    plain: dict[str, Any] = {"place": "old.jsonl:1", "target": target, "status": 200, "body": b"{}"}
    return Capture(**plain | others)


def recorded(reports: LegacyReports, target: str = JANUARY, **others: Any) -> Capture:
    """A capture of the answer that the service gives now."""
    answer = reports.answer(target, authorization=basic())
    return capture(target, **{"status": answer.status, "body": answer.body} | others)


def with_count(found: Capture, at: int, count: object) -> Capture:
    """The same capture with another count."""
    body = json.loads(found.body)
    body["current"][at]["count"] = count
    return capture(found.target, body=json.dumps(body, separators=(",", ":")).encode())


def lines(*records: object) -> io.BytesIO:
    """A file of JSON lines; bytes are written as they are."""
    parts = (each if isinstance(each, bytes) else json.dumps(each).encode() for each in records)
    return io.BytesIO(b"".join(part + b"\n" for part in parts))


def read_lines(*records: object) -> list[Capture | Unreadable]:
    return list(read_json_lines(lines(*records), "old.jsonl"))


def counting(captures: Iterator[Capture], taken: list[Capture]) -> Iterator[Capture]:
    """The same captures; those that were taken are appended to a list."""
    for each in captures:
        taken.append(each)
        yield each

"""Captures as tests need them: what the service answers now, recorded, and changed at will."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from compat.parity.captures import jsonl
from compat.parity.captures.models import Capture, Unreadable
from compat.service import LegacyReports
from tests.unit.service.doubles import JANUARY, basic


def capture(target: str = JANUARY, **others: Any) -> Capture:
    """A capture of an empty answer, unless told otherwise."""
    plain: dict[str, Any] = {"place": "old.jsonl:1", "target": target, "status": 200, "body": b"{}"}
    return Capture(**plain | others)


def recorded(reports: LegacyReports, target: str = JANUARY, **others: Any) -> Capture:
    """What the service answers now, as if somebody had recorded it."""
    answer = reports.handle(target, authorization=basic())
    return capture(target, **{"status": answer.status, "body": answer.body} | others)


def with_count(found: Capture, at: int, count: object) -> Capture:
    """The same capture, but for one count."""
    body = json.loads(found.body)
    body["current"][at]["count"] = count
    return capture(found.target, body=json.dumps(body, separators=(",", ":")).encode())


def lines(*records: object) -> io.BytesIO:
    """A file of JSON lines; bytes stand for themselves."""
    parts = (each if isinstance(each, bytes) else json.dumps(each).encode() for each in records)
    return io.BytesIO(b"".join(part + b"\n" for part in parts))


def read_lines(*records: object) -> list[Capture | Unreadable]:
    return list(jsonl.read(lines(*records), "old.jsonl"))


def counting(captures: Iterator[Capture], taken: list[Capture]) -> Iterator[Capture]:
    """The same captures; those that were asked for are noted down."""
    for each in captures:
        taken.append(each)
        yield each

"""A question asked in Python, spelled as the names and values that the old API took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

Value = date | str | int | Iterable[int] | Iterable[str] | None


def spelled(**values: Value) -> list[tuple[str, str]]:
    """Names and values to be read like those of a request, faults included.

    Datetimes keep their zone; one without a zone is UTC. Lists become commas; None is absent.
    """
    return [(name, _text(value)) for name, value in values.items() if value is not None]


def _text(value: Value) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int):
        return str(value)
    return ",".join(map(str, value or ()))

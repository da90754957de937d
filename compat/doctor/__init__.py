"""Diagnosis of an account, its archive and its settings.

Each check returns a `Finding`: what was found, how serious it is, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from compat.v1.datetimes import format_epoch

Verdict = Literal["ok", "warning", "trouble", "unknown"]
"""`trouble` causes errors or wrong answers now; a `warning` may; `unknown` could not be checked."""

_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
        verdict: How serious it is.
        what: A sentence for a person, without secrets.
        to_do: What to do about it; empty if there is nothing to do.
        facts: The same for programs.
    """

    verdict: Verdict
    what: str
    to_do: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def format_second(second: int) -> str:
    """An epoch second for a person; the first and the last one that is possible are words."""
    text = format_epoch(second)
    return {"0001": "the beginning", "9999": "the end"}.get(text[:4], text)


def format_duration(seconds: float) -> str:
    """A duration in its two largest units; the sign is ignored."""
    left = int(abs(seconds))
    parts: list[str] = []
    for name, size in _UNITS:
        number, left = divmod(left, size)
        if number or (name == "s" and not parts):
            parts.append(f"{number} {name}")
    return " ".join(parts[:2])

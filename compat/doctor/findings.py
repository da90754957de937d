"""A finding: what was looked at, how it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from compat.v1.datetimes import format_epoch

Verdict = Literal["ok", "warning", "trouble", "unknown"]
"""`trouble` gives errors or wrong answers now, a `warning` may; `unknown`: nothing tells."""

_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        verdict: How it is.
        what: A sentence for a person; no secrets in it.
        to_do: What to do about it; empty where nothing needs to be done.
        facts: The same for programs.
    """

    verdict: Verdict
    what: str
    to_do: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def spelled(second: int) -> str:
    """A second of the archive's, for a person; its ends of time are words."""
    text = format_epoch(second)
    return {"0001": "the beginning", "9999": "the end"}.get(text[:4], text)


def lasting(seconds: float) -> str:
    """How long something lasts, in its two largest units."""
    left = int(abs(seconds))
    parts: list[str] = []
    for name, size in _UNITS:
        many, left = divmod(left, size)
        if many or (name == "s" and not parts):
            parts.append(f"{many} {name}")
    return " ".join(parts[:2])

"""Compare a value with its golden file, or write the file."""

from __future__ import annotations

import difflib
import json
import os
import re
from pathlib import Path
from typing import Any, Final

import pytest

DATA: Final = Path(__file__).parent / "data"
VARIABLE: Final = "COMPAT_TEST_GOLDEN_WRITE"
WRITE: Final = os.environ.get(VARIABLE, "") not in {"", "0"}

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PORT: Final = re.compile(r"127\.0\.0\.1:\d+")


def compare(name: str, value: object) -> None:
    """Fail with a readable diff if a value is not what its golden file says.

    Args:
        name: The file below `data`; one that ends in `.json` holds the value as JSON, any other
            holds it as text.
        value: What JSON can express, or a text.
    """
    path = DATA / name
    text = str(value) if path.suffix != ".json" else _json(value)
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != expected:
        diff = difflib.unified_diff(
            expected.splitlines(), text.splitlines(), f"golden: {name}", "now", lineterm="", n=4
        )
        pytest.fail(
            "\n".join([*diff, "", f"If this is meant: {VARIABLE}=1 pytest tests/golden"]),
            pytrace=False,
        )


def masked(text: str) -> str:
    """A text without correlation ids and ports, which differ each time."""
    return _PORT.sub("127.0.0.1:PORT", _UUID.sub("UUID", text))


def without(value: Any, names: frozenset[str]) -> Any:
    """The same JSON value, with a mark in place of the strings and numbers under these keys."""
    if isinstance(value, dict):
        return {
            key: f"<{type(each).__name__}>"
            if key in names and not isinstance(each, (dict, list))
            else without(each, names)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [without(each, names) for each in value]
    return value


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"

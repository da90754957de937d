"""Files of any known format are read; the format follows from their contents."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from compat.parity.captures.models import Capture
from compat.parity.captures.reader import read_captures

RECORD = {"target": "/v1/tags.json", "status": 200, "body": "{}"}
ENTRY = {
    "request": {"method": "GET", "url": "https://api.helpscout.net/v1/tags.json"},
    "response": {"status": 200, "content": {"text": "{}"}},
}


@pytest.mark.parametrize("name", ["a.har", "a.json", "without-a-suffix"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_har_file_is_recognised_by_its_beginning(
    tmp_path: Path, name: str, indent: int | None, mark: str
) -> None:
    path = tmp_path / name
    path.write_text(mark + json.dumps({"log": {"entries": [ENTRY]}}, indent=indent), "utf-8")
    assert [each.place for each in read_captures([str(path)])] == [f"{path}#1"]


def test_files_are_read_in_order(tmp_path: Path) -> None:
    lines, har = tmp_path / "old.jsonl", tmp_path / "site.har"
    lines.write_text(f"{json.dumps(RECORD)}\n" * 2, "utf-8")
    har.write_text(json.dumps({"log": {"entries": [ENTRY]}}), "utf-8")
    found = list(read_captures([str(lines), str(har)]))
    assert [each.place for each in found] == [f"{lines}:1", f"{lines}:2", f"{har}#1"]
    assert all(isinstance(each, Capture) for each in found)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BufferedReader(io.BytesIO(json.dumps(RECORD).encode())))
    monkeypatch.setattr(sys, "stdin", given)
    assert [each.place for each in read_captures(["-"])] == ["stdin:1"]


def test_a_missing_file_is_an_error_before_any_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_captures(["-", str(tmp_path / "none.jsonl")])


def test_an_empty_file_has_no_captures(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert list(read_captures([str(path)])) == []

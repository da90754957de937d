"""Files of any known format are read, told apart by what is in them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from compat.parity.captures.files import read
from compat.parity.captures.models import Capture

RECORD = {"target": "/v1/tags.json", "status": 200, "body": "{}"}
ENTRY = {
    "request": {"method": "GET", "url": "https://api.helpscout.net/v1/tags.json"},
    "response": {"status": 200, "content": {"text": "{}"}},
}


@pytest.mark.parametrize("name", ["a.har", "a.json", "without-a-suffix"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_har_file_is_known_by_how_it_begins(
    tmp_path: Path, name: str, indent: int | None, mark: str
) -> None:
    path = tmp_path / name
    path.write_text(mark + json.dumps({"log": {"entries": [ENTRY]}}, indent=indent), "utf-8")
    assert [each.place for each in read([str(path)])] == [f"{path}#1"]


def test_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    lines, har = tmp_path / "old.jsonl", tmp_path / "site.har"
    lines.write_text(f"{json.dumps(RECORD)}\n" * 2, "utf-8")
    har.write_text(json.dumps({"log": {"entries": [ENTRY]}}), "utf-8")
    found = list(read([str(lines), str(har)]))
    assert [each.place for each in found] == [f"{lines}:1", f"{lines}:2", f"{har}#1"]
    assert all(isinstance(each, Capture) for each in found)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BufferedReader(io.BytesIO(json.dumps(RECORD).encode())))
    monkeypatch.setattr(sys, "stdin", given)
    assert [each.place for each in read(["-"])] == ["stdin:1"]


def test_a_file_that_is_not_there_is_told_before_any_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(["-", str(tmp_path / "none.jsonl")])


def test_an_empty_file_has_no_captures(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert list(read([str(path)])) == []

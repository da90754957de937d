"""Cells of CSV: what they hold, and that a spreadsheet takes none for a formula."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.cli import main
from compat.cli.formats import cell, print_csv

Printed = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (-5, "-5"),
        (-0.5, "-0.5"),
        (True, "true"),
        ("a", "a"),
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "'=1"),
        ([1, -2], "1 -2"),
        ([-1], "'-1"),
        (["=a", "b"], "'=a b"),
        ([], ""),
        ([{"a": "=1"}], '[{"a":"=1"}]'),
        ({"a": None}, '{"a":null}'),
    ],
)
def test_a_cell_holds_a_value(value: object, text: str) -> None:
    assert cell(value) == text


@given(st.text())
def test_no_text_is_a_formula_and_none_is_lost(text: str) -> None:
    shown = cell(text)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown.removeprefix("'") == text.removeprefix("'") or shown == text


def test_rows_are_read_back_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["a", "b"], ["x, y", 'say "no"\nand go']]
    print_csv(rows)
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == rows


def csv_of(capsys: Printed, status: int, *arguments: str) -> list[dict[str, str]]:
    """What a command prints as CSV."""
    assert main(arguments) == status
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


@pytest.mark.usefixtures("settings")
def test_findings_are_rows(capsys: Printed) -> None:
    rows = csv_of(capsys, 1, "doctor", "--offline", "--csv")
    assert [row for row in rows if row["check"] == "old API keys"] == [
        {
            "account": "default",
            "check": "old API keys",
            "verdict": "warning",
            "what": "no old API keys are set, so that `serve` does not start",
            "toDo": "set COMPAT_API_KEYS to the keys that your programs send",
        }
    ]


def test_runs_and_the_state_of_the_archive_are_rows(
    capsys: Printed, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.setenv("COMPAT_ARCHIVE", str(tmp_path / "archive.db"))
    (run,) = csv_of(capsys, 0, "sync", "--csv")
    assert (run["event"], run["status"], run["message"]) == ("done", "0", "")
    assert int(run["changed"]) > 100
    assert "/" in run["covered"]
    assert main(["archive", "status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    fields = {row["field"]: row["value"] for row in csv_of(capsys, 0, "archive", "status", "--csv")}
    assert fields["conversations"] == str(document["conversations"])
    assert fields["covered.0.first"] == document["covered"][0]["first"]
    assert fields["threads.kept"] == "false"


def test_a_run_that_stops_is_a_row(
    capsys: Printed, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.setenv("COMPAT_ARCHIVE", str(tmp_path / "archive.db"))
    settings.setenv("HELPSCOUT_APP_SECRET", "hunter2")
    (run,) = csv_of(capsys, 3, "sync", "--csv")
    assert (run["event"], run["status"], run["requests"]) == ("stopped", "3", "")
    assert run["message"]


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("command", ["doctor", "sync", "archive status", "parity fit x"])
def test_only_one_format_can_be_chosen(capsys: Printed, command: str) -> None:
    assert main([*command.split(), "--json", "--csv"]) == 2
    assert "--csv is not allowed with --json" in capsys.readouterr().err

"""Cells of CSV: what they hold, and that a spreadsheet takes none for a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.cli.formats import cell, print_csv


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

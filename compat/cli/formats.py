"""The formats in which commands print data: JSON, CSV, and tables or text for people."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

import click

from compat.cli.options import flag
from compat.extras import missing

Format = Literal["json", "csv", "text"]

JSON: Final = flag("--json", "print JSON", "as_json")
CSV: Final = flag("--csv", "print CSV", "as_csv")

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def chosen_format(*, as_json: bool, as_csv: bool, on_pipe: Format = "text") -> Format:
    """The format that `--json` or `--csv` choose.

    Args:
        as_json: Whether `--json` was given.
        as_csv: Whether `--csv` was given.
        on_pipe: The format if neither was given and standard output is no terminal.

    Raises:
        click.UsageError: Both were given.
    """
    if as_json and as_csv:
        raise click.UsageError("--csv is not allowed with --json.")
    if as_json or as_csv:
        return "json" if as_json else "csv"
    return "text" if sys.stdout.isatty() else on_pipe


@contextmanager
def table_needs_rich() -> Iterator[None]:
    """Say what a table needs if the block, which imports it, does not find it.

    Raises:
        ImportError: rich is not installed.
    """
    try:
        yield
    except ModuleNotFoundError:
        raise ImportError(
            f"{missing('a table', 'rich', 'cli')}, or ask for --json or --csv"
        ) from None


def print_json(document: object) -> None:
    """Print a document on standard output, in one line."""
    print(json.dumps(document, ensure_ascii=False), flush=True)


def print_csv(rows: Iterable[Iterable[Any]]) -> None:
    """Print rows on standard output; the first one has the names of the columns."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerows(map(cell, row) for row in rows)
    sys.stdout.flush()


def print_records(records: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> None:
    """Print records as CSV, with these columns; a key that a record does not have is empty."""
    names = list(columns)
    print_csv([names, *([record.get(name) for name in names] for record in records)])


def print_fields(document: Mapping[str, Any]) -> None:
    """Print a document as CSV: a row for each value, with its place in the document."""
    print_csv([("field", "value"), *_fields(document, "")])


def _fields(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        pairs = [(str(name), each) for name, each in value.items()]
    elif isinstance(value, list | tuple):
        pairs = [(str(number), each) for number, each in enumerate(value)]
    else:
        yield place, value
        return
    for name, each in pairs:
        yield from _fields(each, f"{place}.{name}" if place else name)


def cell(value: Any) -> str:
    """A value in a cell of CSV.

    None is empty. Items of a list are separated by blanks; objects, and lists of objects, are JSON.
    A text that a spreadsheet would take for a formula gets an apostrophe before it: subjects and
    names come from strangers. Numbers are never changed.
    """
    if value is None:
        return ""
    if isinstance(value, list) and not any(isinstance(each, dict) for each in value):
        return _as_text(" ".join(map(_plain, value)))
    if isinstance(value, list | dict | bool):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _as_text(value) if isinstance(value, str) else str(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else cell(value)


def _as_text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text

"""A report as CSV: the rows that it has in Python, with the same columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from pydantic import BaseModel

from compat.cli.formats import print_csv
from compat.cli.output import print_note
from compat.v1.datetimes import format_instant
from compat.v1.models_base import TabularReport
from compat.v1.report_shape import shape_of
from compat.v1.rows import Column, columns_of, rows_of


def print_report_csv(answer: BaseModel) -> None:
    """Print a report on standard output, as `rows()` of it has it.

    What says in JSON and in a table that a list has more pages is a note on standard error.

    Args:
        answer: The report.
    """
    report = cast("TabularReport", answer)
    print_csv(_lines(report))
    shape = shape_of(type(report))
    if shape.kind == "page":
        _print_page(getattr(report, shape.wrapper) if shape.wrapper else report)


def _lines(report: TabularReport) -> Iterator[Iterable[Any]]:
    columns = columns_of(type(report))
    yield [each.name for each in columns]
    for row in rows_of(report):
        yield [_cell(each, row[each.name]) for each in columns]


def _cell(column: Column, value: Any) -> Any:
    """A value as `print_csv` takes it; a list of texts is JSON, as there may be blanks in them."""
    if value is None:
        return None
    if column.kind == "instant":
        return format_instant(value)
    if column.kind == "texts":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else None
    return value


def _print_page(page: Any) -> None:
    if page.page > max(page.pages, 1):
        print_note(f"page {page.page} of {page.pages}: there is no such page")
    elif page.pages > 1:
        print_note(
            f"{len(page.results)} of {page.count} rows: page {page.page} of {page.pages}; --page "
            "has the others, --all-pages all of them"
        )

"""A report as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from compat.cli.formats import print_csv
from compat.cli.output import print_note
from compat.v1.report_shape import Row, Shape, shape_of

if TYPE_CHECKING:
    from pydantic import BaseModel


def print_report_csv(model: type[BaseModel], answer: Any) -> None:
    """Print an answer on standard output.

    A series has a row for each bucket, a list a row for each item. Of figures there is a row for
    each field, with its value in each range and the difference; the menu of tags is left out.
    What says in JSON and in a table that a list has more pages is a note on standard error.

    Args:
        model: The model of the answer.
        answer: The answer, from its JSON.
    """
    shape = shape_of(model)
    print_csv(_rows(shape, answer))
    if shape.kind == "page":
        _print_page(shape.page(answer))


def _rows(shape: Shape, answer: Any) -> Iterator[Iterable[Any]]:
    if shape.kind == "series":
        yield "range", *shape.fields
        for name, buckets in shape.series(answer).items():
            yield from ((name, *_cells(shape, bucket)) for bucket in buckets)
    elif shape.kind == "figures":
        yield "field", "current", "previous", "delta"
        for name in shape.about:
            yield f"user.{name}", answer["user"].get(name), "", ""
        objects = [answer.get(name, {}) for name in ("current", "previous", "deltas")]
        for name in shape.fields:
            yield name, *(each.get(name) for each in objects)
    else:
        yield shape.fields
        rows = answer if shape.kind == "list" else shape.page(answer)["results"]
        yield from (_cells(shape, row) for row in rows)


def _print_page(page: Row) -> None:
    if page["pages"] > 1:
        rows, count = len(page["results"]), page["count"]
        print_note(
            f"{rows} of {count} rows: page {page['page']} of {page['pages']}; --page has the others"
        )


def _cells(shape: Shape, row: Row) -> list[Any]:
    return [row.get(name) for name in shape.fields]

"""Reports as data frames; pandas and polars are imported when one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from compat.v1.rows import ColumnKind, columns_of, rows_of

if TYPE_CHECKING:
    import pandas
    import polars

    from compat.v1.models_base import TabularReport

_PANDAS: Final[Mapping[ColumnKind, str]] = {
    "instant": "datetime64[us, UTC]",
    "truth": "boolean",
    "integer": "Int64",
    "number": "float64",
    "text": "string",
    "integers": "object",
    "texts": "object",
}
"""Types that have a missing value: integers stay integers beside one."""


def to_pandas(report: TabularReport) -> pandas.DataFrame:
    """The rows of a report as a data frame; see `TabularReport.to_pandas`."""
    library = _library("pandas")
    columns, rows = columns_of(type(report)), rows_of(report)
    return library.DataFrame(
        {
            each.name: library.Series([row[each.name] for row in rows], dtype=_PANDAS[each.kind])
            for each in columns
        }
    )


def to_polars(report: TabularReport) -> polars.DataFrame:
    """The rows of a report as a data frame; see `TabularReport.to_polars`."""
    library = _library("polars")
    types = {
        "instant": library.Datetime("us", "UTC"),
        "truth": library.Boolean,
        "integer": library.Int64,
        "number": library.Float64,
        "text": library.String,
        "integers": library.List(library.Int64),
        "texts": library.List(library.String),
    }
    schema = {each.name: types[each.kind] for each in columns_of(type(report))}
    rows = rows_of(report)
    return library.DataFrame({name: [row[name] for row in rows] for name in schema}, schema=schema)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"to_{name}() needs {name}, which cannot be imported ({error}): pip install {name}",
            name=name,
        ) from error

"""What all models of answers share."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    WithJsonSchema,
)

from compat.v1.datetimes import format_instant

if TYPE_CHECKING:
    import pandas
    import polars

Instant = Annotated[
    AwareDatetime,
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        }
    ),
]
"""An instant that is written in JSON as `yyyy-MM-ddTHH:mm:ssZ`."""


def absent_if_none() -> Any:
    """A field whose key is left out of the JSON if the value is None."""
    return Field(default=None, exclude_if=lambda value: value is None)


_MOST_SHOWN: Final = 3
"""How many items of a list a `repr` shows."""


class ShortRepr(BaseModel):
    """A model whose `repr` shows how long a list is, and not thousands of buckets."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            is_long = isinstance(value, tuple) and len(value) > _MOST_SHOWN
            yield name, _Long(len(value)) if is_long else value


class _Long(int):
    """The length of a list, in place of its items."""

    def __repr__(self) -> str:
        return f"<{int(self)} items>"


class Answer(ShortRepr):
    """A model of an answer, or of a part of one: it cannot be changed, and has no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TabularReport(BaseModel):
    """What the answers of all reports can do: rows, data frames, and a table in a notebook."""

    _unavailable: tuple[str, ...] = PrivateAttr(default=())

    @property
    def unavailable(self) -> tuple[str, ...]:
        """The fields whose values mean nothing, because Help Scout does not show what they need.

        JSON paths without indices, such as `current.handleTime`, sorted: the same as in the header
        `Compat-Unavailable`. A report that was made in another way than by computing it has none.
        """
        return self._unavailable

    def with_unavailable(self, paths: tuple[str, ...]) -> Self:
        """The same report, with the fields whose values mean nothing."""
        report = self.model_copy()
        report._unavailable = paths  # noqa: SLF001 - of its own class
        return report

    def rows(self) -> list[dict[str, Any]]:
        """The report as flat dicts with plain values, in the order of the report.

        There is a row for each bucket of a series, for each item on a page of a list, and for each
        range of figures. Where there are two ranges, the column `period` says `current` or
        `previous`. Columns have the names of the fields, and do not depend on what was found: what
        is not there is None, and so is what `unavailable` names. Datetimes are aware, in UTC. The
        menu of tags, `filterTags`, is left out.
        """
        return _function("rows", "rows_of")(self)  # type: ignore[no-any-return]

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a data frame of pandas 2 or newer.

        The types do not depend on what was found: `datetime64[us, UTC]`, `Int64`, `float64`,
        `boolean`, `string`, and `object` for lists.

        Raises:
            ImportError: pandas is not installed.
        """
        return _function("frames", "to_pandas")(self)

    def to_polars(self) -> polars.DataFrame:
        """The rows as a data frame of polars.

        The types do not depend on what was found: `Datetime("us", "UTC")`, `Int64`, `Float64`,
        `Boolean`, `String`, and lists of these.

        Raises:
            ImportError: polars is not installed.
        """
        return _function("frames", "to_polars")(self)

    def _repr_html_(self) -> str:
        """The report in a notebook: a table of its first rows, with a chart of a series."""
        return _function("notebook", "to_html")(self)  # type: ignore[no-any-return]


def _function(module: str, name: str) -> Any:
    """A function that is imported when it is used: most programs only write the JSON."""
    return getattr(import_module(f"compat.v1.{module}"), name)

"""Reports as rows: flat dicts, whose columns follow from the model and not from what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, RootModel

from compat.v1.models_base import TabularReport
from compat.v1.report_shape import STARTS, model_under, shape_of

ColumnKind = Literal["instant", "truth", "integer", "number", "text", "integers", "texts"]
"""`integers` and `texts` are lists. Any value may be None."""

PERIOD: Final = "period"
"""The column that says of which range a row is: `current` or `previous`."""

_TYPES: Final[Mapping[object, ColumnKind]] = {
    AwareDatetime: "instant",
    datetime: "instant",
    bool: "truth",
    int: "integer",
    float: "number",
    str: "text",
}
"""The type of a column, for each type that a field can have; the first that fits."""

_LISTS: Final[Mapping[ColumnKind, ColumnKind]] = {"integer": "integers", "text": "texts"}
_ROW: Final = "row"
_RANGE_PARTS: Final = {"user": "user", "current": _ROW, "deltas": "deltas"}
"""The fields of a report whose objects give columns, and what they are called in the parts."""

_Parts = Mapping[str, Any]
"""What a row is made of: the object under `row`, and others that the same row has."""

_Place = tuple[str, ...]
"""The keys that lead to the object under `row` in the JSON, without indices."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the rows of a report.

    Attributes:
        name: The name of the field. What is in another object has its name and a dot before it, as
            in `user.name`; of a list of objects, each field is a column with a list.
        kind: The type of its values.
        model: The model that has the field; None for `period`.
        path: The keys that lead to the value, from the parts of a row on.
    """

    name: str
    kind: ColumnKind
    model: type[BaseModel] | None
    path: tuple[str, ...]

    def value(self, parts: _Parts) -> Any:
        """The value of a row: a plain Python object. Datetimes are aware, in UTC."""
        found = _value(parts[self.path[0]], self.path[1:])
        if self.kind == "instant":
            return found.astimezone(UTC) if isinstance(found, datetime) else None
        return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else found

    def json_path(self, place: _Place) -> str:
        """The path of the value in the JSON, as `unavailable` of a report has it."""
        first, *rest = self.path
        return ".".join((*(place if first == _ROW else (first,)), *rest))


def rows_of(report: TabularReport) -> list[dict[str, Any]]:
    """The rows of a report: one for each bucket, item of a list, or range of figures.

    A value that means nothing is None, and not the 0 or the empty text that programs expect in the
    JSON.
    """
    columns = columns_of(type(report))
    found = list(_parts(report))
    unavailable = {
        (place, each.name)
        for place in {place for place, _ in found}
        for each in columns
        if each.json_path(place) in report.unavailable
    }
    return [
        {
            each.name: None if (place, each.name) in unavailable else each.value(parts)
            for each in columns
        }
        for place, parts in found
    ]


@cache
def columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    """The columns that the rows of a report have, whatever was found.

    Args:
        model: The model of the report's answer.
    """
    shape = shape_of(model)
    if shape.kind in ("series", "figures"):
        parts = [(name, key) for name, key in _RANGE_PARTS.items() if name in model.model_fields]
        fields = [each for name, key in parts for each in _fields(model_under(model, name), (key,))]
        fields.sort(key=lambda each: each.name not in STARTS)
        return Column(PERIOD, "text", None, (PERIOD,)), *fields
    page = model_under(model, shape.wrapper) if shape.wrapper else model
    return tuple(_fields(model_under(page, _list_name(page)), (_ROW,)))


def _list_name(page: type[BaseModel]) -> str:
    return "root" if issubclass(page, RootModel) else "results"


def _parts(report: Any) -> Iterator[tuple[_Place, _Parts]]:
    """What each row is made of, and its place."""
    shape = shape_of(type(report))
    if shape.kind in ("page", "list"):
        page = getattr(report, shape.wrapper) if shape.wrapper else report
        name = _list_name(type(page))
        wrapper = (shape.wrapper,) if shape.wrapper else ()
        place = () if shape.kind == "list" else (*wrapper, name)
        yield from ((place, {_ROW: each}) for each in getattr(page, name))
        return
    for period in ("current", "previous"):
        found = getattr(report, period)
        if shape.kind == "series":
            yield from (((period,), {PERIOD: period, _ROW: each}) for each in found or ())
        elif found is not None:
            deltas = report.deltas if period == "current" else None
            yield (
                (period,),
                {
                    PERIOD: period,
                    _ROW: found,
                    "user": getattr(report, "user", None),
                    "deltas": deltas,
                },
            )


def _fields(
    model: type[BaseModel], path: tuple[str, ...], *, listed: bool = False
) -> Iterator[Column]:
    """The columns of an object; those of an object in it are among them."""
    for name, field in model.model_fields.items():
        inner = (*path, name)
        types = set(_leaves(field.annotation))
        is_list = listed or get_origin(field.annotation) is tuple
        models = [each for each in types if isinstance(each, type) and issubclass(each, BaseModel)]
        if models:
            yield from _fields(models[0], inner, listed=is_list)
        else:
            plain = next(kind for each, kind in _TYPES.items() if each in types)
            kind = _LISTS[plain] if is_list else plain
            yield Column(".".join(inner).removeprefix(f"{_ROW}."), kind, model, inner)


def _leaves(annotation: Any) -> Iterator[object]:
    """The types in an annotation, without what contains them."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is None:
        yield annotation
    for each in inner[:1] if origin is Annotated else inner:
        yield from _leaves(each)


def _value(found: Any, path: tuple[str, ...]) -> Any:
    """What is at the end of a path; of each object in a list, what is there."""
    if not path or found is None:
        return found
    if isinstance(found, tuple):
        return [_value(each, path) for each in found]
    return _value(getattr(found, path[0]), path[1:])

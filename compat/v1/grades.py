"""What the table of exactness says of an answer, and of a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, get_args

from pydantic import BaseModel, RootModel

from compat.v1.circumstances import Circumstances
from compat.v1.exactness import FIELDS, FieldExactness, Grade
from compat.v1.routes import Route

_AS_CURRENT: Final = frozenset({"previous", "deltas"})


class Inexact(NamedTuple):
    """The fields of an answer that are not exact.

    Attributes:
        approximate: The paths of those of grade A, sorted.
        unavailable: The paths of those of grade N, sorted.
    """

    approximate: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()


def inexact_fields(report: str, answer: BaseModel, given: Circumstances) -> Inexact:
    """The fields of a computed answer that are approximate, or cannot be derived.

    Args:
        report: The report, as in `compat.v1.routes.Route`.
        answer: The answer. A key that it does not have is not named.
        given: How it came about.
    """
    found: dict[Grade, list[str]] = {"A": [], "N": []}
    for path in _perhaps_inexact(report):
        if _has(answer, path.split(".")):
            rows = rows_of(report, path)
            grade = next(row.grade for row in rows if row.condition.holds(given))
            if grade in found:
                found[grade].append(path)
    return Inexact(tuple(found["A"]), tuple(found["N"]))


def rows_of(report: str, path: str) -> Sequence[FieldExactness]:
    """The rows of a field, in the order in which they apply; none if there is no such field."""
    first, _, rest = path.partition(".")
    own = _index().get((report, path))
    if own is None and first in _AS_CURRENT:
        own = _index().get((report, f"current.{rest}"))
    return own or ()


def field_paths(model: type[BaseModel]) -> Iterator[str]:
    """The paths of all fields of an answer's model, as in `FieldExactness.path`, in their order."""
    for name, field in model.model_fields.items():
        inner = _model_within(field.annotation)
        below = "" if issubclass(model, RootModel) else name
        if inner is None:
            yield below
        else:
            yield from (".".join(filter(None, (below, each))) for each in field_paths(inner))


def fields_of(route: Route) -> Iterator[tuple[str, Sequence[FieldExactness]]]:
    """The path of each field of a report with its rows, in the order of the answer.

    Those of `previous` and `deltas` to which the rows of `current` apply are left out.
    """
    for path in field_paths(route.model):
        if rows := _index().get((route.report, path)):
            yield path, rows


def usual_grades(route: Route) -> dict[str, Grade]:
    """The grade of each field of a report, if no condition holds.

    Raises:
        LookupError: The table has no row for a field.
    """
    grades: dict[str, Grade] = {}
    for path in field_paths(route.model):
        rows = rows_of(route.report, path)
        if not rows:
            raise LookupError(f"compat/v1/exactness.py has no row for {path} of {route.report}")
        grades[path] = rows[-1].grade
    return grades


def _model_within(annotation: object) -> type[BaseModel] | None:
    """The model of a field's value, or of its items."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_within, get_args(annotation))), None)


@cache
def _index() -> Mapping[tuple[str, str], Sequence[FieldExactness]]:
    found: dict[tuple[str, str], list[FieldExactness]] = {}
    for row in FIELDS:
        found.setdefault((row.report, row.path), []).append(row)
    return found


@cache
def _perhaps_inexact(report: str) -> Sequence[str]:
    """The paths of the fields that are inexact in some circumstances, sorted.

    They are taken from the table, because an answer need not be of the very class of its model.
    """
    paths = {row.path for row in FIELDS if row.report == report and row.grade in {"A", "N"}}
    below = [path.removeprefix("current.") for path in paths if path.startswith("current.")]
    more = {f"{first}.{rest}" for first in _AS_CURRENT for rest in below}
    return sorted(paths | {path for path in more if (report, path) not in _index()})


def _has(value: object, keys: Sequence[str]) -> bool:
    """Whether an answer has a key, in some item of each array."""
    if not keys:
        return True
    if isinstance(value, RootModel):
        return _has(value.root, keys)
    if isinstance(value, tuple):
        return any(_has(each, keys) for each in value)
    first, *rest = keys
    field = type(value).model_fields.get(first) if isinstance(value, BaseModel) else None
    if field is None:
        return False
    inner = getattr(value, first)
    left_out = field.exclude_if is not None and field.exclude_if(inner)
    return not left_out and _has(inner, rest)

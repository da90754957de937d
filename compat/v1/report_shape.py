"""What an answer consists of, from its model: what tables and CSV have as columns.

It comes from the model and not from an answer, so columns do not depend on what was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, RootModel

Row = Mapping[str, Any]
Kind = Literal["series", "figures", "page", "list"]

STARTS: Final = ("start", "date")
"""The key of the first second of a bucket is one of these."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an answer consists of.

    Attributes:
        kind: `series`: buckets of each range. `figures`: one object for each range. `page`: a page
            of rows. `list`: rows alone.
        fields: The keys of a bucket, of a range's object, or of a row, in the order of the model;
            of a bucket, that of its first second is first; of figures, those that only `deltas` has
            are last.
        about: The keys of the object of a user, for figures.
        wrapper: The only key of an answer, if the page is its value.
    """

    kind: Kind
    fields: tuple[str, ...]
    about: tuple[str, ...] = ()
    wrapper: str | None = None

    def series(self, answer: Row) -> dict[str, Sequence[Row]]:
        """The buckets of each range in an answer; the old API had either range first."""
        return {name: answer[name] for name in ("current", "previous") if name in answer}

    def page(self, answer: Any) -> Row:
        """The page in an answer."""
        page: Row = answer[self.wrapper] if self.wrapper else answer
        return page


def shape_of(model: type[BaseModel]) -> Shape:
    """What the answers of a model consist of."""
    if issubclass(model, RootModel):
        return Shape("list", _fields(model, "root"))
    if "results" in model.model_fields:
        return Shape("page", _fields(model, "results"))
    if "current" not in model.model_fields:
        (wrapper,) = model.model_fields
        return Shape("page", _fields(model_under(model, wrapper), "results"), wrapper=wrapper)
    if _is_list(model, "current"):
        fields = sorted(_fields(model, "current"), key=lambda name: name not in STARTS)
        return Shape("series", tuple(fields))
    both = dict.fromkeys((*_fields(model, "current"), *_fields(model, "deltas")))
    return Shape("figures", tuple(both), about=_fields(model, "user"))


def _fields(model: type[BaseModel], name: str) -> tuple[str, ...]:
    """The keys of the object under a key, or of the objects in a list; none without that key."""
    return tuple(model_under(model, name).model_fields) if name in model.model_fields else ()


def _is_list(model: type[BaseModel], name: str) -> bool:
    return get_origin(model.model_fields[name].annotation) is tuple


def model_under(model: type[BaseModel], name: str) -> type[BaseModel]:
    """The model under a key; in a list, or beside None, the model that is in it."""
    annotation: Any = model.model_fields[name].annotation
    while not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        annotation = get_args(annotation)[0]
    return annotation

"""What all models of answers share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from compat.v1.datetimes import format_instant

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


class Answer(BaseModel):
    """A model of an answer, or of a part of one: it cannot be changed, and has no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

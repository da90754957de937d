"""The answers of the old API, to be written as JSON with `model_dump_json`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from compat.v1.instants import format_instant

Instant = Annotated[
    AwareDatetime, PlainSerializer(format_instant, return_type=str, when_used="json")
]
"""A point in time that JSON shows as `yyyy-MM-ddTHH:mm:ssZ`."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bucket(_Answer):
    """One point of a series of counts.

    Attributes:
        start: First second of the bucket, aware.
        count: Conversations created in it.
    """

    start: Instant
    count: int = Field(ge=0)


class NewConversations(_Answer):
    """The answer of `conversations/new.json`.

    Attributes:
        current: The series of the range asked about.
        previous: The series of the range to compare with. None if there was none: the key is
            then left out, as the vendor's page says.
    """

    current: tuple[Bucket, ...]
    previous: tuple[Bucket, ...] | None = Field(
        default=None, exclude_if=lambda series: series is None
    )

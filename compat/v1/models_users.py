"""The answers of the old reports on a user or a team as models."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import Field

from compat.v1.models_base import Answer, Instant, absent_if_none

# The keys of all models here are in the order of the documented examples.


class ReplyPoint(Answer):
    """One bucket of a series.

    Attributes:
        replies: How many replies were sent in it.
        date: Its first second, aware.
    """

    replies: int = Field(ge=0)
    date: Instant


class CustomerPoint(Answer):
    """One bucket of a series.

    Attributes:
        customers: How many customers got a reply in it, each counted once.
        date: Its first second, aware.
    """

    customers: int = Field(ge=0)
    date: Instant


class ResolutionPoint(Answer):
    """One bucket of a series.

    Attributes:
        resolved: How many conversations were resolved in it.
        date: Its first second, aware.
    """

    resolved: int = Field(ge=0)
    date: Instant


Point = TypeVar("Point", bound=Answer)


class Series(Answer, Generic[Point]):
    """The buckets of one or two ranges.

    Attributes:
        previous: Those of the range to compare with. None if none was requested; the key is then
            left out, as on the vendor's page.
        current: Those of the requested range.
    """

    previous: tuple[Point, ...] | None = absent_if_none()
    current: tuple[Point, ...]


RepliesSent = Series[ReplyPoint]
CustomersHelped = Series[CustomerPoint]
Resolutions = Series[ResolutionPoint]

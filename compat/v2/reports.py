"""Mailbox API 2.0's own reports: asking for one, and what is read of its answer.

They come with some plans only. An answer that lacks a key, has one of another type, or repeats
itself is not usable, and is an error of the client's like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, model_validator

from compat.v2.client import Answer, Client
from compat.v2.errors import (
    AccessRefused,
    QuestionRefused,
    ReportsRefused,
    RequestRefused,
    UpstreamError,
)

_ROOT: Final = "/reports/"
_FORBIDDEN: Final = 403


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Point(_Read):
    """One point of a series."""

    start: AwareDatetime
    count: int = Field(ge=0)


class Series(_Read):
    """What `conversations/new` says of one range."""

    current: tuple[Point, ...]

    @property
    def total(self) -> int:
        """Conversations in the range."""
        return sum(point.count for point in self.current)


class ReportRowTag(_Read):
    """A tag of a conversation in a list."""

    id: int
    name: str = ""
    color: str = "none"


class ListedRow(_Read):
    """A conversation in a drilldown. Not every source shows the keys that have a default."""

    id: int
    number: int
    type: str
    mailbox: int = Field(alias="mailboxid")
    attachments: bool = False
    subject: str | None = None
    status: str
    threads: int = Field(alias="threadCount")
    preview: str | None = None
    customer_name: str | None = Field(alias="customerName", default=None)
    customer_email: str | None = Field(alias="customerEmail", default=None)
    customers: tuple[int, ...] = Field(alias="customerIds", default=())
    modified_at: AwareDatetime = Field(alias="modifiedAt")
    waiting_since: AwareDatetime | None = Field(alias="waitingSince", default=None)
    waiting_since_type: int | None = Field(alias="waitingSinceType", default=None)
    assignee: int | None = Field(alias="assignedid", default=None)
    tags: tuple[ReportRowTag, ...] = ()
    assignee_name: str | None = Field(alias="assignedName", default=None)


class ListedPage(_Read):
    """One page of a drilldown."""

    pages: int = Field(ge=0)
    page: int = Field(ge=1)
    count: int = Field(ge=0)
    results: tuple[ListedRow, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({row.id for row in self.results}) < len(self.results):
            raise ValueError("a conversation is listed twice")
        return self


class ListedReport(_Read):
    """What `conversations/new-drilldown` says."""

    conversations: ListedPage

    @property
    def total(self) -> int:
        """Conversations in the range."""
        return self.conversations.count


class BusyHour(_Read):
    """One hour of the week; 1 is Monday."""

    day: int = Field(ge=1, le=7)
    hour: int = Field(ge=0, le=23)
    count: int = Field(ge=0)


class BusyHours(RootModel[tuple[BusyHour, ...]]):
    """What `conversations/busy-times` says: a bare array."""

    model_config = ConfigDict(frozen=True, strict=True)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({(each.day, each.hour) for each in self.root}) < len(self.root):
            raise ValueError("an hour is told twice")
        return self

    @property
    def total(self) -> int:
        """Conversations in the range."""
        return sum(each.count for each in self.root)


R = TypeVar("R", Series, ListedReport, BusyHours)
"""What a report says."""


def fetch(client: Client, report: str, params: Mapping[str, str], model: type[R]) -> Answer[R]:
    """Ask for a report.

    Args:
        client: The line to upstream.
        report: Its path below `/reports/`.
        params: The query's parameters.
        model: How the body is read.

    Raises:
        ReportsRefused: The account has no reports, or its user may not see them.
        QuestionRefused: Parameters are refused, by name.
        UpstreamError: Any other of its kinds, once asking again does not help.
    """
    try:
        return client.get(_ROOT + report, params, model)
    except AccessRefused as refusal:
        if refusal.status == _FORBIDDEN:
            raise _as(ReportsRefused, refusal) from refusal
        raise
    except RequestRefused as refusal:
        if refusal.faults:
            raise _as(QuestionRefused, refusal) from refusal
        raise


def _as(kind: type[UpstreamError], refusal: UpstreamError) -> UpstreamError:
    return kind(
        str(refusal),
        status=refusal.status,
        correlation_id=refusal.correlation_id,
        asked_at=refusal.asked_at,
        faults=refusal.faults,
    )

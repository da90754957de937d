"""Mailbox API 2.0's own reports: a request, and the models of the responses.

Only some plans have them. A response that lacks a key, has one of another type, or repeats
itself is not usable, and is an error as for any other request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, model_validator

from compat.v2.client import ATTEMPTS, ApiResponse, Client
from compat.v2.errors import (
    AccessRefused,
    ParametersRefused,
    ReportsRefused,
    RequestRefused,
    UpstreamError,
)

_ROOT: Final = "/reports/"
_EMPTY_DAY: Final = {
    "start": "2011-01-01T00:00:00Z",
    "end": "2011-01-02T00:00:00Z",
    "viewBy": "day",
}
"""A day before there were accounts."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class SeriesPoint(_Model):
    """One point of a series."""

    start: AwareDatetime
    count: int = Field(ge=0)


class ReportSeries(_Model):
    """The response of `conversations/new` for one range."""

    current: tuple[SeriesPoint, ...]

    @property
    def total(self) -> int:
        """Conversations in the range."""
        return sum(point.count for point in self.current)


class MessagePoint(_Model):
    """One point of a series of received messages."""

    start: AwareDatetime = Field(alias="date")
    count: int = Field(alias="messages", ge=0)


class MessageSeries(_Model):
    """The response of `conversations/received-messages` for one range."""

    current: tuple[MessagePoint, ...]

    @property
    def total(self) -> int:
        """Messages in the range."""
        return sum(point.count for point in self.current)


class DrilldownReportTag(_Model):
    """A tag of a conversation in a list."""

    id: int
    name: str = ""
    color: str = "none"


class DrilldownReportRow(_Model):
    """A conversation in a drilldown. Recordings do not all have the keys with a default."""

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
    tags: tuple[DrilldownReportTag, ...] = ()
    assignee_name: str | None = Field(alias="assignedName", default=None)


class DrilldownReportPage(_Model):
    """One page of a drilldown."""

    pages: int = Field(ge=0)
    page: int = Field(ge=1)
    count: int = Field(ge=0)
    results: tuple[DrilldownReportRow, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({row.id for row in self.results}) < len(self.results):
            raise ValueError("a conversation is listed twice")
        return self


class DrilldownReport(_Model):
    """The response of `conversations/new-drilldown`."""

    conversations: DrilldownReportPage

    @property
    def total(self) -> int:
        """Conversations in the range."""
        return self.conversations.count


class BusyHour(_Model):
    """One hour of the week; 1 is Monday."""

    day: int = Field(ge=1, le=7)
    hour: int = Field(ge=0, le=23)
    count: int = Field(ge=0)


class BusyHours(RootModel[tuple[BusyHour, ...]]):
    """The response of `conversations/busy-times`: a bare array."""

    model_config = ConfigDict(frozen=True, strict=True)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({(each.day, each.hour) for each in self.root}) < len(self.root):
            raise ValueError("an hour is there twice")
        return self

    @property
    def total(self) -> int:
        """Conversations in the range."""
        return sum(each.count for each in self.root)


ReportModel = TypeVar("ReportModel", ReportSeries, MessageSeries, DrilldownReport, BusyHours)
"""The model of a report's response."""

SeriesModel = TypeVar("SeriesModel", ReportSeries, MessageSeries)
"""The model of a series."""


def check_reports(client: Client) -> None:
    """Request a report once, of a day on which no account had conversations.

    Raises:
        UpstreamError: Upstream does not answer, or refuses it; as for `fetch_report`.
    """
    fetch_report(client, "conversations/new", _EMPTY_DAY, ReportSeries, attempts=1)


def fetch_report(
    client: Client,
    report: str,
    params: Mapping[str, str],
    model: type[ReportModel],
    *,
    attempts: int = ATTEMPTS,
) -> ApiResponse[ReportModel]:
    """Request a report.

    Args:
        client: The API client.
        report: Its path below `/reports/`.
        params: The query's parameters.
        model: The model of the body.
        attempts: How often it is requested at most.

    Raises:
        ReportsRefused: The account has no reports, or its user may not see them.
        ParametersRefused: Parameters are refused, by name.
        UpstreamError: Any other of its kinds, once a retry does not help.
    """
    try:
        return client.get(_ROOT + report, params, model, attempts=attempts)
    except AccessRefused as refusal:
        raise _copy_as(ReportsRefused, refusal) from refusal
    except RequestRefused as refusal:
        if refusal.parameter_errors:
            raise _copy_as(ParametersRefused, refusal) from refusal
        raise


def _copy_as(kind: type[UpstreamError], refusal: UpstreamError) -> UpstreamError:
    return kind(
        str(refusal),
        status=refusal.status,
        correlation_id=refusal.correlation_id,
        requested_at=refusal.requested_at,
        parameter_errors=refusal.parameter_errors,
    )

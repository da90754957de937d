"""The successor's reports and how they translate: one row for each old report.

A query is sent with the names and values of an old request after parsing: known parameters
only, instants in one format, defaults filled in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.config.settings import variable_name
from compat.core import buckets
from compat.core.counting import CountResult
from compat.engines.relay_client import RangePart, RelayClient, counted_interval, split_range
from compat.reports import new_conversations, received_messages
from compat.reports.created import bucket_starts, ranges
from compat.reports.new_drilldown import color_name
from compat.v1.datetimes import to_epoch
from compat.v1.errors import BadParameter
from compat.v1.models import (
    BusyTimes,
    Drilldown,
    DrilldownPage,
    DrilldownRow,
    Hour,
    NewConversations,
    ReceivedMessages,
    RowTag,
)
from compat.v1.parameters import MAX_ROWS, Parameter
from compat.v1.query import Range, ReportQuery
from compat.v2.errors import InconsistentData
from compat.v2.reports import (
    BusyHours,
    DrilldownReport,
    DrilldownReportRow,
    MessageSeries,
    ReportSeries,
    SeriesModel,
)

UNTAGGED: Final = 1
"""The tag id that stands for conversations without a tag, in the successor's reports as well."""

Answer = Callable[[RelayClient, ReportQuery, Conventions], BaseModel | None]
"""Requests the successor's report and makes the old answer of it; None if no second counts."""

UNSUPPORTED: Final = {
    "counted_states": "count published conversations alone",
    "uncounted_statuses": "leave out spam alone",
    "clock_shift_minutes": "go by the true time",
}
"""Conventions that the successor's reports cannot follow, and what they do instead."""


@dataclass(frozen=True)
class Translation:
    """How an old report is made of its successor.

    Attributes:
        path: The successor's report, below `/reports/`.
        answer: Makes the old answer.
    """

    path: str
    answer: Answer


def translated_parameters(parameters: tuple[Parameter, ...], query: ReportQuery) -> dict[str, str]:
    """A query's parameters for the successor, without ranges and the length of buckets.

    `RelayClient` sets these, since one query may need several requests.
    """
    own = (each for each in parameters if each.edge is None and each.name != "viewBy")
    values = ((each.name, getattr(query, each.attribute)) for each in own)
    return {name: _text(value) for name, value in values if value not in (None, ())}


def unsupported_parameters(query: ReportQuery, conventions: Conventions) -> list[BadParameter]:
    """The parameters that the successor would understand in another way, with the reason."""
    reasons = []
    if conventions.tags_match == "all" and len(query.tags) > 1:
        reasons.append("COMPAT_TAGS_MATCH is all, and Help Scout's own reports match any tag")
    special = {UNTAGGED, conventions.untagged_tag}
    if len(special) > 1 and special & {*query.tags}:
        reasons.append("COMPAT_UNTAGGED_TAG is not 1, and to Help Scout's own reports 1 is no tag")
    sent = ",".join(map(str, query.tags))
    return [
        BadParameter("tags", sent, f"{reason}: set COMPAT_ENGINE to computed, or ask otherwise.")
        for reason in reasons[:1]
    ]


def unsupported_conventions(conventions: Conventions) -> list[str]:
    """The conventions that no request to the successor can follow, each with its setting."""
    return [
        f"{variable_name(field)}: Help Scout's own reports {habit}"
        for field, habit in UNSUPPORTED.items()
        if getattr(conventions, field) != Conventions.model_fields[field].default
    ]


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _drilldown(
    client: RelayClient, query: ReportQuery, conventions: Conventions
) -> Drilldown | None:
    """One page, or all rows as one.

    Raises:
        InconsistentData: The successor gives another page than was asked for, or its pages have
            changed while they were read.
    """
    interval = counted_interval(query.current, conventions)
    if interval is None:
        return None
    if not query.all_rows:
        return _drilldown_page(client.fetch(*interval, DrilldownReport), query)

    def fetch(number: int) -> DrilldownPage:
        asked = replace(query, page=number, rows=MAX_ROWS)
        first, last = interval
        page, rows = str(number), str(MAX_ROWS)
        found = client.fetch(first, last, DrilldownReport, page=page, rows=rows)
        return _drilldown_page(found, asked).conversations

    first = fetch(1)
    others = client.fetch_parts(fetch, range(2, first.pages + 1))
    rows = tuple(row for page in (first, *others) for row in page.results)
    counts = {page.count for page in (first, *others)}
    if counts != {len({row.id for row in rows})} or len(rows) != first.count:
        raise InconsistentData(
            "the pages of Help Scout's own report have changed while they were read"
        )
    return Drilldown(
        conversations=DrilldownPage(
            pages=min(first.pages, 1), page=1, count=first.count, results=rows
        )
    )


def _drilldown_page(found: DrilldownReport, query: ReportQuery) -> Drilldown:
    page = found.conversations
    pages = -(-page.count // query.rows)
    if (page.page, page.pages) != (query.page, pages) or len(page.results) > query.rows:
        raise InconsistentData(
            f"Help Scout's own report gives page {page.page} of {page.pages} with "
            f"{len(page.results)} rows, where page {query.page} of {page.count} conversations by "
            f"{query.rows} was asked for"
        )
    return Drilldown(
        conversations=DrilldownPage(
            pages=page.pages,
            page=page.page,
            count=page.count,
            results=tuple(map(_row, page.results)),
        )
    )


def _row(row: DrilldownReportRow) -> DrilldownRow:
    return DrilldownRow(
        id=row.id,
        number=row.number,
        type=row.type,
        mailboxid=row.mailbox,
        attachments=row.attachments,
        subject=row.subject or "",
        status=row.status,
        threadCount=row.threads,
        preview=row.preview or "",
        customerName=row.customer_name or "",
        customerEmail=row.customer_email or "",
        customerIds=row.customers,
        modifiedAt=row.modified_at,
        waitingSince=row.waiting_since,
        waitingSinceType=row.waiting_since_type,
        assignedid=row.assignee or 0,
        tags=tuple(
            RowTag(id=tag.id, name=tag.name, color=color_name(tag.color)) for tag in row.tags
        ),
        assignedName=row.assignee_name if row.assignee else None,
    )


def _busy_times(
    client: RelayClient, query: ReportQuery, conventions: Conventions
) -> BusyTimes | None:
    interval = counted_interval(query.current, conventions)
    if interval is None:
        return None
    found = client.fetch(*interval, BusyHours)
    return BusyTimes(
        tuple(Hour(day=each.day, hour=each.hour, count=each.count) for each in found.root)
    )


def _new_conversations(
    client: RelayClient, query: ReportQuery, conventions: Conventions
) -> NewConversations:
    counts = _series(client, query, conventions, ReportSeries)
    return new_conversations.answer_from_counts(query, CountResult(counts, 0, 0.0), conventions)


def _received_messages(
    client: RelayClient, query: ReportQuery, conventions: Conventions
) -> ReceivedMessages:
    counts = _series(client, query, conventions, MessageSeries)
    return received_messages.answer_from_counts(query, CountResult(counts, 0, 0.0), conventions)


def _series(
    client: RelayClient,
    query: ReportQuery,
    conventions: Conventions,
    model: type[SeriesModel],
) -> list[list[int]]:
    """The counts of each range, which is requested on its own, since lengths may differ.

    Raises:
        InconsistentData: The successor cuts a range into other buckets than the old API did.
    """
    view_by = query.view_by or conventions.default_view_by

    def counts(asked: Range) -> list[int]:
        starts = bucket_starts(asked, query, conventions)
        found = [0] * len(starts)
        if interval := counted_interval(asked, conventions):
            parts = split_range(*interval, starts, view_by, conventions.month_step)
            for points in client.fetch_parts(lambda part: _points(client, part, model), parts):
                for point in points.current:
                    found[bisect_right(starts, to_epoch(point.start)) - 1] += point.count
        return found

    return [counts(asked) for asked in ranges(query)]


def _points(client: RelayClient, part: RangePart, model: type[SeriesModel]) -> SeriesModel:
    """The points of one part, after a check that none is missing or elsewhere."""
    found = client.fetch(part.first, part.last, model, viewBy=part.view_by)
    expected = buckets.starts(part.first, client.end_parameter(part.last), part.view_by)
    if [to_epoch(point.start) for point in found.current] != expected:
        raise InconsistentData(
            f"Help Scout's own report has {len(found.current)} points by {part.view_by} where "
            f"{len(expected)} were expected, or has them elsewhere"
        )
    return found


TRANSLATIONS: Final[Mapping[str, Translation]] = {
    "new_conversations": Translation("conversations/new", _new_conversations),
    "new_drilldown": Translation("conversations/new-drilldown", _drilldown),
    "busy_times": Translation("conversations/busy-times", _busy_times),
    "received_messages": Translation("conversations/received-messages", _received_messages),
}
"""Each old report that has a successor, by the name of its module."""

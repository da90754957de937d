"""The successor's reports in the old API's terms: a row for each old report.

A question is asked in the names and values that a request of the old API has, as it was
understood: known parameters only, instants in one spelling, defaults filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.config.settings import variable_name
from compat.engines.relay_client import RelayClient, seconds_counting
from compat.engines.relayed_series import added_up
from compat.reports.new_drilldown import color_name
from compat.v1.errors import BadParameter
from compat.v1.models import BusyTimes, Drilldown, DrilldownPage, DrilldownRow, Hour, RowTag
from compat.v1.parameters import Parameter
from compat.v1.query import ReportQuery
from compat.v2.errors import InconsistentData
from compat.v2.reports import BusyHours, ListedReport, ListedRow, R

UNTAGGED: Final = 1
"""The tag id that stands for conversations without a tag, in the successor's reports as well."""


Answer = Callable[[RelayClient, ReportQuery, Conventions], BaseModel | None]
"""Asks the successor, and makes the old answer; None where no second of the range counts."""


UNHONOURED: Final = {
    "counted_states": "count published conversations alone",
    "uncounted_statuses": "leave out spam alone",
    "clock_shift_minutes": "go by the true time",
}
"""Conventions that the successor would have to be told of and cannot be, and what it does."""


@dataclass(frozen=True)
class Translation:
    """How an old report is asked of its successor.

    Attributes:
        path: The successor's report, below `/reports/`.
        answer: How the old answer is made of it.
    """

    path: str
    answer: Answer


def asked(parameters: tuple[Parameter, ...], query: ReportQuery) -> dict[str, str]:
    """A query's parameters as the successor takes them, but for ranges and the length of buckets.

    Those are for whoever asks to set, since a question may take several requests.
    """
    own = (each for each in parameters if each.edge is None and each.name != "viewBy")
    values = ((each.name, getattr(query, each.attribute)) for each in own)
    return {name: _text(value) for name, value in values if value not in (None, ())}


def faults(query: ReportQuery, conventions: Conventions) -> list[BadParameter]:
    """Why the successor would answer another question; one for each parameter."""
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


def objections(conventions: Conventions) -> list[str]:
    """Which conventions no question to the successor could honour, each with its setting."""
    return [
        f"{variable_name(field)}: Help Scout's own reports {habit}"
        for field, habit in UNHONOURED.items()
        if getattr(conventions, field) != Conventions.model_fields[field].default
    ]


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _at_once(model: type[R], tell: Callable[[R, ReportQuery], BaseModel]) -> Answer:
    """A report that one request brings."""

    def answer(
        asking: RelayClient, query: ReportQuery, conventions: Conventions
    ) -> BaseModel | None:
        counting = seconds_counting(query.current, conventions)
        return tell(asking.about(*counting, model), query) if counting else None

    return answer


def _drilldown(found: ListedReport, query: ReportQuery) -> Drilldown:
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


def _row(row: ListedRow) -> DrilldownRow:
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


def _busy_times(found: BusyHours, _query: ReportQuery) -> BusyTimes:
    return BusyTimes(
        tuple(Hour(day=each.day, hour=each.hour, count=each.count) for each in found.root)
    )


TRANSLATIONS: Final[Mapping[str, Translation]] = {
    "new_conversations": Translation("conversations/new", added_up),
    "new_drilldown": Translation("conversations/new-drilldown", _at_once(ListedReport, _drilldown)),
    "busy_times": Translation("conversations/busy-times", _at_once(BusyHours, _busy_times)),
}
"""Each old report that has a successor, by the name of its module."""

"""`conversations/new-drilldown.json`: the conversations behind the counts, page by page."""

from __future__ import annotations

from collections.abc import Sequence

from compat.config.conventions import Conventions
from compat.core.models import ConversationQuery, Document, NamedTag, Person, RowSet
from compat.reports import Details
from compat.reports.created import counted, created_in_range, within
from compat.v1.datetimes import from_epoch
from compat.v1.models import Drilldown, DrilldownPage, DrilldownRow, RowTag
from compat.v1.query import ReportQuery

_WAITING_FOR_A_REPLY = 2
"""The one value of `waitingSinceType` that was ever observed; what it counts is not known."""


def needs(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """All conversations created in the range."""
    return created_in_range(query, conventions)


def answer(query: ReportQuery, found: RowSet, conventions: Conventions) -> Details:
    """One page of them, the newest first (decided, after the old conversation list)."""
    rows = within(counted(found.rows, query, conventions), query.current, conventions)
    newest = sorted(rows, key=lambda row: (row.created, row.id), reverse=True)
    first = (query.page - 1) * query.rows
    shown = [row.id for row in newest[first : first + query.rows]]

    def page(documents: Sequence[Document]) -> Drilldown:
        return Drilldown(
            conversations=DrilldownPage(
                pages=-(-len(newest) // query.rows),
                page=query.page,
                count=len(newest),
                results=tuple(map(_row, documents)),
            )
        )

    return Details(shown, page)


def _row(document: Document) -> DrilldownRow:
    customer, assignee = document.customer, document.assignee
    return DrilldownRow(
        id=document.id,
        number=document.number,
        type=document.type,
        mailboxid=document.mailbox,
        attachments=False,
        subject=document.subject,
        status=document.status,
        threadCount=document.threads,
        preview=document.preview,
        customerName=_name(customer),
        customerEmail=customer.email,
        customerIds=(customer.id,) if customer.id else (),
        modifiedAt=from_epoch(max(document.updated, document.waiting_since)),
        waitingSince=from_epoch(document.waiting_since),
        waitingSinceType=_WAITING_FOR_A_REPLY,
        assignedid=assignee.id,
        tags=tuple(map(_tag, document.tags)),
        assignedName=_name(assignee) if assignee.id else None,
    )


def _tag(tag: NamedTag) -> RowTag:
    return RowTag(id=tag.id, name=tag.name, color=color_word(tag.color))


def _name(person: Person) -> str:
    return " ".join(part for part in (person.first, person.last) if part) or person.email


def color_word(color: str) -> str:
    """The old API named colours by a word; Mailbox API 2.0 gives a hexadecimal value."""
    return color if color.isalpha() else "none"

"""`conversations/new-drilldown.json`: the new conversations, page by page."""

from __future__ import annotations

from collections.abc import Sequence

from compat.config.conventions import Conventions
from compat.core.models import ConversationQuery, Document, NamedTag, Person, RowSet
from compat.reports import AnswerFromDocuments
from compat.reports.created import conversation_query, counted_rows, rows_in_range
from compat.v1.datetimes import from_epoch
from compat.v1.models import Drilldown, DrilldownPage, DrilldownRow, RowTag
from compat.v1.query import ReportQuery, page_of

_WAITING_FOR_A_REPLY = 2
"""The only value of `waitingSinceType` that was observed; other values are not known."""


def required_data(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """All conversations created in the range."""
    return conversation_query(query, conventions)


def answer(query: ReportQuery, found: RowSet, conventions: Conventions) -> AnswerFromDocuments:
    """One page of them, the newest first (decided: as in the old conversation list)."""
    rows = rows_in_range(counted_rows(found, query, conventions), query.current, conventions)
    newest = sorted(rows, key=lambda row: (row.created, row.id), reverse=True)
    shown, pages = page_of(query, newest, query.rows)

    def page(documents: Sequence[Document]) -> Drilldown:
        return Drilldown(
            conversations=DrilldownPage(
                pages=pages,
                page=query.page,
                count=len(newest),
                results=tuple(map(_row, documents)),
            )
        )

    return AnswerFromDocuments([row.id for row in shown], page)


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
        customerName=person_name(customer),
        customerEmail=customer.email,
        customerIds=(customer.id,) if customer.id else (),
        modifiedAt=from_epoch(max(document.updated, document.waiting_since)),
        waitingSince=from_epoch(document.waiting_since),
        waitingSinceType=_WAITING_FOR_A_REPLY,
        assignedid=assignee.id,
        tags=tuple(map(_tag, document.tags)),
        assignedName=person_name(assignee) if assignee.id else None,
    )


def _tag(tag: NamedTag) -> RowTag:
    return RowTag(id=tag.id, name=tag.name, color=color_name(tag.color))


def person_name(person: Person) -> str:
    """First and last name; the e-mail address of a person without a name."""
    return " ".join(part for part in (person.first, person.last) if part) or person.email


def color_name(color: str) -> str:
    """A colour as a word, as in the old API; `none` for a hexadecimal value of Mailbox API 2.0."""
    return color if color.isalpha() else "none"

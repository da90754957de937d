"""`user/conversation-history.json`: the replies of a user or a team, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from compat.config.conventions import Conventions
from compat.core.activity import replies_within
from compat.core.facts import Facts, read
from compat.core.models import Activity, ActivitySet, Document, Person, Thread
from compat.core.office_hours import mean_seconds, whole_seconds
from compat.core.report_data import UserActivityQuery, UserData
from compat.reports import AnswerFromDocuments
from compat.reports.activity import activity_query, counted_values, judged_intervals, only_within
from compat.reports.new_drilldown import person_name
from compat.v1.models_users import ConversationHistory, HistoryCustomer, HistoryRow
from compat.v1.parameters import FLAT_LIST_ROWS
from compat.v1.query import ReportQuery, page_of


class _Times(NamedTuple):
    """What the rows of one conversation show, in whole seconds."""

    responseTime: int  # noqa: N815 (the names are those of the rows, and of what sorts them)
    firstResponseTime: int  # noqa: N815
    resolveTime: int  # noqa: N815
    repliesSent: int  # noqa: N815


class _Reply(NamedTuple):
    activity: Activity
    times: _Times
    thread: Thread


def required_data(query: ReportQuery, conventions: Conventions) -> UserActivityQuery:
    """All conversations of the users in which something happened in the range."""
    return UserActivityQuery(query.user, activity_query(query, conventions))


def answer(
    query: ReportQuery, found: UserData[ActivitySet], conventions: Conventions
) -> AnswerFromDocuments:
    """One page of the replies of the range, each with the times of its conversation.

    A conversation has as many rows as replies (by the vendor's page). Equal rows are sorted by the
    time of the reply and by the ids (decided).

    Raises:
        UnknownValue: A number depends on a value that is unknown.
    """
    users = found.user.users
    (within,) = judged_intervals(query, conventions)

    def replies(activity: Activity) -> list[_Reply]:
        sent = replies_within(only_within(activity, within), within, conventions, users)
        if not sent:
            return []
        times = _times(read(activity, conventions), query, conventions)
        return [_Reply(activity, times, thread) for thread in sent]

    listed = counted_values(found.found, query, conventions, replies)

    def order(each: _Reply) -> tuple[int, int, int, int]:
        number = each.activity.number
        value = number if query.sort_field == "number" else getattr(each.times, query.sort_field)
        return value, each.thread.created, each.activity.row.id, each.thread.id

    listed.sort(key=order, reverse=query.descending)
    shown, pages = page_of(query, listed, FLAT_LIST_ROWS)

    def page(documents: Sequence[Document]) -> ConversationHistory:
        customers = {document.id: document.customer for document in documents}
        return ConversationHistory(
            pages=pages,
            page=query.page,
            count=len(listed),
            results=tuple(
                _row(each, customers[each.activity.row.id])
                for each in shown
                if each.activity.row.id in customers
            ),
        )

    return AnswerFromDocuments([*dict.fromkeys(each.activity.row.id for each in shown)], page)


def _times(facts: Facts, query: ReportQuery, conventions: Conventions) -> _Times:
    """The times of a whole conversation, whatever the range."""

    def mean(spans: Sequence[tuple[int, int]]) -> int:
        return whole_seconds(mean_seconds(spans, conventions, office_hours=query.office_hours))

    created, resolved = facts.activity.row.created, facts.resolved
    return _Times(
        responseTime=mean([(wait.opened, wait.ended) for wait in facts.waits]),
        firstResponseTime=mean([(wait.opened, wait.ended) for wait in facts.waits if wait.first]),
        resolveTime=0 if resolved is None else mean([(created, resolved)]),
        repliesSent=len(facts.replies),
    )


def _row(reply: _Reply, customer: Person) -> HistoryRow:
    activity = reply.activity
    return HistoryRow(
        number=activity.number,
        id=activity.row.id,
        status=activity.row.status,
        customers=(
            (HistoryCustomer(id=customer.id, name=person_name(customer)),) if customer.id else ()
        ),
        avgHandleTime=0.0,
        **reply.times._asdict(),
    )

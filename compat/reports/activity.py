"""Which conversations count in reports on threads: rules shared by all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from compat.config.conventions import Conventions
from compat.core.counting import matching_rows
from compat.core.models import Activity, ActivityQuery, ActivitySet
from compat.reports.created import conversation_query, count_filter
from compat.v1.query import ReportQuery

T = TypeVar("T")


def activity_query(query: ReportQuery, conventions: Conventions) -> ActivityQuery:
    """The conversations with threads in a query's ranges, in its mailboxes and folders."""
    needed = conversation_query(query, conventions)
    # Conversations without tags have no tag to ask for, so all are needed with them.
    untagged = conventions.untagged_tag in query.tags
    return ActivityQuery(
        touched=needed.created,
        mailboxes=needed.mailboxes,
        folders=needed.folders,
        types=frozenset(query.types),
        tags=frozenset() if untagged else frozenset(query.tags),
        spam=needed.spam,
    )


def counted_values(
    found: ActivitySet,
    query: ReportQuery,
    conventions: Conventions,
    values: Callable[[Activity], Sequence[T]],
) -> list[T]:
    """The values of all conversations that count, in the order given.

    They are published and not spam, as new conversations are, and match every filter: it looks
    at the conversation as it is now, not at the thread. The source has already filtered by
    mailbox and folder.

    Args:
        found: The conversations.
        query: The query.
        conventions: The decided rules.
        values: What a conversation has to count. One without any is not judged at all.

    Raises:
        UnknownValue: Whether one of them counts depends on a value that is unknown.
    """
    each = [(activity.row, list(values(activity))) for activity in found.activities]
    rows = [row for row, own in each if own]
    counted = {
        row.id for row in matching_rows(rows, count_filter(query, conventions), found.undecided)
    }
    return [value for row, own in each if row.id in counted for value in own]

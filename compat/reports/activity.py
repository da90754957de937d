"""Which conversations count in reports on threads: rules shared by all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from compat.config.conventions import Conventions
from compat.core.counting import matching_rows
from compat.core.intervals import Interval
from compat.core.models import Activity, ActivityQuery, ActivitySet, UnknownValue
from compat.reports.created import conversation_query, count_filter, range_edges
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
        values: What a conversation has to count. It is not asked for one that the filter leaves
            out for certain. One without any is not judged.

    Raises:
        UnknownValue: Whether one of them counts depends on a value that is unknown.
    """
    which = count_filter(query, conventions)
    counted: list[T] = []
    for activity in found.activities:
        row, unknown = activity.row, None
        try:
            if not matching_rows([row], which, found.undecided):
                continue
        except UnknownValue as error:
            unknown = error
        own = values(activity)
        if own and unknown is not None:
            raise unknown
        counted += own
    return counted


def judged_intervals(query: ReportQuery, conventions: Conventions) -> list[Interval]:
    """The seconds of each range that count, by the vendor's clock."""
    return [Interval(first, after - 1) for first, after in range_edges(query, conventions)]


def only_within(activity: Activity, within: Interval) -> Activity:
    """A conversation with the threads of a range alone: what others are does not matter then."""
    first, last = within
    own = tuple(thread for thread in activity.threads if first <= thread.created <= last)
    return activity._replace(threads=own)

"""`conversations/received-messages.json`: messages received from customers per bucket."""

from __future__ import annotations

from compat.config.conventions import Conventions
from compat.core import buckets
from compat.core.activity import customer_messages
from compat.core.counting import CountQuery, CountResult
from compat.core.models import Activity, ActivityQuery, ActivitySet
from compat.reports.activity import activity_query, counted_values
from compat.reports.created import (
    bucket_edges,
    bucket_starts,
    conversation_query,
    count_filter,
    counted_interval,
    range_interval,
    ranges,
)
from compat.v1.datetimes import from_epoch
from compat.v1.models import MessageBucket, ReceivedMessages
from compat.v1.query import ReportQuery


def required_data(query: ReportQuery, conventions: Conventions) -> ActivityQuery:
    """All conversations with a thread in either range."""
    return activity_query(query, conventions)


def count_query(query: ReportQuery, conventions: Conventions) -> CountQuery:
    """The count query for a source that can count messages."""
    return CountQuery(
        conversation_query(query, conventions),
        count_filter(query, conventions),
        bucket_edges(query, conventions),
        "messages",
    )


def answer(query: ReportQuery, found: ActivitySet, conventions: Conventions) -> ReceivedMessages:
    """The buckets of both ranges; each range's buckets begin at its own start.

    Each message of a customer counts (by the vendor's page), the first one of a conversation as
    well, in the bucket in which it was received.
    """
    ahead = 60 * conventions.clock_shift_minutes
    spans = [counted_interval(asked, conventions) for asked in ranges(query)]

    def received(activity: Activity) -> list[int]:
        within = [
            thread
            for thread in activity.threads
            if any(first <= thread.created + ahead <= last for first, last in spans)
        ]
        found = customer_messages(activity._replace(threads=tuple(within)))
        return [message.created + ahead for message in found]

    seconds = sorted(counted_values(found, query, conventions, received))
    counts = [
        buckets.count(
            seconds,
            bucket_starts(asked, query, conventions),
            range_interval(asked).last,
            conventions.end_included,
        )
        for asked in ranges(query)
    ]
    result = CountResult(counts, found.as_of, found.fresh_until)
    return answer_from_counts(query, result, conventions)


def answer_from_counts(
    query: ReportQuery, found: CountResult, conventions: Conventions
) -> ReceivedMessages:
    """The answer to a query, from the counts that `count_query` names."""
    current, *previous = (
        tuple(
            MessageBucket(date=from_epoch(start), messages=count)
            for start, count in zip(bucket_starts(asked, query, conventions), each, strict=True)
            if count or conventions.empty_buckets_listed
        )
        for asked, each in zip(ranges(query), found.counts, strict=True)
    )
    return ReceivedMessages(current=current, previous=previous[0] if previous else None)

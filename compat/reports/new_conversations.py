"""`conversations/new.json`: new conversations per bucket."""

from __future__ import annotations

from collections.abc import Sequence

from compat.config.conventions import Conventions
from compat.core import buckets
from compat.core.counting import CountQuery, CountResult
from compat.core.models import ConversationQuery, RowSet
from compat.reports.created import (
    bucket_edges,
    bucket_starts,
    conversation_query,
    count_filter,
    counted_rows,
    range_interval,
    ranges,
)
from compat.v1.datetimes import from_epoch
from compat.v1.models import Bucket, NewConversations
from compat.v1.query import ReportQuery


def required_data(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """All conversations created in either range."""
    return conversation_query(query, conventions)


def count_query(query: ReportQuery, conventions: Conventions) -> CountQuery:
    """The count query for a source that can count."""
    return CountQuery(
        required_data(query, conventions),
        count_filter(query, conventions),
        bucket_edges(query, conventions),
    )


def answer(query: ReportQuery, found: RowSet, conventions: Conventions) -> NewConversations:
    """The buckets of both ranges; each range's buckets begin at its own start."""
    created = [row.created for row in counted_rows(found, query, conventions)]
    counts = [
        buckets.count(
            created,
            bucket_starts(asked, query, conventions),
            range_interval(asked).last,
            conventions.end_included,
        )
        for asked in ranges(query)
    ]
    return answer_from_counts(
        query, CountResult(counts, found.as_of, found.fresh_until), conventions
    )


def answer_from_counts(
    query: ReportQuery, found: CountResult, conventions: Conventions
) -> NewConversations:
    """The answer to a query, from the counts that `count_query` names."""
    current, *previous = (
        listed_buckets(bucket_starts(asked, query, conventions), counts, conventions)
        for asked, counts in zip(ranges(query), found.counts, strict=True)
    )
    return NewConversations(current=current, previous=previous[0] if previous else None)


def listed_buckets(
    starts: Sequence[int], counts: Sequence[int], conventions: Conventions
) -> tuple[Bucket, ...]:
    """Buckets with their counts; a convention decides whether empty ones are listed."""
    return tuple(
        Bucket(start=from_epoch(start), count=count)
        for start, count in zip(starts, counts, strict=True)
        if count or conventions.empty_buckets_listed
    )

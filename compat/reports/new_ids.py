"""The ids of the conversations in each bucket of New Conversations; not part of the old API."""

from __future__ import annotations

from bisect import bisect_right

from compat.config.conventions import Conventions
from compat.core import buckets
from compat.core.models import ConversationQuery, RowSet
from compat.reports.created import conversation_query, counted_rows, range_interval, rows_in_range
from compat.v1.datetimes import from_epoch
from compat.v1.models import BucketIds, NewIds
from compat.v1.query import Range, ReportQuery


def required_data(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """The same as for the counts."""
    return conversation_query(query, conventions)


def answer(query: ReportQuery, found: RowSet, conventions: Conventions) -> NewIds:
    """The buckets of both ranges, with ids in the order of creation."""
    rows = counted_rows(found, query, conventions)
    view_by = query.view_by or conventions.default_view_by

    def series(asked: Range) -> tuple[BucketIds, ...]:
        starts = buckets.starts(*range_interval(asked), view_by, conventions.month_step)
        ids: list[list[int]] = [[] for _ in starts]
        for row in rows_in_range(rows, asked, conventions):
            ids[bisect_right(starts, row.created) - 1].append(row.id)
        return tuple(
            BucketIds(start=from_epoch(start), count=len(bucket_ids), ids=tuple(bucket_ids))
            for start, bucket_ids in zip(starts, ids, strict=True)
            if bucket_ids or conventions.empty_buckets_listed
        )

    return NewIds(
        current=series(query.current),
        previous=series(query.previous) if query.previous else None,
    )

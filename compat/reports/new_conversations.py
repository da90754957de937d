"""`conversations/new.json`: how many conversations were created, bucket by bucket."""

from __future__ import annotations

from collections.abc import Sequence

from compat import buckets
from compat.conventions import Conventions
from compat.needs import Found, Need
from compat.reports.counting import counted, created_in_range, span
from compat.v1.instants import from_epoch
from compat.v1.models import Bucket, NewConversations
from compat.v1.query import Range, ReportQuery


def needs(query: ReportQuery, conventions: Conventions) -> Need:
    """All conversations created in either range."""
    return created_in_range(query, conventions)


def answer(query: ReportQuery, found: Found, conventions: Conventions) -> NewConversations:
    """Both series; each range has its own anchor."""
    created = [row.created for row in counted(found.rows, query, conventions)]
    view_by = query.view_by or conventions.default_view_by

    def series(asked: Range) -> tuple[Bucket, ...]:
        first, last = span(asked)
        starts = buckets.starts(first, last, view_by, conventions.month_step)
        counts = buckets.count(created, starts, last, conventions.end_included)
        return listed(starts, counts, conventions)

    return NewConversations(
        current=series(query.current),
        previous=series(query.previous) if query.previous else None,
    )


def listed(
    starts: Sequence[int], counts: Sequence[int], conventions: Conventions
) -> tuple[Bucket, ...]:
    """A series of buckets; those without conversations appear or not, by convention."""
    return tuple(
        Bucket(start=from_epoch(start), count=count)
        for start, count in zip(starts, counts, strict=True)
        if count or conventions.empty_buckets_listed
    )

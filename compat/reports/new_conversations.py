"""`conversations/new.json`: how many conversations were created, bucket by bucket."""

from __future__ import annotations

from collections.abc import Sequence

from compat.config.conventions import Conventions
from compat.core import buckets
from compat.core.counting import CountQuery, CountResult
from compat.core.models import ConversationQuery, RowSet
from compat.reports.created import counted, created_in_range, filter_of, ranges, span
from compat.v1.datetimes import from_epoch
from compat.v1.models import Bucket, NewConversations
from compat.v1.query import Range, ReportQuery


def needs(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """All conversations created in either range."""
    return created_in_range(query, conventions)


def tally(query: ReportQuery, conventions: Conventions) -> CountQuery:
    """The same as counts, for a source that can count."""
    ahead = 60 * conventions.clock_shift_minutes

    def edges(asked: Range) -> tuple[int, ...]:
        end = span(asked).last + conventions.end_included
        return tuple(edge - ahead for edge in (*_starts(asked, query, conventions), end))

    return CountQuery(
        needs(query, conventions),
        filter_of(query, conventions),
        tuple(map(edges, ranges(query))),
    )


def answer(query: ReportQuery, found: RowSet, conventions: Conventions) -> NewConversations:
    """Both series; each range has its own anchor."""
    created = [row.created for row in counted(found.rows, query, conventions)]
    counts = [
        buckets.count(
            created,
            _starts(asked, query, conventions),
            span(asked).last,
            conventions.end_included,
        )
        for asked in ranges(query)
    ]
    return from_counts(query, CountResult(counts, found.as_of, found.fresh_until), conventions)


def from_counts(
    query: ReportQuery, found: CountResult, conventions: Conventions
) -> NewConversations:
    """The answer to a query, from the counts that `tally` asked for."""
    current, *previous = (
        listed(_starts(asked, query, conventions), counts, conventions)
        for asked, counts in zip(ranges(query), found.counts, strict=True)
    )
    return NewConversations(current=current, previous=previous[0] if previous else None)


def _starts(asked: Range, query: ReportQuery, conventions: Conventions) -> list[int]:
    view_by = query.view_by or conventions.default_view_by
    return buckets.starts(*span(asked), view_by, conventions.month_step)


def listed(
    starts: Sequence[int], counts: Sequence[int], conventions: Conventions
) -> tuple[Bucket, ...]:
    """A series of buckets; those without conversations appear or not, by convention."""
    return tuple(
        Bucket(start=from_epoch(start), count=count)
        for start, count in zip(starts, counts, strict=True)
        if count or conventions.empty_buckets_listed
    )

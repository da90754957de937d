"""A series of counts, asked of the successor whole or in pieces, and counted again into buckets."""

from __future__ import annotations

from bisect import bisect_right

from compat.config.conventions import Conventions
from compat.core import buckets
from compat.engines.range_splitting import Piece, pieces
from compat.engines.relay_client import RelayClient, seconds_counting
from compat.reports.created import range_interval
from compat.reports.new_conversations import listed
from compat.v1.datetimes import to_epoch
from compat.v1.models import Bucket, NewConversations
from compat.v1.query import Range, ReportQuery
from compat.v2.errors import InconsistentData
from compat.v2.reports import Series


def added_up(asking: RelayClient, query: ReportQuery, conventions: Conventions) -> NewConversations:
    """Both series; each range is asked for by itself, since their lengths may differ.

    Raises:
        Incoherent: The successor cuts a range elsewhere than the old API is known to have.
    """
    view_by = query.view_by or conventions.default_view_by

    def series(asked: Range) -> tuple[Bucket, ...]:
        first, end = range_interval(asked)
        starts = buckets.starts(first, end, view_by, conventions.month_step)
        counts = [0] * len(starts)
        if counting := seconds_counting(asked, conventions):
            parts = pieces(*counting, starts, view_by, conventions.month_step)
            for points in asking.each(lambda part: _points(asking, part), parts):
                for point in points.current:
                    counts[bisect_right(starts, to_epoch(point.start)) - 1] += point.count
        return listed(starts, counts, conventions)

    return NewConversations(
        current=series(query.current),
        previous=series(query.previous) if query.previous else None,
    )


def _points(asking: RelayClient, part: Piece) -> Series:
    """The points of a piece: all of them, and where they must be."""
    found = asking.about(part.first, part.last, Series, viewBy=part.view_by)
    wanted = buckets.starts(part.first, asking.end_for(part.last), part.view_by)
    if [to_epoch(point.start) for point in found.current] != wanted:
        raise InconsistentData(
            f"Help Scout's own report has {len(found.current)} points by {part.view_by} where "
            f"{len(wanted)} were expected, or has them elsewhere"
        )
    return found

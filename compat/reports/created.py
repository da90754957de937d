"""Which conversations count: rules shared by all reports of new conversations."""

from __future__ import annotations

from collections.abc import Iterable

from compat.config.conventions import Conventions
from compat.core import buckets
from compat.core.calendar import within_calendar
from compat.core.counting import UNTAGGED, Filter, matching_rows
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Row, RowSet
from compat.v1.datetimes import to_epoch
from compat.v1.query import Range, ReportQuery


def conversation_query(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """The conversations created in a query's ranges, in its mailboxes and folders."""
    return ConversationQuery(
        created=tuple(
            _shift_interval(range_interval(asked), conventions) for asked in ranges(query)
        ),
        mailboxes=frozenset(query.mailboxes),
        folders=frozenset(query.folders),
        spam="spam" not in conventions.uncounted_statuses,
    )


def ranges(query: ReportQuery) -> list[Range]:
    """The requested range, and the range to compare with if there is one."""
    return [query.current, *([query.previous] if query.previous else [])]


def range_interval(asked: Range) -> Interval:
    """A range as an interval of creation time."""
    return Interval(to_epoch(asked.start), to_epoch(asked.end))


def bucket_starts(asked: Range, query: ReportQuery, conventions: Conventions) -> list[int]:
    """The first seconds of the buckets of one of a query's ranges."""
    view_by = query.view_by or conventions.default_view_by
    return buckets.starts(*range_interval(asked), view_by, conventions.month_step)


def bucket_edges(query: ReportQuery, conventions: Conventions) -> tuple[tuple[int, ...], ...]:
    """For each range the edges of its buckets by the vendor's clock, as in `CountQuery`."""
    ahead = 60 * conventions.clock_shift_minutes
    return tuple(
        tuple(edge - ahead for edge in (*bucket_starts(asked, query, conventions), after))
        for asked, after in _ranges_with_ends(query, conventions)
    )


def range_edges(query: ReportQuery, conventions: Conventions) -> tuple[tuple[int, int], ...]:
    """For each range, as one bucket, both of its edges by the vendor's clock."""
    ahead = 60 * conventions.clock_shift_minutes
    return tuple(
        (range_interval(asked).first - ahead, after - ahead)
        for asked, after in _ranges_with_ends(query, conventions)
    )


def _ranges_with_ends(query: ReportQuery, conventions: Conventions) -> list[tuple[Range, int]]:
    """Each range with the first second after what counts of it."""
    return [
        (asked, range_interval(asked).last + conventions.end_included) for asked in ranges(query)
    ]


def counted_rows(found: RowSet, query: ReportQuery, conventions: Conventions) -> list[Row]:
    """The rows in a query's ranges that count, in the order given.

    They are published and not spam, by the vendor's page, and match every filter (decided). The
    source has already filtered by mailbox and folder. If the conventions shift the clock, the
    rows that are returned have shifted creation times.

    Raises:
        UnknownValue: Whether one of them counts depends on a value that is unknown.
    """
    ahead = 60 * conventions.clock_shift_minutes
    rows: Iterable[Row] = found.rows
    if ahead:
        rows = [row._replace(created=row.created + ahead) for row in rows]
    spans = [counted_interval(asked, conventions) for asked in ranges(query)]
    within = [row for row in rows if any(first <= row.created <= last for first, last in spans)]
    return matching_rows(within, count_filter(query, conventions), found.undecided)


def count_filter(query: ReportQuery, conventions: Conventions) -> Filter:
    """The filter of a query, without its mailboxes and folders."""
    return Filter(
        states=conventions.counted_states,
        excluded_statuses=conventions.uncounted_statuses,
        types=frozenset(query.types),
        tags=frozenset(UNTAGGED if tag == conventions.untagged_tag else tag for tag in query.tags),
        all_tags=conventions.tags_match == "all",
    )


def rows_in_range(rows: Iterable[Row], asked: Range, conventions: Conventions) -> list[Row]:
    """The rows created in a range."""
    first, last = counted_interval(asked, conventions)
    return [row for row in rows if first <= row.created <= last]


def counted_interval(asked: Range, conventions: Conventions) -> tuple[int, int]:
    """The first and the last second of a range that count, epoch UTC.

    A convention decides whether the last second of the range is included.
    """
    first, last = range_interval(asked)
    return first, last if conventions.end_included else last - 1


def _shift_interval(asked: Interval, conventions: Conventions) -> Interval:
    """The creation times by the vendor's clock for a range by the old API's clock."""
    ahead = 60 * conventions.clock_shift_minutes
    if not ahead:
        return asked
    return Interval(within_calendar(asked.first - ahead), within_calendar(asked.last - ahead))

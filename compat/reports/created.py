"""Which conversations count: the rules that all reports of new conversations share."""

from __future__ import annotations

from collections.abc import Iterable

from compat.config.conventions import Conventions
from compat.core.calendar import within_calendar
from compat.core.counting import UNTAGGED, Filter, matching_rows
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Row
from compat.v1.datetimes import to_epoch
from compat.v1.query import Range, ReportQuery


def conversation_query(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """The conversations created in a query's ranges, in its mailboxes and folders."""
    return ConversationQuery(
        created=tuple(_created(range_interval(asked), conventions) for asked in ranges(query)),
        mailboxes=frozenset(query.mailboxes),
        folders=frozenset(query.folders),
        spam="spam" not in conventions.uncounted_statuses,
    )


def ranges(query: ReportQuery) -> list[Range]:
    """The range asked for, and the one to compare it with if there is one."""
    return [query.current, *([query.previous] if query.previous else [])]


def range_interval(asked: Range) -> Interval:
    """A range as seconds of creation."""
    return Interval(to_epoch(asked.start), to_epoch(asked.end))


def counted_rows(rows: Iterable[Row], query: ReportQuery, conventions: Conventions) -> list[Row]:
    """The rows that count for a query, in the order given.

    Published and not spam, by the vendor's page; then every filter must agree (decided).
    Mailboxes and folders were left to the source. Rows tell their creation by the clock of
    the conventions.
    """
    ahead = 60 * conventions.clock_shift_minutes
    rows = matching_rows(rows, count_filter(query, conventions))
    return [row._replace(created=row.created + ahead) for row in rows] if ahead else rows


def count_filter(query: ReportQuery, conventions: Conventions) -> Filter:
    """What counts for a query, beside its mailboxes and folders."""
    return Filter(
        states=conventions.counted_states,
        excluded_statuses=conventions.uncounted_statuses,
        types=frozenset(query.types),
        tags=frozenset(UNTAGGED if tag == conventions.untagged_tag else tag for tag in query.tags),
        all_tags=conventions.tags_match == "all",
    )


def rows_in_range(rows: Iterable[Row], asked: Range, conventions: Conventions) -> list[Row]:
    """The rows created in a range; whether its last second belongs to it is a convention."""
    first, last = range_interval(asked)
    end = last if conventions.end_included else last - 1
    return [row for row in rows if first <= row.created <= end]


def _created(asked: Interval, conventions: Conventions) -> Interval:
    """When those conversations were created that count in a range by a clock that may be off."""
    ahead = 60 * conventions.clock_shift_minutes
    if not ahead:
        return asked
    return Interval(within_calendar(asked.first - ahead), within_calendar(asked.last - ahead))

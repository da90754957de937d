"""`conversations/busy-times.json`: new conversations by weekday and hour."""

from __future__ import annotations

from collections import Counter
from datetime import MAXYEAR, MINYEAR, datetime
from zoneinfo import ZoneInfo

from compat.config.conventions import Conventions
from compat.core.models import ConversationQuery, RowSet
from compat.reports.created import conversation_query, counted_rows, rows_in_range
from compat.v1.datetimes import from_epoch
from compat.v1.models import BusyTimes, Hour
from compat.v1.query import ReportQuery


def required_data(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """All conversations created in the range."""
    return conversation_query(query, conventions)


def answer(query: ReportQuery, found: RowSet, conventions: Conventions) -> BusyTimes:
    """All 168 hours of a week in the company's time zone, Monday first."""
    zone = ZoneInfo(conventions.company_time_zone)
    rows = rows_in_range(counted_rows(found, query, conventions), query.current, conventions)
    local = [_local_time(row.created, zone) for row in rows]
    counts = Counter((instant.isoweekday(), instant.hour) for instant in local)
    return BusyTimes(
        tuple(
            Hour(day=day, hour=hour, count=counts[day, hour])
            for day in range(1, 8)
            for hour in range(24)
        )
    )


def _local_time(created: int, zone: ZoneInfo) -> datetime:
    """An instant by the company's clock; the calendar repeats, with its weekdays, in 400 years.

    So the first and the last year are moved: a clock there may show a year that no date has.
    """
    instant = from_epoch(created)
    moved = {MINYEAR: MINYEAR + 400, MAXYEAR: MAXYEAR - 400}.get(instant.year, instant.year)
    return instant.replace(year=moved).astimezone(zone)

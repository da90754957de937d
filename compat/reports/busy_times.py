"""`conversations/busy-times.json`: new conversations by weekday and hour."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

from compat.config.conventions import Conventions
from compat.core.models import ConversationQuery, RowSet
from compat.reports.created import counted, created_in_range, within
from compat.v1.datetimes import from_epoch
from compat.v1.models import BusyTimes, Hour
from compat.v1.query import ReportQuery


def needs(query: ReportQuery, conventions: Conventions) -> ConversationQuery:
    """All conversations created in the range."""
    return created_in_range(query, conventions)


def answer(query: ReportQuery, found: RowSet, conventions: Conventions) -> BusyTimes:
    """All 168 hours of a week by the company's clock, Monday first."""
    zone = ZoneInfo(conventions.company_time_zone)
    rows = within(counted(found.rows, query, conventions), query.current, conventions)
    local = [from_epoch(row.created).astimezone(zone) for row in rows]
    counts = Counter((instant.isoweekday(), instant.hour) for instant in local)
    return BusyTimes(
        tuple(
            Hour(day=day, hour=hour, count=counts[day, hour])
            for day in range(1, 8)
            for hour in range(24)
        )
    )

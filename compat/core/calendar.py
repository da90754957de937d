"""Days, months and offsets of time zones for epoch seconds in UTC, and the calendar's limits.

The calendar repeats itself every 400 years. All months are computed in its first 400, so that they
also work before the year 1 and after the year 9999, where `datetime.date` ends.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = 86_400
"""Seconds in a day: in UTC every day has 24 hours."""

FIRST_SECOND: Final = (1 - date(1970, 1, 1).toordinal()) * DAY
"""0001-01-01T00:00:00Z, before which there are no instants."""

LAST_SECOND: Final = (date.max.toordinal() + 1 - date(1970, 1, 1).toordinal()) * DAY - 1
"""9999-12-31T23:59:59Z, after which there are none."""

_DAYS_BEFORE_1970: Final = date(1970, 1, 1).toordinal() - 1
_WEEKDAY_OF_1970: Final = date(1970, 1, 1).weekday()
_DAYS_IN_CYCLE: Final = 146_097
_YEARS_IN_CYCLE: Final = 400


def within_calendar(second: int) -> int:
    """The nearest second in the years 1 to 9999."""
    return min(max(second, FIRST_SECOND), LAST_SECOND)


def month_start(second: int) -> int:
    """The first second of the month that a second is in."""
    return first_day(month_number(second)) * DAY


def months_before(second: int, months: int) -> int:
    """The same day and time so many months earlier, the day cut to the month's last.

    Returns:
        Epoch seconds UTC, which may lie before `FIRST_SECOND`.
    """
    month = month_number(second) - months
    day = min(day_of_month(second), days_in_month(month))
    return (first_day(month) + day - 1) * DAY + second % DAY


def day_of_month(second: int) -> int:
    """The day of the month that a second is in, from 1 on."""
    return _date(second).day


def month_number(second: int) -> int:
    """Whole months between January of the year 1 and the month that a second is in."""
    cycles = (second // DAY + _DAYS_BEFORE_1970) // _DAYS_IN_CYCLE
    day = _date(second)
    return (cycles * _YEARS_IN_CYCLE + day.year - 1) * 12 + day.month - 1


def days_in_month(month: int) -> int:
    """The length of a month, which is given as `month_number` counts."""
    years, months = divmod(month, 12)
    return calendar.monthrange(years % _YEARS_IN_CYCLE + 1, months + 1)[1]


def first_day(month: int) -> int:
    """Whole days between 1970-01-01 and the first of a month."""
    years, months = divmod(month, 12)
    cycles, year = divmod(years, _YEARS_IN_CYCLE)
    ordinal = date(year + 1, months + 1, 1).toordinal()
    return cycles * _DAYS_IN_CYCLE + ordinal - 1 - _DAYS_BEFORE_1970


def weekday(second: int, zone: ZoneInfo) -> int:
    """The day of the week by a zone's clock, 1 for Monday to 7 for Sunday."""
    day = (second + utc_offset(second, zone)) // DAY
    return (day + _WEEKDAY_OF_1970) % 7 + 1


def utc_offset(second: int, zone: ZoneInfo) -> int:
    """Whole seconds by which a zone's clock is ahead of UTC at an instant, epoch seconds UTC."""
    offset = _offset_of_day(second // DAY, zone)
    return _offset_at(second, zone) if offset is None else offset


def offset_at_local(second: int, zone: ZoneInfo) -> int:
    """The same when that clock itself shows the second; where it does so twice, the first time.

    If the clock is set forward over the second, it is the offset from before.
    """
    return _offset(_moment(second).replace(tzinfo=zone))


@lru_cache(maxsize=8192)
def _offset_of_day(day: int, zone: ZoneInfo) -> int | None:
    """The offset on a whole day in UTC; None if the clock is set on that day.

    No clock is known to be set twice within two days. Reports ask for the offsets of the same days
    again and again, and to convert an instant takes long.
    """
    first, last = _offset_at(day * DAY, zone), _offset_at((day + 1) * DAY, zone)
    return first if first == last else None


def _offset_at(second: int, zone: ZoneInfo) -> int:
    return _offset(_moment(second).replace(tzinfo=UTC).astimezone(zone))


def _moment(second: int) -> datetime:
    """An instant without a zone. Near the years 1 and 9999 it is moved by up to eight days.

    Converting it to another time zone can then not leave the years that `datetime` can hold.
    """
    kept = min(max(second, FIRST_SECOND + 8 * DAY), LAST_SECOND - 8 * DAY)
    return datetime(1970, 1, 1) + timedelta(seconds=kept)  # noqa: DTZ001 - the caller adds the zone


def _offset(local: datetime) -> int:
    return int((local.utcoffset() or timedelta()).total_seconds())


def _date(second: int) -> date:
    """The day that a second is in, moved into the years 1 to 400."""
    return date.fromordinal((second // DAY + _DAYS_BEFORE_1970) % _DAYS_IN_CYCLE + 1)

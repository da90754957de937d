"""How dates are written on the command line, and what they mean."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from compat.config.environment import SettingsError
from compat.v1.datetimes import parse_instant

Period = tuple[date, date]
"""First and last day, both included."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_NUMBERS: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")


def _month(day: date) -> Period:
    first = day.replace(day=1)
    return first, day.replace(day=monthrange(day.year, day.month)[1])


def _week(day: date) -> Period:
    monday = day - day.weekday() * _DAY
    return monday, monday + 6 * _DAY


def _year(day: date) -> Period:
    return day.replace(month=1, day=1), day.replace(month=12, day=31)


_WORDS: Final[dict[str, Callable[[date], Period]]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - _DAY, today - _DAY),
    "this-week": _week,
    "last-week": lambda today: _week(today - _WEEK),
    "this-month": _month,
    "last-month": lambda today: _month(today.replace(day=1) - _DAY),
    "this-year": _year,
    "last-year": lambda today: _year(date(today.year - 1, 1, 1)),
}
WORDS: Final = tuple(_WORDS)
"""The periods that have a name; weeks begin on Monday."""

DATE: Final = f"2015, 2015-01, 2015-01-31, an ISO 8601 instant, or one of {', '.join(WORDS)}"
"""How a date may be written."""


def today() -> date:
    """The present day in UTC, by which words such as `last-month` are read."""
    return datetime.now(UTC).date()


def period(text: str, today: date) -> Period | None:
    """The days that a text means.

    Args:
        text: `2015`, `2015-01`, `2015-01-31`, or one of `WORDS`.
        today: The day on which it is asked, in UTC.

    Returns:
        None if the text is none of these; it may still be an instant.
    """
    if text in _WORDS:
        return _WORDS[text](today)
    numbers = _NUMBERS.fullmatch(text)
    if numbers is None:
        return None
    year, month, day = numbers.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if day:
        return first, first
    return _month(first) if month else _year(first)


def edges(start: str | None, end: str | None, today: date) -> tuple[str | None, str | None]:
    """First and last instant of a range, as the old API writes them.

    A period means its first second as a start, and its last as an end. Without an end, the range
    is the period that begins it. Other texts are returned as they are, for the old API's rules.
    """
    first, last = (period(text, today) if text else None for text in (start, end))
    opening = f"{first[0].isoformat()}T00:00:00Z" if first else start
    if end is None:
        return opening, f"{first[1].isoformat()}T23:59:59Z" if first else None
    return opening, f"{last[1].isoformat()}T23:59:59Z" if last else end


def range_from_options(
    options: tuple[str, str], start: str | None, end: str | None
) -> tuple[str | None, str | None]:
    """The same, for the texts of two options; errors name the options.

    Args:
        options: The names of the two options.
        start: The text of the first, if it was given.
        end: The text of the second, if it was given.

    Raises:
        SettingsError: A text is no date, or one of the two is missing.
    """
    now = today()
    for option, text in zip(options, (start, end), strict=True):
        if text is not None and not _is_date(text, now):
            raise SettingsError(f"{option}: {text!r} is none of {DATE}")
    first, last = options
    if start is None and end is not None:
        raise SettingsError(f"{first} is needed with {last}: give both")
    if start is not None and end is None and period(start, now) is None:
        raise SettingsError(f"{last} is needed where {first} is an instant: give {DATE}")
    return edges(start, end, now)


def _is_date(text: str, today: date) -> bool:
    from compat.config.conventions import Conventions

    if period(text, today):
        return True
    try:
        parse_instant(text, Conventions(compact_offsets=True), end=False)
    except ValueError:
        return False
    return True


def epoch_second(option: str, text: str, today: date, *, last: bool) -> int:
    """The first or last second of a period, or the second of an instant, epoch UTC.

    Args:
        option: The option that the text is from, for the error.
        text: A date as `DATE` describes it.
        today: The day on which it is asked, in UTC.
        last: Whether a period means its last second.

    Raises:
        SettingsError: The text is no date.
    """
    days = period(text, today)
    try:
        if days is None:
            instant = datetime.fromisoformat(text)
            instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
            return (instant - EPOCH) // timedelta(seconds=1)
        day = (days[last] - EPOCH.date()) // timedelta(days=1)
    except (ValueError, OverflowError):
        raise SettingsError(f"{option}: {text} is none of {DATE}") from None
    return day * 86_400 + (86_399 if last else 0)

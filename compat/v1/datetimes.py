"""Instants as the old API's callers write them, and as its answers print them.

Everything is UTC and whole seconds. A pattern decides what is an instant before
`datetime.fromisoformat` sees it, because that reads more than callers ever meant: week dates,
offsets with seconds, and from Python 3.13 on an hour 24.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from compat.config.conventions import Conventions

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)

# [0-9] and not \d, which also takes full-width and Devanagari digits. The blank stands where
# an unescaped plus was decoded as a space, as form encoding wants it.
_INSTANT: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T(?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.[0-9]+)?"
    r"(?:Z|(?P<sign>[-+ ])(?P<hours>[01][0-9]|2[0-3])(?P<colon>:?)(?P<minutes>[0-5][0-9]))?)?"
)

_LAST_TIME: Final = {"midnight": "00:00:00", "last-second": "23:59:59"}


def parse_instant(text: str, conventions: Conventions, *, end: bool) -> datetime:
    """The instant that a caller's text means, aware, in UTC, in whole seconds.

    Read are `2015-01-31T23:59:59` followed by nothing (UTC), `Z`, or an offset such as `+01:00`
    whose plus may have arrived as a space; a fraction of any length, which is dropped; and a
    date alone, which is midnight UTC. All these were observed in clients or decided after what
    parsers of the time took. Conventions say whether `+0100` is read and what a date alone
    means as an end.

    Args:
        text: The decoded value of a parameter.
        conventions: The decided rules.
        end: Whether the instant closes a range.

    Raises:
        ValueError: The text is none of these, names a day that does not exist, or lies outside
            the years 1 to 9999 once it is turned into UTC.
    """
    found = _INSTANT.fullmatch(text)
    if found is None or _is_refused_offset(found, conventions):
        raise ValueError(f"not an instant: {text!r}")
    time = found["time"] or (_LAST_TIME[conventions.date_only_end] if end else "00:00:00")
    local = datetime.fromisoformat(f"{found['day']}T{time}+00:00")
    try:
        return local - _offset(found)
    except OverflowError:
        raise ValueError(f"outside the years 1 to 9999: {text!r}") from None


def format_instant(instant: datetime) -> str:
    """The text `yyyy-MM-ddTHH:mm:ssZ`, the only form that every known client parses.

    Years before 1000 keep their four digits; fractions of a second are dropped.

    Raises:
        ValueError: The instant has no time zone.
    """
    if instant.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return f"{instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def format_epoch(second: int) -> str:
    """The same text, of a second since 1970-01-01T00:00:00Z.

    Raises:
        ValueError: It lies outside the years 1 to 9999.
    """
    return format_instant(from_epoch(second))


def to_epoch(instant: datetime) -> int:
    """Whole seconds since 1970-01-01T00:00:00Z, rounded down; exact for every year.

    Raises:
        TypeError: The instant has no time zone.
    """
    return (instant - _EPOCH) // _SECOND


def from_epoch(seconds: int) -> datetime:
    """The instant so many seconds after 1970-01-01T00:00:00Z, aware and in UTC.

    Raises:
        ValueError: It lies outside the years 1 to 9999.
    """
    try:
        return _EPOCH + seconds * _SECOND
    except OverflowError:
        raise ValueError(f"outside the years 1 to 9999: {seconds} seconds") from None


def _is_refused_offset(found: re.Match[str], conventions: Conventions) -> bool:
    compact = found["sign"] is not None and not found["colon"]
    return compact and not conventions.compact_offsets


def _offset(found: re.Match[str]) -> timedelta:
    if found["sign"] is None:
        return timedelta()
    size = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    return -size if found["sign"] == "-" else size

"""Parse instants in requests, format instants in answers, and convert epoch seconds.

Everything is UTC and whole seconds. A pattern checks a text before `datetime.fromisoformat` parses
it, because that accepts more than the old API did: week dates, offsets with seconds, and from
Python 3.13 on hour 24.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from compat.config.conventions import Conventions

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)

# [0-9] and not \d, which also matches full-width and Devanagari digits. The space in the sign is an
# unescaped plus, which form decoding turns into a space.
_INSTANT: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T(?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.[0-9]+)?"
    r"(?:Z|(?P<sign>[-+ ])(?P<hours>[01][0-9]|2[0-3])(?P<colon>:?)(?P<minutes>[0-5][0-9]))?)?"
)

_LAST_TIME: Final = {"midnight": "00:00:00", "last-second": "23:59:59"}


def parse_instant(text: str, conventions: Conventions, *, end: bool) -> datetime:
    """The instant that a text means, aware, in UTC, in whole seconds.

    Accepted are `2015-01-31T23:59:59` followed by nothing (UTC), by `Z`, or by an offset such as
    `+01:00`, whose plus may have become a space; a fraction of any length, which is dropped; and
    a date alone, which is midnight UTC. Clients were observed to send these forms, or parsers of
    that time accepted them. Conventions decide whether `+0100` is accepted and what a date alone
    means as the end of a range.

    Args:
        text: The decoded value of a parameter.
        conventions: The undocumented rules.
        end: Whether the instant is the end of a range.

    Raises:
        ValueError: The text has none of these forms, names a day that does not exist, or is
            outside the years 1 to 9999 in UTC.
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
    """The same text for epoch seconds.

    Raises:
        ValueError: It is outside the years 1 to 9999.
    """
    return format_instant(from_epoch(second))


def to_epoch(instant: datetime) -> int:
    """Epoch seconds of an instant, rounded down; exact for every year.

    Raises:
        TypeError: The instant has no time zone.
    """
    return (instant - _EPOCH) // _SECOND


def from_epoch(seconds: int) -> datetime:
    """The instant of epoch seconds, aware and in UTC.

    Raises:
        ValueError: It is outside the years 1 to 9999.
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

"""Office hours as a setting: the text of a weekly schedule, and what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 86_400
_EXAMPLE: Final = "mon-fri 09:00-17:30"
_NEITHER: Final = (
    f"part {{}} is neither days with times, such as {_EXAMPLE}, nor, as the last part, a time "
    "zone that is known here, such as Europe/Berlin"
)
_BACKWARDS: Final = (
    "part {} ends before it begins: write hours past midnight as two parts, such as "
    "fri 22:00-24:00, sat 00:00-06:00"
)
_HOURS: Final = re.compile(
    rf"({'|'.join(_DAYS)})(?:-({'|'.join(_DAYS)}))? +"
    r"([0-9]{1,2}):([0-5][0-9]) ?- ?([0-9]{1,2}):([0-5][0-9])"
)


class OfficeHours(NamedTuple):
    """The hours of a week in which a company answers.

    Attributes:
        week: When it is open, in seconds by the local clock since Monday 00:00: the first second
            of each time and the second after its last, in ascending order, without overlaps.
        zone: The time zone of that clock; None for the company's.
    """

    week: tuple[tuple[int, int], ...]
    zone: str | None


@cache
def parse_office_hours(text: str) -> OfficeHours:
    """The meaning of a schedule such as `mon-fri 09:00-17:30, sat 10:00-14:00, Europe/Berlin`.

    Capitals do not matter in days. Days may go past Sunday (`sat-mon`), and a day may be named
    more than once: it is open if any part says so.

    Raises:
        ValueError: It is no schedule. The message says which part is wrong and what to write.
    """
    parts = [part for part in map(str.strip, text.split(",")) if part]
    zone = parts.pop() if parts and is_time_zone(parts[-1]) else None
    if not parts:
        raise ValueError(f"there are no days with times, such as {_EXAMPLE}")
    times = sorted(each for number, part in enumerate(parts, 1) for each in _times(part, number))
    week: list[tuple[int, int]] = []
    for first, after in times:
        if week and first <= week[-1][1]:
            week[-1] = week[-1][0], max(week[-1][1], after)
        else:
            week.append((first, after))
    return OfficeHours(tuple(week), zone)


def is_time_zone(name: str) -> bool:
    """Whether the time zone database has a zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _times(part: str, number: int) -> Iterator[tuple[int, int]]:
    found = _HOURS.fullmatch(part.lower())
    if found is None:
        raise ValueError(_NEITHER.format(number))
    day, last_day = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
    first, after = (60 * (60 * int(found[hour]) + int(found[hour + 1])) for hour in (3, 5))
    if max(first, after) > _DAY:
        raise ValueError(_NEITHER.format(number))
    if after <= first:
        raise ValueError(_BACKWARDS.format(number))
    for each in range(day, day + (last_day - day) % 7 + 1):
        midnight = each % 7 * _DAY
        yield midnight + first, midnight + after

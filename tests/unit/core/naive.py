"""The same rules in the slowest way: day after day of a calendar, every instant tried everywhere.

Nothing here may come from the code under test, or their mistakes would agree.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from compat.config.conventions import MonthStep, StartSnap, ViewBy

LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def seconds(instant: datetime) -> int:
    """Whole seconds since 1970, by days and seconds instead of a division."""
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400 + since.seconds


def calendar_starts(start: datetime, view_by: ViewBy, month_step: MonthStep) -> Iterator[datetime]:
    """Bucket starts one after the other, until the calendar ends."""
    try:
        if view_by == "month" and month_step != "thirty-days":
            yield from _calendar_months(start, drifting=month_step == "drifting")
        length = timedelta(days={"day": 1, "week": 7, "month": 30}[view_by])
        while True:
            yield start
            start += length
    except OverflowError:
        return


def _calendar_months(start: datetime, *, drifting: bool) -> Iterator[datetime]:
    wanted, month = start.day, start.replace(day=1)
    while True:
        day = wanted
        while (found := month + timedelta(days=day - 1)).month != month.month:
            day -= 1
        yield found
        if drifting:
            wanted = day
        month = (month + timedelta(days=31)).replace(day=1)


def starts(start: int, end: int, view_by: ViewBy, month_step: MonthStep = "clamped") -> list[int]:
    """Bucket starts of a range: the first, and those that lie before its end."""
    anchor = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
    found: list[int] = []
    for opening in map(seconds, calendar_starts(anchor, view_by, month_step)):
        if found and opening >= end:
            break
        found.append(opening)
    return found


def count(
    instants: Sequence[int], starts: Sequence[int], end: int, end_included: bool = True
) -> list[int]:
    """Every instant against every bucket."""
    counts = [0] * len(starts)
    for instant in instants:
        if instant > end or (instant == end and not end_included):
            continue
        for number, opening in enumerate(starts):
            closes = starts[number + 1] if number + 1 < len(starts) else None
            if instant >= opening and (closes is None or instant < closes):
                counts[number] += 1
    return counts


def snapped(start: int, snap: StartSnap, zone: str) -> int:
    """A clock on a wall turned back by quarters of an hour, as long as it shows the day wanted.

    It knows only zones whose clocks are off by quarters, as all are since 1980.
    """
    if snap == "exact":
        return start

    def shown(seconds: int) -> date:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        return moment.astimezone(ZoneInfo(zone)).date()

    day = shown(start)
    while snap == "monday" and day.weekday():
        day -= timedelta(days=1)
    first = start - start % 900
    while shown(first) > day or shown(first - 900) == day:
        first -= 900
    return first

"""Cut a range into buckets, and count the instants in each.

Instants are integers: epoch seconds in UTC, negative before 1970. A range runs from `start` to
`end`. Its first bucket begins exactly at `start`, at any time of day. Each further bucket must
begin before `end`. The last bucket may be shorter than the others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from compat.core.calendar import (
    DAY,
    FIRST_SECOND,
    day_of_month,
    days_in_month,
    first_day,
    month_number,
    offset_at_local,
    utc_offset,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.config.conventions import MonthStep, StartSnap, ViewBy

_MONTHS_UNTIL_DRIFT_ENDS: Final = 24
_WEEKDAY_OF_1970: Final = date(1970, 1, 1).weekday()


def snap_start(start: int, snap: StartSnap, zone: str) -> int:
    """The start of a range, moved back to a midnight if the convention says so.

    On a day without a midnight, because clocks were set forward, its first second is used. On a
    day with two midnights the first is used. The result is never before the year 1.

    Args:
        start: First second of the range as requested, epoch seconds UTC.
        snap: Which midnight: that of the day, that of the week's Monday, or none.
        zone: The name of the time zone whose midnight is meant.
    """
    if snap == "exact":
        return start
    clock = ZoneInfo(zone)
    day = (start + utc_offset(start, clock)) // DAY
    if snap == "monday":
        day -= (day + _WEEKDAY_OF_1970) % 7
    midnight = day * DAY
    return max(FIRST_SECOND, midnight - offset_at_local(midnight, clock))


def starts(start: int, end: int, view_by: ViewBy, month_step: MonthStep = "clamped") -> list[int]:
    """The first second of each bucket of a range, in ascending order.

    There is always at least one, `start` itself, also when the range is shorter than a bucket or
    empty. A range that is exactly N buckets long has N buckets.

    Args:
        start: First second of the range, epoch seconds UTC.
        end: Last second of the range, epoch seconds UTC; not before `start`.
        view_by: The length of a bucket.
        month_step: How buckets by month follow each other; used only if `view_by` is `month`.
    """
    if step := _seconds(view_by, month_step):
        return list(range(start, max(end, start + 1), step))
    return [
        _months_later(start, number, month_step)
        for number in range(number_of_buckets(start, end, view_by, month_step))
    ]


def number_of_buckets(
    start: int, end: int, view_by: ViewBy, month_step: MonthStep = "clamped"
) -> int:
    """The length of the list that `starts` returns for the same arguments.

    The list is not built, so a request for ten thousand years by day is refused at no cost.
    """
    if step := _seconds(view_by, month_step):
        return max(1, -((start - end) // step))
    months = month_number(end) - month_number(start)
    opens_in_last_month = _months_later(start, months, month_step) < end
    return max(1, months + opens_in_last_month)


def count(
    instants: Sequence[int], starts: Sequence[int], end: int, end_included: bool = True
) -> list[int]:
    """The number of instants in each bucket, in the order of the buckets.

    A bucket includes its first second and excludes the first second of the next bucket. The
    last bucket ends at `end`, and includes that second unless `end_included` is false. Instants
    outside the range are not counted, so the numbers add up to the instants in the range.

    Args:
        instants: Epoch seconds UTC in ascending order, with repetitions; a list or `array("q")`.
        starts: The first seconds of the buckets, as `starts` returns them; at least one.
        end: Last second of the range, epoch seconds UTC; not before the last bucket's start.
        end_included: Whether an instant equal to `end` counts.
    """
    to_the_end = bisect_right if end_included else bisect_left
    edges = [bisect_left(instants, start) for start in starts]
    edges.append(to_the_end(instants, end))
    return [after - before for before, after in pairwise(edges)]


def _seconds(view_by: ViewBy, month_step: MonthStep) -> int | None:
    """The fixed length of a bucket, or None where it follows the calendar."""
    if view_by == "month":
        return 30 * DAY if month_step == "thirty-days" else None
    return {"day": DAY, "week": 7 * DAY}[view_by]


def _months_later(start: int, months: int, month_step: MonthStep) -> int:
    """The beginning of the bucket that lies so many calendar months after the first."""
    first = month_number(start)
    passed = [months]
    if month_step == "drifting":
        # A short month on the way lowers the day for all that follow. Any two years contain a
        # February of 28 days, and the day cannot become lower than that.
        passed = list(range(min(months, _MONTHS_UNTIL_DRIFT_ENDS) + 1))
    day = min([day_of_month(start), *(days_in_month(first + number) for number in passed)])
    return (first_day(first + months) + day - 1) * DAY + start % DAY

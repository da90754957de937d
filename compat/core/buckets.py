"""Where a range is cut into buckets, and how many instants fall into each.

Instants are integers here: seconds since 1970-01-01T00:00:00Z, negative before it. A range runs
from `start` to `end`; its first bucket begins exactly at `start`, whatever the time of day, and
another one opens as long as it would begin before `end`. The last bucket may be a stub.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from compat.core.calendar import (
    DAY,
    FIRST_SECOND,
    LAST_SECOND,
    day_of_month,
    days_in_month,
    first_day,
    month_number,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.config.conventions import MonthStep, StartSnap, ViewBy

_MONTHS_UNTIL_DRIFT_ENDS: Final = 24
_WEEKDAY_OF_1970: Final = date(1970, 1, 1).weekday()


def snap_start(start: int, snap: StartSnap, zone: str) -> int:
    """Where a range begins whose start is moved back to a midnight; never after `start`.

    Where clocks skip midnight, the day's first second takes its place; where they meet it twice,
    the first one counts. Nothing is moved before the year 1.

    Args:
        start: First second of the range as asked for, epoch seconds UTC.
        snap: Which midnight: the day's or that of its week's Monday; or none.
        zone: The time zone by whose clock it is midnight.
    """
    if snap == "exact":
        return start
    clock = ZoneInfo(zone)
    day = (start + _offset(_moment(start).replace(tzinfo=UTC).astimezone(clock))) // DAY
    if snap == "monday":
        day -= (day + _WEEKDAY_OF_1970) % 7
    midnight = day * DAY
    return max(FIRST_SECOND, midnight - _offset(_moment(midnight).replace(tzinfo=clock)))


def starts(start: int, end: int, view_by: ViewBy, month_step: MonthStep = "clamped") -> list[int]:
    """The beginnings of a range's buckets, in ascending order.

    There is at least one, `start` itself, also when the range is shorter than a bucket or has
    no length at all. A range that is an exact number of buckets long gets exactly that many.

    Args:
        start: First second of the range, epoch seconds UTC.
        end: Last second of the range, epoch seconds UTC; not before `start`.
        view_by: The length of a bucket.
        month_step: How months follow each other; only read when `view_by` is `month`.
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
    """The length of the list that `starts` gives for the same arguments, without building it.

    The cost does not grow with the range, so that a request for ten thousand years by day can
    be refused for nothing.
    """
    if step := _seconds(view_by, month_step):
        return max(1, -((start - end) // step))
    months = month_number(end) - month_number(start)
    opens_in_last_month = _months_later(start, max(0, months), month_step) < end
    return max(1, months + opens_in_last_month)


def count(
    instants: Sequence[int], starts: Sequence[int], end: int, end_included: bool = True
) -> list[int]:
    """How many instants fall into each bucket, in the order of the buckets.

    A bucket holds its own first second and everything up to the next bucket's. The last one
    reaches to `end`, that very second included unless `end_included` is false, also where a
    further bucket would begin there. Instants before the first bucket or after `end` count
    nowhere, so the numbers add up to the instants within the range.

    Args:
        instants: Epoch seconds UTC in ascending order, repetitions allowed; a list or `array("q")`.
        starts: The beginnings of the buckets as `starts` gives them; at least one.
        end: Last second of the range, epoch seconds UTC; not before the last bucket's start.
        end_included: Whether an instant equal to `end` counts.
    """
    to_the_end = bisect_right if end_included else bisect_left
    edges = [bisect_left(instants, start) for start in starts]
    edges.append(to_the_end(instants, end, edges[-1]))
    return [after - before for before, after in pairwise(edges)]


def _moment(seconds: int) -> datetime:
    """An instant without a zone, kept a few days within the years that have a calendar."""
    kept = min(max(seconds, FIRST_SECOND + 8 * DAY), LAST_SECOND - 8 * DAY)
    return datetime(1970, 1, 1) + timedelta(seconds=kept)  # noqa: DTZ001 - the caller adds one


def _offset(local: datetime) -> int:
    """Whole seconds by which a clock is ahead of UTC."""
    return int((local.utcoffset() or timedelta()).total_seconds())


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
        # What a short month cuts off the day stays off. Within two years a February of 28
        # days has been met, and nothing more can be lost.
        passed = list(range(1, min(months, _MONTHS_UNTIL_DRIFT_ENDS) + 1))
    day = min([day_of_month(start), *(days_in_month(first + number) for number in passed)])
    return (first_day(first + months) + day - 1) * DAY + start % DAY

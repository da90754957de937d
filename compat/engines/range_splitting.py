"""Splits a range into parts that the successor's limits allow.

Buckets of days, weeks and months all begin a whole number of days after the range does. So a
series by day that begins where the range begins can be added up to any of them, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from compat.config.conventions import MonthStep, ViewBy
from compat.core.calendar import DAY

_LONGEST_BY_DAY: Final = 60 * DAY
_LONGEST_BY_WEEK: Final = 365 * DAY
_SHORTEST_BY_MONTH: Final = 61 * DAY
"""The successor views at most 60 days by day, a year by week, and at least 61 days by month. How
it measures a range of exactly that length is not known; such a range is split."""


class RangePart(NamedTuple):
    """The range of one request: epoch seconds, both included, and the length of its buckets."""

    first: int
    last: int
    view_by: ViewBy


def split_range(
    first: int, last: int, starts: Sequence[int], view_by: ViewBy, month_step: MonthStep
) -> list[RangePart]:
    """The parts that together cover each second of a range once.

    Args:
        first: The first second that counts, epoch UTC.
        last: The last second that counts; not before `first`.
        starts: Where the buckets of the answer begin.
        view_by: The length of these buckets.
        month_step: How months follow each other.
    """
    if _allowed(last - first, view_by, month_step):
        parts = [RangePart(first, last, view_by)]
    else:
        parts = list(_by_day(first, last))
    *before, final = parts
    if final.last in starts and final.last > final.first:
        # A bucket begins with the last second: the successor would count it to the one before.
        parts = [
            *before,
            final._replace(last=final.last - 1),
            RangePart(final.last, final.last, "day"),
        ]
    return parts


def _allowed(length: int, view_by: ViewBy, month_step: MonthStep) -> bool:
    """Whether the successor accepts a range of this view, and cuts it into the same buckets."""
    if view_by == "month":
        return month_step == "clamped" and length >= _SHORTEST_BY_MONTH
    return length < {"day": _LONGEST_BY_DAY, "week": _LONGEST_BY_WEEK}[view_by]


def _by_day(first: int, last: int) -> Iterator[RangePart]:
    for start in range(first, last + 1, _LONGEST_BY_DAY):
        yield RangePart(start, min(start + _LONGEST_BY_DAY - 1, last), "day")

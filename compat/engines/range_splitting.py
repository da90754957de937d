"""Which stretches of time the successor is asked about, where its limits refuse the whole.

Buckets of days, weeks and months all begin a whole number of days after the range does. So a
series by day that begins where the range begins can be counted again into any of them, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from compat.config.conventions import MonthStep, ViewBy
from compat.core.buckets import DAY

_PIECE: Final = 60 * DAY
_YEAR: Final = 365 * DAY
_TWO_MONTHS: Final = 61 * DAY
"""The successor views at most 60 days by day, a year by week, and at least 61 days by month. How
it measures a range that is just as long is not known; those are asked about in pieces."""


class Piece(NamedTuple):
    """What one request is about: seconds, both ends included, and the buckets it is cut into."""

    first: int
    last: int
    view_by: ViewBy


def pieces(
    first: int, last: int, starts: Sequence[int], view_by: ViewBy, month_step: MonthStep
) -> list[Piece]:
    """The requests that together bring each second of a range once.

    Args:
        first: The first second that counts, epoch UTC.
        last: The last second that counts; not before `first`.
        starts: Where the buckets that are wanted begin.
        view_by: How long they are.
        month_step: How months follow each other.
    """
    if _is_taken(last - first, view_by, month_step):
        found = [Piece(first, last, view_by)]
    else:
        found = list(_by_day(first, last))
    *before, final = found
    if final.last in starts and final.last > final.first:
        # A bucket that begins with the last second: the successor would count it to the one before.
        found = [
            *before,
            final._replace(last=final.last - 1),
            Piece(final.last, final.last, "day"),
        ]
    return found


def _is_taken(length: int, view_by: ViewBy, month_step: MonthStep) -> bool:
    """Whether the successor views a range in this way, and cuts it as it is to be cut."""
    if view_by == "month":
        return month_step == "clamped" and length >= _TWO_MONTHS
    return length < {"day": _PIECE, "week": _YEAR}[view_by]


def _by_day(first: int, last: int) -> Iterator[Piece]:
    for start in range(first, last + 1, _PIECE):
        yield Piece(start, min(start + _PIECE - 1, last), "day")

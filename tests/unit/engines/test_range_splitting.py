"""A range that the successor refuses is split into parts that cover each second once."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given, settings

from compat.config.conventions import ViewBy
from compat.core import buckets
from compat.core.calendar import DAY
from compat.engines.relay_client import RangePart, split_range
from tests.strategies import Case, cases

FIRST = 1_420_070_400
EXAMPLES = min(settings().max_examples, 400)


def cut(case: Case) -> list[RangePart]:
    """The pieces of a case; those of its first second if its last does not count."""
    last = max(case.start, case.end if case.end_included else case.end - 1)
    starts = buckets.starts(case.start, case.end, case.view_by, case.month_step)
    return split_range(case.start, last, starts, case.view_by, case.month_step)


@settings(max_examples=EXAMPLES)
@given(case=cases())
def test_parts_touch_and_cover_the_range(case: Case) -> None:
    found = cut(case)
    assert found[0].first == case.start
    assert found[-1].last in {case.end, case.end - 1}
    assert all(before.last + 1 == after.first for before, after in pairwise(found))
    assert all(piece.first <= piece.last for piece in found)


@settings(max_examples=EXAMPLES)
@given(case=cases())
def test_the_successor_accepts_every_part(case: Case) -> None:
    for first, last, view_by in cut(case):
        most = {"day": 60 * DAY, "week": 365 * DAY, "month": 10**12}[view_by]
        least = 61 * DAY if view_by == "month" else 0
        assert least <= last - first + 1 <= most + 1


def composed(case: Case, *, end_included: bool) -> list[int]:
    """What a successor says of the pieces, added up; it counts `end` or not."""
    starts = buckets.starts(case.start, case.end, case.view_by, case.month_step)
    counts = [0] * len(starts)
    for first, last, view_by in cut(case):
        end = last if end_included else last + 1
        theirs = buckets.starts(first, end, view_by)
        within = [each for each in case.instants if first <= each]
        for start, count in zip(
            theirs, buckets.count(within, theirs, end, end_included), strict=True
        ):
            counts[bisect_right(starts, start) - 1] += count
    return counts


@pytest.mark.parametrize("end_included", [True, False])
@settings(max_examples=EXAMPLES)
@given(case=cases())
def test_added_up_they_give_what_counting_the_whole_gives(end_included: bool, case: Case) -> None:
    if not case.end_included and case.end == case.start:
        return  # no second counts, and nothing is asked
    starts = buckets.starts(case.start, case.end, case.view_by, case.month_step)
    whole = buckets.count(case.instants, starts, case.end, case.end_included)
    assert composed(case, end_included=end_included) == whole


@pytest.mark.parametrize(
    ("length", "view_by", "number"),
    [
        (60 * DAY - 1, "day", 1),
        (60 * DAY, "day", 2),
        (180 * DAY - 1, "day", 3),
        (365 * DAY - 1, "week", 1),
        (366 * DAY - 1, "week", 7),
        (61 * DAY, "month", 1),
        (61 * DAY - 1, "month", 2),
        (28 * DAY, "month", 1),
        (3650 * DAY, "month", 1),
    ],
)
def test_a_range_is_cut_only_where_it_would_be_refused(
    length: int, view_by: ViewBy, number: int
) -> None:
    starts = buckets.starts(FIRST, FIRST + length, view_by)
    assert len(split_range(FIRST, FIRST + length, starts, view_by, "clamped")) == number


def test_months_that_the_successor_cuts_otherwise_are_counted_from_days() -> None:
    last = FIRST + 100 * DAY
    starts = buckets.starts(FIRST, last, "month", "thirty-days")
    found = split_range(FIRST, last, starts, "month", "thirty-days")
    assert {piece.view_by for piece in found} == {"day"}

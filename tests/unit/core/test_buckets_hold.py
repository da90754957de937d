"""The real way of cutting and counting, against every check."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.core import buckets
from tests.strategies import Case, cases, previous_ranges
from tests.unit.core import naive
from tests.unit.core.checks import CHECKS, Way

Check = Callable[[Way, Case], None]


@pytest.mark.parametrize("check", CHECKS)
@given(case=cases())
def test_ranges_are_cut_and_counted_right(check: Check, case: Case) -> None:
    check(Way(), case)


@given(case=cases())
def test_an_array_of_instants_counts_like_a_list(case: Case) -> None:
    openings = buckets.starts(case.start, case.end, case.view_by, case.month_step)
    from_array = buckets.count(array("q", case.instants), openings, case.end, case.end_included)
    assert from_array == Way().counted(case)


@given(case=cases(), data=st.data())
def test_a_previous_range_is_cut_from_its_own_start(case: Case, data: st.DataObject) -> None:
    start, end = data.draw(previous_ranges(case))
    openings = buckets.starts(start, end, case.view_by, case.month_step)
    expected = naive.starts(start, end, case.view_by, case.month_step)
    assert openings == expected
    assert buckets.count(case.instants, openings, end) == naive.count(case.instants, expected, end)


@given(case=cases())
def test_neighbouring_ranges_that_leave_out_their_end_share_nothing(case: Case) -> None:
    middle = (case.start + case.end) // 2
    halves = [(case.start, middle), (middle, case.end)]
    parts = [
        sum(buckets.count(case.instants, [start], end, end_included=False)) for start, end in halves
    ]
    assert sum(parts) == sum(buckets.count(case.instants, [case.start], case.end, False))

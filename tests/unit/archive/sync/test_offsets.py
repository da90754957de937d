"""Accepted differences between totals and rows; what is kept of them, and where a cut may go."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.archive.sync import offsets
from compat.archive.sync.offsets import Compared, Offset
from compat.core.intervals import Interval

LIST = Compared(7, spam=False)
ALL = Interval(0, 100)


def test_only_those_of_the_list_and_wholly_within_count() -> None:
    accepted = [
        Offset(7, False, 10, 20, 3),
        Offset(7, False, 90, 110, 5),
        Offset(7, True, 10, 20, 7),
        Offset(8, False, 10, 20, 11),
        Offset(7, False, 0, None, 13),
    ]
    assert offsets.within(accepted, LIST, ALL) == 3
    assert offsets.rest(accepted, LIST, ALL) == 13
    assert offsets.rest(accepted, LIST, Interval(1, 100)) == 0


def test_a_new_one_takes_the_place_of_those_within_it() -> None:
    accepted = offsets.with_part([], LIST, Interval(10, 20), 3)
    accepted = offsets.with_part(accepted, LIST, Interval(5, 30), 2)
    assert accepted == [Offset(7, False, 5, 30, 2)]
    assert offsets.with_part(accepted, LIST, ALL, 0) == []


def test_the_rest_is_kept_apart() -> None:
    accepted = offsets.with_rest([Offset(7, False, 5, 30, 2)], LIST, ALL, 4)
    assert offsets.within(accepted, LIST, ALL) == 2
    assert offsets.rest(accepted, LIST, ALL) == 4
    assert offsets.with_rest(accepted, LIST, ALL, 0) == [Offset(7, False, 5, 30, 2)]


def test_they_survive_as_json() -> None:
    accepted = [Offset(7, False, 5, 30, 2), Offset(7, True, 0, None, -4)]
    assert offsets.read(json.loads(json.dumps(accepted))) == accepted
    assert offsets.read(None) == []


@pytest.mark.parametrize(
    ("cut", "clear"), [(9, 9), (10, 9), (15, 9), (19, 9), (20, 20), (21, 21), (100, None)]
)
def test_a_cut_goes_around_them(cut: int, clear: int | None) -> None:
    assert offsets.clear_of([Offset(7, False, 10, 20, 3)], LIST, ALL, cut) == clear


SPANS = st.tuples(st.integers(0, 60), st.integers(0, 40)).map(
    lambda each: Interval(each[0], sum(each))
)


@given(st.lists(SPANS, max_size=4), st.integers(0, 99))
def test_whatever_is_accepted_a_cut_that_is_found_leaves_each_on_one_side(
    spans: list[Interval], cut: int
) -> None:
    accepted: list[Offset] = []
    for span in spans:
        if not any(span.first <= (each.last or 0) and each.first <= span.last for each in accepted):
            accepted.append(Offset(*LIST, *span, 1))
    clear = offsets.clear_of(accepted, LIST, ALL, cut)
    if clear is not None:
        assert ALL.first <= clear < ALL.last
        for each in accepted:
            assert each.last is not None
            assert each.last <= clear or each.first > clear

"""Drawn questions touch edges, stay in their window, and do not repeat."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.core import buckets
from compat.core.calendar import DAY
from compat.core.intervals import Interval
from compat.core.models import Row
from compat.parity.captures.models import OldQuestion
from compat.parity.live import draw_questions
from compat.v1.query import parse_pairs
from compat.v1.routes import find_route
from tests.unit.reports.samples import FIRST, row

WINDOW = Interval(FIRST, FIRST + 100 * DAY)
ROWS = [
    row(FIRST + at, id=number, tags=(5,) if number % 2 else (), mailbox=number % 3)
    for number, at in enumerate((0, 1, 40_000, 40_000, 9 * DAY, 50 * DAY + 7, 100 * DAY))
]


def some(most: int = 600, seed: int = 1) -> list[OldQuestion]:
    return list(islice(draw_questions(ROWS, WINDOW, seed), most))


def test_the_first_questions_are_about_the_whole_window_in_every_view() -> None:
    assert [(each.ranges, each.view_by) for each in some(4)] == [
        ([WINDOW], "day"),
        ([WINDOW], "week"),
        ([WINDOW], "month"),
        ([WINDOW], None),
    ]


def test_no_question_leaves_the_window_or_comes_twice() -> None:
    asked = some()
    assert all(WINDOW.first <= each.first <= each.last <= WINDOW.last
               for one in asked for each in one.ranges)  # fmt: skip
    assert len({each.target() for each in asked}) == len(asked) == 600


def test_equal_seeds_give_equal_questions_and_other_seeds_others() -> None:
    assert some(50) == some(50)
    assert some(50, seed=2) != some(50)


def test_conversations_are_in_the_seconds_of_edges_and_beside_them() -> None:
    touched = {"start": set[int](), "end": set[int](), "bucket": set[int]()}
    for question in some():
        span, view_by = question.ranges[0], question.view_by or "week"
        for created in (each.created for each in ROWS):
            touched["start"].add(created - span.first)
            touched["end"].add(created - span.last)
            for start in buckets.starts(*span, view_by)[1:]:
                touched["bucket"].add(created - start)
    assert all({-1, 0, 1} <= distances for distances in touched.values())


def test_every_view_and_every_filter_occurs_and_previous_ranges_too() -> None:
    asked = some()
    assert {each.view_by for each in asked} == {"day", "week", "month", None}
    assert {tuple(each.filters) for each in asked} >= {
        (),
        ("mailboxes",),
        ("tags",),
        ("types",),
        ("mailboxes", "tags"),
    }
    assert any(each.previous for each in asked)


@given(seed=st.integers(0, 1000))
def test_a_target_means_the_question(seed: int) -> None:
    asked = some(8, seed)[-1]
    path, _, query = asked.target().partition("?")
    route = find_route("GET", path)
    assert path == asked.path == "/v1/reports/conversations/new.json"
    assert route.pairs(path, parse_pairs(query.encode())) == asked.pairs()


@pytest.mark.parametrize("rows", [[], ROWS[:1]])
def test_questions_about_few_conversations_end(rows: list[Row]) -> None:
    found = list(draw_questions(rows, Interval(FIRST, FIRST + 1)))
    assert 4 <= len(found) < 400

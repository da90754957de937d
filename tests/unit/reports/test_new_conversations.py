"""The answer of `conversations/new.json`, from rows to buckets."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.models import RowSet
from compat.engines.computed import load_report
from compat.reports import new_conversations
from compat.v1.datetimes import format_instant, from_epoch
from compat.v1.routes import route_of_report
from tests.strategies import Case, cases, previous_ranges
from tests.unit.core import naive
from tests.unit.reports.samples import DAY, FIRST, counts, current, found, query, row, span

PLAIN = Conventions()
NO_GAPS = Conventions(empty_buckets_listed=False)
WEEK = 7 * DAY


def starts(*moments: int) -> list[str]:
    return [format_instant(from_epoch(moment)) for moment in moments]


def test_each_range_has_buckets_of_its_own() -> None:
    asked = query(
        FIRST, FIRST + 2 * DAY - 1, view_by="day", previous=span(FIRST - 5_000, FIRST - 5_000 + DAY)
    )
    answer = new_conversations.answer(asked, found(FIRST - 5_000, FIRST, FIRST + DAY), PLAIN)
    assert [(bucket.start, bucket.count) for bucket in answer.current] == [
        (from_epoch(FIRST), 1),
        (from_epoch(FIRST + DAY), 1),
    ]
    assert answer.previous is not None
    assert [(bucket.start, bucket.count) for bucket in answer.previous] == [
        (from_epoch(FIRST - 5_000), 2)
    ]


def test_a_conversation_may_count_in_both_ranges() -> None:
    asked = query(FIRST, FIRST + 10, previous=span(FIRST - 10, FIRST + 5))
    answer = new_conversations.answer(asked, found(FIRST + 5), PLAIN)
    assert answer.previous is not None
    assert (answer.current[0].count, answer.previous[0].count) == (1, 1)


def test_previous_is_absent_where_it_was_not_asked_for() -> None:
    answer = new_conversations.answer(query(), found(), PLAIN)
    assert list(json.loads(answer.model_dump_json())) == ["current"]


def test_a_previous_range_without_conversations_is_there_all_the_same() -> None:
    asked = query(previous=span(FIRST - WEEK, FIRST - 1))
    answer = new_conversations.answer(asked, found(FIRST), PLAIN)
    assert json.loads(answer.model_dump_json())["previous"] == [
        {"start": starts(FIRST - WEEK)[0], "count": 0}
    ]


def test_empty_buckets_are_listed() -> None:
    asked = query(FIRST, FIRST + 3 * DAY - 1, view_by="day")
    assert counts(asked, PLAIN, FIRST, FIRST + 2 * DAY) == [1, 0, 1]


def test_conventions_may_leave_out_empty_buckets() -> None:
    asked = query(FIRST, FIRST + 3 * DAY - 1, view_by="day")
    listed = current(asked, NO_GAPS, FIRST, FIRST + 2 * DAY)
    assert [bucket.start for bucket in listed] == [from_epoch(FIRST), from_epoch(FIRST + 2 * DAY)]


def test_a_series_may_have_nothing_left_to_list() -> None:
    answer = new_conversations.answer(query(), found(), NO_GAPS)
    assert answer.model_dump_json() == '{"current":[]}'


@pytest.mark.parametrize(("included", "count"), [(True, 1), (False, 0)])
def test_conventions_say_whether_the_last_second_counts(included: bool, count: int) -> None:
    conventions = Conventions(end_included=included)
    assert counts(query(FIRST, FIRST + DAY), conventions, FIRST + DAY) == [count]


def test_the_first_second_counts_whatever_the_end_does() -> None:
    conventions = Conventions(end_included=False)
    assert counts(query(FIRST, FIRST + DAY), conventions, FIRST, FIRST + DAY - 1) == [2]


def test_a_range_without_length_counts_its_one_second() -> None:
    assert counts(query(FIRST, FIRST), PLAIN, FIRST - 1, FIRST, FIRST + 1) == [1]


JANUARY_31 = FIRST + 30 * DAY
FEBRUARY_28, MARCH_28, MARCH_31 = (JANUARY_31 + days * DAY for days in (28, 56, 59))


@pytest.mark.parametrize(
    ("month_step", "expected"),
    [
        ("clamped", [JANUARY_31, FEBRUARY_28, MARCH_31]),
        ("drifting", [JANUARY_31, FEBRUARY_28, MARCH_28]),
        ("thirty-days", [JANUARY_31, JANUARY_31 + 30 * DAY]),
    ],
)
def test_conventions_say_how_months_follow_each_other(month_step: str, expected: list[int]) -> None:
    conventions = Conventions.model_validate({"month_step": month_step})
    listed = current(query(JANUARY_31, MARCH_31 + 1, view_by="month"), conventions)
    assert [format_instant(bucket.start) for bucket in listed][: len(expected)] == starts(*expected)


@pytest.mark.parametrize(("view_by", "points"), [("day", 31), ("week", 5), ("month", 1)])
def test_without_a_view_the_conventions_choose_one(view_by: str, points: int) -> None:
    conventions = Conventions.model_validate({"default_view_by": view_by})
    assert len(current(query(FIRST, FIRST + 31 * DAY - 1), conventions)) == points


def test_the_documented_example_has_five_weeks() -> None:
    listed = current(query(FIRST, FIRST + 31 * DAY - 1, view_by="week"), PLAIN)
    assert [format_instant(bucket.start)[:10] for bucket in listed] == [
        "2015-01-01",
        "2015-01-08",
        "2015-01-15",
        "2015-01-22",
        "2015-01-29",
    ]


def test_what_must_not_count_is_in_no_bucket() -> None:
    rows = [row(status="spam"), row(state="draft"), row(type="chat"), row()]
    answer = new_conversations.answer(query(types=("email",)), RowSet(rows, FIRST, 0.0), PLAIN)
    assert [bucket.count for bucket in answer.current] == [1]


def test_a_series_is_written_with_its_start_first() -> None:
    answer = new_conversations.answer(query(), found(FIRST), PLAIN)
    assert answer.model_dump_json() == ('{"current":[{"start":"2015-01-01T00:00:00Z","count":1}]}')


@given(case=cases(), data=st.data())
def test_both_series_are_what_trying_everything_gives(case: Case, data: st.DataObject) -> None:
    first, last = data.draw(previous_ranges(case))
    asked = query(case.start, case.end, previous=span(first, last), view_by=case.view_by)
    conventions = Conventions(month_step=case.month_step, end_included=case.end_included)
    answer = new_conversations.answer(asked, found(*case.instants), conventions)
    for series, (start, end) in (
        (answer.current, (case.start, case.end)),
        (answer.previous or (), (first, last)),
    ):
        openings = naive.starts(start, end, case.view_by, case.month_step)
        expected = naive.count(case.instants, openings, end, case.end_included)
        assert [bucket.count for bucket in series] == expected
        assert [bucket.start for bucket in series] == [from_epoch(each) for each in openings]


def test_a_report_needs_what_counting_needs() -> None:
    asked = replace(query(), mailboxes=(3,))
    assert new_conversations.required_data(asked, PLAIN).mailboxes == frozenset({3})


def test_a_report_is_found_by_its_name() -> None:
    assert load_report(route_of_report("new_conversations")) is new_conversations

"""Cases that somebody can check by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from compat.config.conventions import MonthStep, ViewBy
from compat.core import buckets
from tests.unit.core.naive import LAST_SECOND


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


def texts(openings: list[int]) -> list[str]:
    return [datetime.fromtimestamp(opening, UTC).strftime("%m-%dT%H:%M") for opening in openings]


FIRST_SECOND = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
DAY = 86_400


def test_the_documented_month_by_week_has_five_buckets() -> None:
    openings = buckets.starts(at("2015-01-01T00:00:00"), at("2015-01-31T23:59:59"), "week")
    assert [text[:5] for text in texts(openings)] == ["01-01", "01-08", "01-15", "01-22", "01-29"]


def test_exactly_seven_days_by_week_are_one_bucket() -> None:
    start = at("2015-01-05T13:30:00")
    assert buckets.starts(start, start + 7 * DAY, "week") == [start]


def test_a_conversation_where_the_next_bucket_would_open_counts_in_the_last() -> None:
    start = at("2015-01-05T13:30:00")
    assert buckets.count([start + 7 * DAY], [start], start + 7 * DAY) == [1]


def test_a_range_without_length_has_one_bucket_and_counts_its_second() -> None:
    assert buckets.starts(0, 0, "day") == [0]
    assert buckets.count([-1, 0, 0, 1], [0], 0) == [2]
    assert buckets.count([-1, 0, 0, 1], [0], 0, end_included=False) == [0]


@pytest.mark.parametrize(
    ("month_step", "expected"),
    [
        ("clamped", ["01-31T09:00", "02-28T09:00", "03-31T09:00", "04-30T09:00"]),
        ("drifting", ["01-31T09:00", "02-28T09:00", "03-28T09:00", "04-28T09:00"]),
        ("thirty-days", ["01-31T09:00", "03-02T09:00", "04-01T09:00", "05-01T09:00"]),
    ],
)
def test_months_step_as_the_convention_says(month_step: MonthStep, expected: list[str]) -> None:
    start, end = at("2015-01-31T09:00:00"), at("2015-05-01T09:00:01")
    assert texts(buckets.starts(start, end, "month", month_step))[:4] == expected


@pytest.mark.parametrize(
    ("month_step", "expected"),
    [("clamped", ["01-31", "02-28"]), ("drifting", ["01-31", "02-28", "03-28"])],
)
def test_a_last_month_opens_where_its_convention_lets_it_open(
    month_step: MonthStep, expected: list[str]
) -> None:
    openings = buckets.starts(
        at("2015-01-31T00:00:00"), at("2015-03-29T00:00:00"), "month", month_step
    )
    assert [text[:5] for text in texts(openings)] == expected


def test_a_leap_day_comes_back_every_fourth_year() -> None:
    openings = buckets.starts(at("2016-02-29T00:00:00"), at("2020-03-01T00:00:00"), "month")
    assert [texts(openings)[number][:5] for number in (0, 12, 24, 48)] == [
        "02-29",
        "02-28",
        "02-28",
        "02-29",
    ]


@pytest.mark.parametrize("month_step", ["clamped", "drifting", "thirty-days"])
@pytest.mark.parametrize("view_by", ["day", "week", "month"])
def test_the_last_second_of_all_is_no_obstacle(view_by: ViewBy, month_step: MonthStep) -> None:
    for start in (LAST_SECOND, LAST_SECOND - 45 * DAY):
        openings = buckets.starts(start, LAST_SECOND, view_by, month_step)
        assert openings[0] == start
        assert len(openings) == buckets.number_of_buckets(start, LAST_SECOND, view_by, month_step)


@pytest.mark.parametrize(
    ("view_by", "month_step", "expected"),
    [
        ("day", "clamped", 3_652_059),
        ("week", "clamped", 521_723),
        ("month", "clamped", 9_999 * 12),
        ("month", "drifting", 9_999 * 12),
        ("month", "thirty-days", 121_736),
    ],
)
def test_all_of_time_is_numbered_without_being_cut(
    view_by: ViewBy, month_step: MonthStep, expected: int
) -> None:
    began = time.perf_counter()
    assert buckets.number_of_buckets(FIRST_SECOND, LAST_SECOND, view_by, month_step) == expected
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize("month_step", ["clamped", "drifting"])
def test_four_centuries_of_months_are_cut_as_numbered(month_step: MonthStep) -> None:
    start, end = at("1799-12-31T23:59:59"), at("2200-01-01T00:00:00")
    openings = buckets.starts(start, end, "month", month_step)
    assert len(openings) == buckets.number_of_buckets(start, end, "month", month_step) == 4801

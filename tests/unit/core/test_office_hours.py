"""Seconds within office hours, by the local clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.office_hours import mean_of_means, mean_seconds, open_seconds, whole_seconds
from tests.unit.core import activity_oracle as oracle
from tests.unit.core.activity_samples import text

WEEKDAYS = "mon-fri 09:00-17:00"
HOUR = 3600
DAY = 24 * HOUR
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def hours(schedule: str | None, zone: str = "UTC") -> Conventions:
    return Conventions(office_hours=schedule, company_time_zone=zone)


def within(first: str, after: str, conventions: Conventions) -> int:
    return open_seconds(oracle.seconds(first), oracle.seconds(after), conventions)


@pytest.mark.parametrize(
    ("first", "after", "seconds"),
    [
        ("2015-01-05T10:00:00Z", "2015-01-05T11:00:00Z", HOUR),
        ("2015-01-05T08:59:59Z", "2015-01-05T09:00:01Z", 1),
        ("2015-01-05T16:59:59Z", "2015-01-05T17:00:01Z", 1),
        ("2015-01-05T17:00:00Z", "2015-01-06T09:00:00Z", 0),
        ("2015-01-09T16:00:00Z", "2015-01-12T10:00:00Z", 2 * HOUR),
        ("2015-01-10T00:00:00Z", "2015-01-12T00:00:00Z", 0),
        ("2015-01-05T00:00:00Z", "2016-01-04T00:00:00Z", 52 * 40 * HOUR),
        ("2015-01-05T10:00:00Z", "2015-01-05T10:00:00Z", 0),
    ],
)
def test_only_seconds_within_the_schedule_count(first: str, after: str, seconds: int) -> None:
    assert within(first, after, hours(WEEKDAYS)) == seconds


def test_without_a_schedule_every_second_counts() -> None:
    assert within("2015-01-10T00:00:00Z", "2015-01-11T00:00:00Z", hours(None)) == DAY


def test_hours_are_those_of_the_companys_clock_or_of_the_zone_that_is_named() -> None:
    morning = ("2015-01-05T08:00:00Z", "2015-01-05T09:00:00Z")
    assert within(*morning, hours(WEEKDAYS)) == 0
    assert within(*morning, hours(WEEKDAYS, "Europe/Berlin")) == HOUR
    assert within(*morning, hours(f"{WEEKDAYS}, Europe/Berlin")) == HOUR
    assert within(*morning, hours(f"{WEEKDAYS}, UTC", "Europe/Berlin")) == 0


@pytest.mark.parametrize(
    ("day", "schedule", "seconds"),
    [
        ("2015-03-29", "sun 00:00-24:00", 23 * HOUR),
        ("2015-03-29", "sun 02:00-03:00", 0),
        ("2015-10-25", "sun 00:00-24:00", 25 * HOUR),
        ("2015-10-25", "sun 02:15-02:45", HOUR),
    ],
    ids=["a day of 23 hours", "an hour that is left out", "one of 25", "one that is there twice"],
)
def test_where_the_clock_is_set_what_it_shows_decides(
    day: str, schedule: str, seconds: int
) -> None:
    conventions = hours(schedule, "Europe/Berlin")
    noon = oracle.seconds(f"{day}T12:00:00Z")
    assert open_seconds(noon - 2 * DAY, noon + 2 * DAY, conventions) == seconds


def test_a_clock_that_is_set_is_noticed_days_after_one_that_showed_utc() -> None:
    """London shows UTC until the last Sunday of March."""
    fortnight = ("2015-03-23T08:30:00Z", "2015-04-03T08:30:00Z")
    assert within(*fortnight, hours(WEEKDAYS, "Europe/London")) == 9 * 8 * HOUR + HOUR // 2


@pytest.mark.parametrize("later", [-1, 0, 1, 2])
def test_an_interval_may_end_in_the_second_in_which_the_clock_is_set(later: int) -> None:
    conventions = hours("sun 00:00-02:30", "Europe/Berlin")  # its clock goes from 2 to 3
    change = oracle.seconds("2015-03-29T01:00:00Z")
    assert open_seconds(change - HOUR, change + later, conventions) == HOUR + min(later, 0)


_MOMENTS = st.builds(
    lambda day, minutes: oracle.at(f"{day}T00:00:00Z") + timedelta(minutes=minutes),
    st.sampled_from(["2015-03-29", "2015-10-25", "2015-04-05", "2015-11-01", "2015-07-01"]),
    st.integers(-3000, 3000),
)
_TIMES = st.tuples(st.integers(0, 6), st.integers(0, 47), st.integers(0, 47)).filter(
    lambda time: time[1] < time[2]
)


@given(
    _MOMENTS, st.integers(0, 2000), st.lists(_TIMES, min_size=1, max_size=4), st.sampled_from(ZONES)
)
def test_it_is_the_same_as_looking_at_every_minute(
    moment: datetime, minutes: int, times: list[tuple[int, int, int]], zone: str
) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    schedule = [
        (day, f"{opens // 2:02}:{opens % 2 * 30:02}", f"{closes // 2:02}:{closes % 2 * 30:02}")
        for day, opens, closes in times
    ]
    conventions = hours(", ".join(f"{days[day]} {a}-{b}" for day, a, b in schedule), zone)
    first, after = text(moment), text(moment + timedelta(minutes=minutes))
    expected = 60 * oracle.open_minutes(first, after, schedule, zone)
    assert within(first, after, conventions) == expected


@given(_MOMENTS, st.lists(st.integers(0, 300_000), min_size=2, max_size=2), st.sampled_from(ZONES))
def test_parts_add_up(moment: datetime, lengths: list[int], zone: str) -> None:
    conventions = hours("mon-sun 08:00-12:00, wed 06:30-22:15", zone)
    first = oracle.seconds(text(moment))
    cut = first + lengths[0]
    last = cut + lengths[1]
    parts = open_seconds(first, cut, conventions) + open_seconds(cut, last, conventions)
    assert open_seconds(first, last, conventions) == parts


def test_a_mean_counts_office_hours_only_if_it_is_asked_to() -> None:
    saturday = oracle.seconds("2015-01-10T00:00:00Z")
    spans = [(saturday, saturday + HOUR), (saturday, saturday + 3 * HOUR)]
    assert mean_seconds(spans, hours(WEEKDAYS)) == 2 * HOUR
    assert mean_seconds(spans, hours(WEEKDAYS), office_hours=True) == 0
    assert mean_seconds(spans, hours(None), office_hours=True) == 2 * HOUR
    assert mean_seconds([], hours(WEEKDAYS)) is None


def test_a_mean_of_means_weighs_every_group_alike() -> None:
    assert mean_of_means([[(0, 4)], [(0, 0), (0, 16)]], hours(None)) == 6
    assert mean_of_means([], hours(None)) is None


def test_a_mean_of_means_is_exact_where_rounded_means_end_below_a_whole_second() -> None:
    groups = [[(0, 1)], [(0, 4), (0, 0), (0, 0)], [(0, 2), (0, 0), (0, 0)]]
    rounded = [mean_seconds(spans, hours(None)) for spans in groups]
    assert sum(mean or 0 for mean in rounded) / 3 < 1
    assert whole_seconds(mean_of_means(groups, hours(None))) == 1


def test_a_mean_of_means_counts_office_hours_only_if_it_is_asked_to() -> None:
    saturday = oracle.seconds("2015-01-10T00:00:00Z")
    groups = [[(saturday, saturday + HOUR)], [(saturday - DAY, saturday)]]
    assert mean_of_means(groups, hours(WEEKDAYS)) == 12.5 * HOUR
    assert mean_of_means(groups, hours(WEEKDAYS), office_hours=True) == 4 * HOUR

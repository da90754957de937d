"""Months before a second, and the limits of the calendar, by examples."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.core import calendar
from tests.unit.core.naive import LAST_SECOND

FIRST_SECOND = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
DAY = 86_400


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


@pytest.mark.parametrize(
    ("second", "months", "expected"),
    [
        ("2015-03-31T12:34:56", 0, "2015-03-31T12:34:56"),
        ("2015-03-31T12:34:56", 1, "2015-02-28T12:34:56"),
        ("2016-03-31T12:34:56", 1, "2016-02-29T12:34:56"),
        ("2015-03-15T00:00:00", 3, "2014-12-15T00:00:00"),
        ("2016-02-29T00:00:00", 12, "2015-02-28T00:00:00"),
        ("2015-01-31T23:59:59", 24, "2013-01-31T23:59:59"),
    ],
)
def test_months_before_a_second_keep_its_time_and_cut_its_day(
    second: str, months: int, expected: str
) -> None:
    assert calendar.months_before(at(second), months) == at(expected)


def test_months_before_the_year_1_are_clamped_to_its_first_second() -> None:
    before = calendar.months_before(FIRST_SECOND, 1)
    assert before == FIRST_SECOND - 31 * DAY
    assert calendar.within_calendar(before) == FIRST_SECOND


def test_no_second_is_after_the_year_9999() -> None:
    assert calendar.within_calendar(LAST_SECOND + 1) == LAST_SECOND
    assert calendar.within_calendar(LAST_SECOND) == LAST_SECOND


@pytest.mark.parametrize(
    ("second", "start"),
    [
        ("2015-03-31T12:34:56", "2015-03-01T00:00:00"),
        ("2015-03-01T00:00:00", "2015-03-01T00:00:00"),
        ("0001-01-31T00:00:00", "0001-01-01T00:00:00"),
    ],
)
def test_a_month_starts_at_midnight_of_its_first_day(second: str, start: str) -> None:
    assert calendar.month_start(at(second)) == at(start)


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kolkata",
)
CHANGES = (
    "2015-03-29T01:00:00",
    "2015-10-25T01:00:00",
    "2011-12-30T10:00:00",
    "2014-10-04T15:30:00",
)
"""When some of these clocks are set, in UTC; Samoa then leaves out a whole day."""

SECONDS = st.one_of(
    st.integers(at("1890-01-01T00:00:00"), at("2060-01-01T00:00:00")),
    st.builds(int.__add__, st.sampled_from([*map(at, CHANGES)]), st.integers(-DAY, DAY)),
)


@given(SECONDS, st.sampled_from(ZONES))
def test_an_offset_and_a_weekday_are_those_of_the_clock(second: int, name: str) -> None:
    zone = ZoneInfo(name)
    local = datetime.fromtimestamp(second, zone)
    offset = local.utcoffset()
    assert offset is not None
    assert calendar.utc_offset(second, zone) == int(offset.total_seconds())
    assert calendar.weekday(second, zone) == local.isoweekday()


@pytest.mark.parametrize("second", [FIRST_SECOND, LAST_SECOND])
@pytest.mark.parametrize("name", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_at_the_ends_of_the_calendar_every_clock_shows_an_offset(second: int, name: str) -> None:
    assert abs(calendar.utc_offset(second, ZoneInfo(name))) <= DAY

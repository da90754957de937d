"""Dates as a person types them, and what the old API is asked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.cli.dates import WORDS, edges, period

TODAY = date(2015, 1, 14)
"""A Wednesday."""


def days(first: str, last: str) -> tuple[date, date]:
    return date.fromisoformat(first), date.fromisoformat(last)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2015", "2015-01-01", "2015-12-31"),
        ("0001", "0001-01-01", "0001-12-31"),
        ("9999", "9999-01-01", "9999-12-31"),
        ("2015-01", "2015-01-01", "2015-01-31"),
        ("2015-02", "2015-02-01", "2015-02-28"),
        ("2016-02", "2016-02-01", "2016-02-29"),
        ("2015-12", "2015-12-01", "2015-12-31"),
        ("2015-01-31", "2015-01-31", "2015-01-31"),
        ("2016-02-29", "2016-02-29", "2016-02-29"),
        ("today", "2015-01-14", "2015-01-14"),
        ("yesterday", "2015-01-13", "2015-01-13"),
        ("this-week", "2015-01-12", "2015-01-18"),
        ("last-week", "2015-01-05", "2015-01-11"),
        ("this-month", "2015-01-01", "2015-01-31"),
        ("last-month", "2014-12-01", "2014-12-31"),
        ("this-year", "2015-01-01", "2015-12-31"),
        ("last-year", "2014-01-01", "2014-12-31"),
    ],
)
def test_a_text_means_these_days(text: str, first: str, last: str) -> None:
    assert period(text, TODAY) == days(first, last)


@pytest.mark.parametrize(
    "text",
    [
        *("2015-02-29", "2015-13", "2015-00", "2015-01-00", "2015-01-32", "0000", "0000-01"),
        *("15", "201", "20155", "2015-1", "2015-01-1", "20150101", "2015-W01", "-2015", " 2015"),
        *("2015-01-01T00:00:00Z", "2015-01-01T00:00:00+01:00", "tomorrow", "Today", ""),
        *("２０１５", "2015-01-01-01", "this week", "2015\n"),  # noqa: RUF001
    ],
)
def test_a_text_that_is_no_period_is_left_alone(text: str) -> None:
    assert period(text, TODAY) is None
    assert edges(text, text, TODAY) == (text, text)


@pytest.mark.parametrize(
    ("today", "text", "first", "last"),
    [
        ("2015-01-12", "this-week", "2015-01-12", "2015-01-18"),
        ("2015-01-18", "this-week", "2015-01-12", "2015-01-18"),
        ("2015-01-19", "last-week", "2015-01-12", "2015-01-18"),
        ("2015-01-01", "last-week", "2014-12-22", "2014-12-28"),
        ("2015-01-01", "this-week", "2014-12-29", "2015-01-04"),
        ("2015-01-01", "yesterday", "2014-12-31", "2014-12-31"),
        ("2016-02-29", "last-year", "2015-01-01", "2015-12-31"),
        ("2016-02-29", "this-month", "2016-02-01", "2016-02-29"),
        ("2016-03-31", "last-month", "2016-02-01", "2016-02-29"),
        ("2015-03-31", "last-month", "2015-02-01", "2015-02-28"),
        ("2016-12-31", "this-year", "2016-01-01", "2016-12-31"),
    ],
)
def test_a_word_is_relative_to_the_day_it_is_said_on(
    today: str, text: str, first: str, last: str
) -> None:
    assert period(text, date.fromisoformat(today)) == days(first, last)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2015", None, ("2015-01-01T00:00:00Z", "2015-12-31T23:59:59Z")),
        ("2015-02", None, ("2015-02-01T00:00:00Z", "2015-02-28T23:59:59Z")),
        ("2015-02-03", None, ("2015-02-03T00:00:00Z", "2015-02-03T23:59:59Z")),
        ("last-week", None, ("2015-01-05T00:00:00Z", "2015-01-11T23:59:59Z")),
        ("2015-02", "2015-03", ("2015-02-01T00:00:00Z", "2015-03-31T23:59:59Z")),
        ("2014", "today", ("2014-01-01T00:00:00Z", "2015-01-14T23:59:59Z")),
        ("2015-02", "2015-02-03T04:05:06Z", ("2015-02-01T00:00:00Z", "2015-02-03T04:05:06Z")),
        ("2015-02-03T04:05:06Z", "2015", ("2015-02-03T04:05:06Z", "2015-12-31T23:59:59Z")),
        ("2015-02-03T04:05:06+01:00", None, ("2015-02-03T04:05:06+01:00", None)),
        ("nonsense", None, ("nonsense", None)),
        ("0001", None, ("0001-01-01T00:00:00Z", "0001-12-31T23:59:59Z")),
        (None, None, (None, None)),
        (None, "2015", (None, "2015-12-31T23:59:59Z")),
    ],
)
def test_edges_are_the_first_and_the_last_second(
    start: str | None, end: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert edges(start, end, TODAY) == expected


@given(today=st.dates(date(2, 1, 1), date(9998, 12, 31)), text=st.sampled_from(WORDS))
def test_a_word_never_fails_and_lies_near_its_day(today: date, text: str) -> None:
    found = period(text, today)
    assert found is not None
    first, last = found
    assert first <= last
    assert abs(today - first) <= timedelta(days=731)
    assert (first <= today <= last) == (text == "today" or text.startswith("this-"))


@given(today=st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_the_week_before_ends_where_this_week_begins(today: date) -> None:
    before, now = period("last-week", today), period("this-week", today)
    assert before is not None
    assert now is not None
    assert now[0].isoweekday() == 1
    assert before[1] + timedelta(days=1) == now[0]
    assert now[1] - now[0] == before[1] - before[0] == timedelta(days=6)


@given(year=st.integers(1, 9999), month=st.integers(1, 12))
def test_a_month_ends_a_day_before_the_next(year: int, month: int) -> None:
    found = period(f"{year:04}-{month:02}", TODAY)
    assert found is not None
    first, last = found
    assert (first.year, first.month, first.day) == (year, month, 1)
    after = datetime(last.year, last.month, last.day, tzinfo=UTC).toordinal() + 1
    assert last == date.max or date.fromordinal(after).day == 1

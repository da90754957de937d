"""A question asked in Python, as the names and values that the old API took."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from compat.v1.query import Value, format_pairs

EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2015-01-01", "2015-01-01"),
        ("anything at all", "anything at all"),
        (date(2015, 1, 31), "2015-01-31"),
        (datetime(2015, 1, 31, 23, 59, 59), "2015-01-31T23:59:59"),  # noqa: DTZ001 - naive is UTC
        (datetime(2015, 1, 31, 23, 59, 59, tzinfo=UTC), "2015-01-31T23:59:59+00:00"),
        (datetime(2015, 1, 31, 12, tzinfo=EAST), "2015-01-31T12:00:00+05:30"),
        (datetime(2015, 1, 31, 12, 0, 0, 999_999, tzinfo=UTC), "2015-01-31T12:00:00+00:00"),
        (datetime(987, 1, 1, tzinfo=UTC), "0987-01-01T00:00:00+00:00"),
        (7, "7"),
        ([1, 2], "1,2"),
        (("email", "chat"), "email,chat"),
        ([], ""),
        ((), ""),
    ],
)
def test_a_value_is_spelled_as_callers_did(value: Value, text: str) -> None:
    assert format_pairs(name=value) == [("name", text)]


def test_a_value_may_be_any_iterable() -> None:
    assert format_pairs(tags=iter([3, 4])) == [("tags", "3,4")]


@pytest.mark.parametrize("name", ["end", "previousEnd"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2015, 1, 31), "2015-01-31T23:59:59+00:00"),
        (date.min, "0001-01-01T23:59:59+00:00"),
        (date.max, "9999-12-31T23:59:59+00:00"),
        (datetime(2015, 1, 31, tzinfo=UTC), "2015-01-31T00:00:00+00:00"),
        (datetime(2015, 1, 31), "2015-01-31T00:00:00"),  # noqa: DTZ001 - naive is UTC
        ("2015-01-31", "2015-01-31"),
    ],
)
def test_a_date_as_an_end_is_the_whole_day(name: str, value: Value, text: str) -> None:
    assert format_pairs(**{name: value}) == [(name, text)]


def test_what_is_none_is_not_sent() -> None:
    assert format_pairs(start="a", viewBy=None) == [("start", "a")]


def test_the_order_is_kept() -> None:
    names = [name for name, _ in format_pairs(end="b", start="a", tags=[1])]
    assert names == ["end", "start", "tags"]

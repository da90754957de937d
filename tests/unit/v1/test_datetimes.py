"""How instants are read and printed."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.v1.datetimes import format_epoch, format_instant, from_epoch, parse_instant, to_epoch
from tests.strategies import EPOCH, whole_seconds

OURS = Conventions()
NOON = datetime(2015, 12, 25, 12, tzinfo=UTC)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def read(text: str, conventions: Conventions = OURS) -> datetime:
    return parse_instant(text, conventions, end=False)


@pytest.mark.parametrize(
    "text",
    [
        "2015-12-25T12:00:00Z",
        "2015-12-25T12:00:00",
        "2015-12-25T12:00:00.000Z",
        "2015-12-25T12:00:00.9",
        "2015-12-25T12:00:00.999999999999Z",
        "2015-12-25T13:00:00+01:00",
        "2015-12-25T13:00:00 01:00",
        "2015-12-25T13:00:00.000+01:00",
        "2015-12-25T13:00:00+0100",
        "2015-12-25T13:00:00 0100",
        "2015-12-25T06:30:00-05:30",
        "2015-12-25T12:00:00-00:00",
        "2015-12-26T11:59:00+23:59",
    ],
)
def test_every_spelling_seen_means_the_same_noon(text: str) -> None:
    assert read(text) == NOON
    assert read(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "now", "yesterday", "1420070400", "2015", "2015-01", "20150101", "2015-W01-1"),
        *("2015-001", "2015-02-29", "2015-13-01", "2015-00-01", "0000-01-01", "-2015-01-01"),
        *("02015-01-01", "10000-01-01T00:00:00Z", "2015-1-1", "2015-01-01Z", "2015-01-01T"),
        *("2015-01-01 00:00:00", "2015-01-01t00:00:00Z", "2015-01-01T00:00:00z"),
        *("2015-01-01T00:00", "2015-01-01T00:00Z", "2015-01-01T00", "2015-01-01T000000Z"),
        *("2015-01-01T24:00:00Z", "2015-01-01T23:60:00Z", "2015-06-30T23:59:60Z"),
        *("2015-01-01T00:00:00.Z", "2015-01-01T00:00:00,5Z", "2015-01-01T00:00:00 Z"),
        *("2015-01-01T00:00:00+01", "2015-01-01T00:00:00+1:00", "2015-01-01T00:00:00+01:00:30"),
        *("2015-01-01T00:00:00+24:00", "2015-01-01T00:00:00+01:60", "2015-01-01T00:00:00  01:00"),
        *(
            "2015-01-01T00:00:00Z\n",
            " 2015-01-01T00:00:00Z",
            "2015-01-01T00:00:00Z ",
            "2015-01-01\n",
        ),
        *(
            "\uff12\uff10\uff11\uff15-01-01T00:00:00Z",
            "2015-01-01T00:00:00+\uff101:00",
            "2015-01-01T00:00:00\u22120100",
        ),
        *("2015-01-01T00:00:00Z[UTC]", "2015-01-01T00:00:00ZZ", "2015-01-01T00:00:00\x00"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an instant|day|month|year"):
        read(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_an_offset_must_not_lead_out_of_the_calendar(text: str) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        read(text)


def test_the_edges_of_the_calendar_are_instants() -> None:
    assert read("0001-01-01T00:00:00Z") == FIRST
    assert read("9999-12-31T23:59:59.999Z") == LAST


def test_a_date_alone_is_midnight_at_both_ends() -> None:
    midnight = datetime(2015, 1, 31, tzinfo=UTC)
    assert parse_instant("2015-01-31", OURS, end=False) == midnight
    assert parse_instant("2015-01-31", OURS, end=True) == midnight


def test_a_date_alone_can_close_a_range_with_its_last_second() -> None:
    conventions = Conventions(date_only_end="last-second")
    assert parse_instant("2015-01-31", conventions, end=False) == datetime(2015, 1, 31, tzinfo=UTC)
    assert parse_instant("2015-01-31", conventions, end=True) == datetime(
        2015, 1, 31, 23, 59, 59, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["2015-12-25T13:00:00+0100", "2015-12-25T13:00:00 0100"])
def test_offsets_without_a_colon_can_be_refused(text: str) -> None:
    conventions = Conventions(compact_offsets=False)
    assert read("2015-12-25T13:00:00+01:00", conventions) == NOON
    with pytest.raises(ValueError, match="not an instant"):
        read(text, conventions)


@given(instant=whole_seconds)
@example(instant=FIRST)
@example(instant=LAST)
def test_what_is_printed_is_read_back(instant: datetime) -> None:
    text = format_instant(instant)
    assert read(text) == instant
    assert len(text) == len("2015-01-01T00:00:00Z")


@given(instant=whole_seconds)
@example(instant=FIRST)
@example(instant=LAST)
@example(instant=EPOCH - timedelta(seconds=1))
def test_seconds_and_instants_are_the_same_thing(instant: datetime) -> None:
    assert from_epoch(to_epoch(instant)) == instant
    assert EPOCH + timedelta(seconds=to_epoch(instant)) == instant
    assert format_epoch(to_epoch(instant)) == format_instant(instant)


@given(instant=whole_seconds, minutes=st.integers(-1439, 1439), micro=st.integers(0, 999_999))
def test_fraction_and_zone_do_not_change_the_second(
    instant: datetime, minutes: int, micro: int
) -> None:
    try:
        there = instant.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return
    assert to_epoch(there.replace(microsecond=micro)) == to_epoch(instant)
    assert format_instant(there.replace(microsecond=micro)) == format_instant(instant)


@pytest.mark.usefixtures("machine_in_honolulu")
def test_the_clock_of_the_machine_does_not_matter() -> None:
    assert format_instant(NOON) == "2015-12-25T12:00:00Z"
    assert read("2015-12-25T12:00:00Z") == NOON


@given(text=st.text(max_size=30))
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read(text).utcoffset() == timedelta(0)


def test_a_naive_datetime_is_not_printed() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_instant(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("seconds", [to_epoch(FIRST) - 1, to_epoch(LAST) + 1, 10**30, -(10**30)])
def test_seconds_outside_the_calendar_are_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        from_epoch(seconds)

"""A range's start may be moved back to a midnight, by a clock that is set twice a year."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import StartSnap
from compat.core import buckets, calendar
from tests.unit.core import naive

ZONES = [
    *("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("America/Sao_Paulo", "America/Havana", "Pacific/Apia", "Pacific/Kiritimati"),
]
CHANGES = [
    "2014-03-30T01:00:00Z",  # Berlin, forward at 2
    "2014-10-26T01:00:00Z",  # Berlin, back at 3
    "2017-10-15T03:00:00Z",  # São Paulo has no midnight
    "2017-02-19T02:00:00Z",  # São Paulo goes back to 23:00
    "2014-11-02T05:00:00Z",  # Havana has midnight twice
    "2011-12-30T10:00:00Z",  # Apia leaves out a day
    "2015-01-05T00:00:00Z",  # a Monday
]
near_changes = st.builds(
    lambda text, days, seconds: at(text) + 86_400 * days + seconds,
    st.sampled_from(CHANGES),
    st.integers(-8, 8),
    st.sampled_from([0, -1, 1, 3_600, 3_599, -3_600, 43_200]),
)
instants = st.one_of(near_changes, st.integers(at_1980 := 315_532_800, at_1980 + 50 * 31_556_952))


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@given(instants, st.sampled_from(get_args(StartSnap)), st.sampled_from(ZONES))
def test_it_is_the_midnight_that_a_clock_turned_back_shows(
    start: int, snap: StartSnap, zone: str
) -> None:
    assert buckets.snap_start(start, snap, zone) == naive.snapped(start, snap, zone)


@given(
    st.integers(calendar.FIRST_SECOND, calendar.LAST_SECOND),
    st.sampled_from(get_args(StartSnap)),
    st.sampled_from(ZONES),
)
def test_in_any_year_a_start_moves_back_by_a_week_and_a_change_of_clocks_at_most(
    start: int, snap: StartSnap, zone: str
) -> None:
    moved = start - buckets.snap_start(start, snap, zone)
    assert 0 <= moved < 8 * calendar.DAY


@given(st.sampled_from(get_args(StartSnap)), st.sampled_from(ZONES), st.integers(0, 86_400))
def test_nothing_is_moved_out_of_the_calendar(snap: StartSnap, zone: str, later: int) -> None:
    start = calendar.FIRST_SECOND + later
    assert calendar.FIRST_SECOND <= buckets.snap_start(start, snap, zone) <= start


@pytest.mark.parametrize(
    ("snap", "zone", "start", "first"),
    [
        ("exact", "Europe/Berlin", "2015-01-08T13:30:00Z", "2015-01-08T13:30:00Z"),
        ("midnight", "UTC", "2015-01-08T13:30:00Z", "2015-01-08T00:00:00Z"),
        ("midnight", "UTC", "2015-01-08T00:00:00Z", "2015-01-08T00:00:00Z"),
        ("midnight", "Europe/Berlin", "2015-01-08T13:30:00Z", "2015-01-07T23:00:00Z"),
        ("midnight", "Europe/Berlin", "2015-01-08T23:30:00Z", "2015-01-08T23:00:00Z"),
        ("monday", "UTC", "2015-01-08T13:30:00Z", "2015-01-05T00:00:00Z"),
        ("monday", "UTC", "2015-01-05T00:00:00Z", "2015-01-05T00:00:00Z"),
        ("monday", "America/Los_Angeles", "2015-01-05T00:00:00Z", "2014-12-29T08:00:00Z"),
        ("midnight", "America/Sao_Paulo", "2017-10-15T12:00:00Z", "2017-10-15T03:00:00Z"),
        ("midnight", "America/Havana", "2014-11-02T12:00:00Z", "2014-11-02T04:00:00Z"),
    ],
)
def test_starts_known_by_heart(snap: StartSnap, zone: str, start: str, first: str) -> None:
    found = buckets.snap_start(at(start), snap, zone)
    assert datetime.fromtimestamp(found, UTC) == datetime.fromisoformat(first)


@pytest.mark.usefixtures("machine_in_honolulu")
def test_the_clock_of_the_machine_does_not_matter() -> None:
    start, first = at("2015-01-08T03:30:00Z"), at("2015-01-08T00:00:00Z")
    assert buckets.snap_start(start, "midnight", "UTC") == first

"""Office hours as text: what is understood, and what a wrong one is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.config.office_hours import OfficeHours, parse_office_hours
from compat.config.settings import Settings, SettingsError

DAY = 86_400
HOUR = 3600


@pytest.mark.parametrize(
    ("text", "week", "zone"),
    [
        ("mon 09:00-17:30", ((9 * HOUR, 17 * HOUR + 1800),), None),
        ("MON 9:00-17:30", ((9 * HOUR, 17 * HOUR + 1800),), None),
        ("mon  09:00 - 17:30 ,", ((9 * HOUR, 17 * HOUR + 1800),), None),
        ("mon-tue 00:00-01:00", ((0, HOUR), (DAY, DAY + HOUR)), None),
        ("sun-mon 00:00-01:00", ((0, HOUR), (6 * DAY, 6 * DAY + HOUR)), None),
        ("mon-sun 00:00-24:00", ((0, 7 * DAY),), None),
        (
            "tue 10:00-11:00, mon 10:00-11:00",
            ((10 * HOUR, 11 * HOUR), (34 * HOUR, 35 * HOUR)),
            None,
        ),
        ("mon 09:00-12:00, mon 11:00-13:00", ((9 * HOUR, 13 * HOUR),), None),
        ("mon 09:00-13:00, mon 10:00-11:00", ((9 * HOUR, 13 * HOUR),), None),
        ("mon 09:00-10:00, Europe/Berlin", ((9 * HOUR, 10 * HOUR),), "Europe/Berlin"),
    ],
)
def test_a_schedule_is_days_with_times_and_a_zone(
    text: str, week: tuple[tuple[int, int], ...], zone: str | None
) -> None:
    assert parse_office_hours(text) == OfficeHours(week, zone)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no days with times, such as mon-fri 09:00-17:30"),
        (" , ", "there are no days with times"),
        ("UTC", "there are no days with times"),
        ("mon", "part 1 is neither days with times"),
        ("monday 09:00-17:00", "part 1 is neither"),
        ("mon 9-17", "part 1 is neither"),
        ("mon 09:00-24:01", "part 1 is neither"),
        ("mon 09:60-10:00", "part 1 is neither"),
        ("mon \uff11:00-2:00", "part 1 is neither"),
        ("mon 09:00-17:00, Mars/Olympus", "part 2 is neither"),
        ("mon 09:00-17:00, UTC, tue 09:00-17:00", "part 2 is neither"),
        ("mon 09:00-17:00, fri 22:00-06:00", "part 2 ends before it begins: write hours past"),
        ("mon 09:00-09:00", "part 1 ends before it begins"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_office_hours(text)


def test_the_variable_is_named_with_the_part_that_is_wrong() -> None:
    with pytest.raises(SettingsError, match=r"^COMPAT_OFFICE_HOURS: part 2 is neither days with"):
        Settings.from_env({"COMPAT_OFFICE_HOURS": "mon 09:00-17:00, tuesday"})


def test_conventions_with_office_hours_can_be_part_of_a_key() -> None:
    one, same, other = (
        Conventions(office_hours=hours)
        for hours in ("mon 09:00-17:00", "mon 09:00-17:00", "tue 09:00-17:00")
    )
    assert len({one, same, other}) == 2


@given(st.text(max_size=30))
def test_any_text_is_a_schedule_or_one_kind_of_error(text: str) -> None:
    try:
        week, _ = parse_office_hours(text)
    except ValueError:
        return
    assert week
    assert all(0 <= first < after <= 7 * DAY for first, after in week)

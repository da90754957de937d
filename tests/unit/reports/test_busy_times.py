"""New conversations by weekday and hour, by the company's clock."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.config.settings import Settings, SettingsError
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.models import RowSet
from compat.reports import busy_times, new_conversations
from compat.reports.created import conversation_query
from tests.unit.reports.samples import DAY, FIRST, query, row

MONDAY = int(datetime(2015, 1, 5, tzinfo=UTC).timestamp())
SUNDAY = MONDAY + 7 * DAY - 1
NEW_YORK, ADELAIDE = "America/New_York", "Australia/Adelaide"
EVER = query(0, 4_000_000_000)

# One conversation each: a Monday at 10:00, a Tuesday at 9:00, a Wednesday at 23:30 and a Friday
# at 8:00, all UTC. East of Greenwich the third one happens on a Thursday.
FOUR = (
    MONDAY + 10 * 3600,
    MONDAY + DAY + 9 * 3600,
    MONDAY + 2 * DAY + 23 * 3600 + 1800,
    MONDAY + 4 * DAY + 8 * 3600,
)


def by(zone: str) -> Conventions:
    return Conventions(company_time_zone=zone)


def cells(zone: str, *created: int, asked: Any = EVER) -> dict[tuple[int, int], int]:
    """The hours in which anything happened."""
    rows = [row(second, id=at) for at, second in enumerate(sorted(created))]
    answer = busy_times.answer(asked, RowSet(rows, FIRST, 0.0), by(zone))
    return {(hour.day, hour.hour): hour.count for hour in answer.root if hour.count}


def utc(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("UTC", [(1, 10), (2, 9), (3, 23), (5, 8)]),
        ("America/New_York", [(1, 5), (2, 4), (3, 18), (5, 3)]),
        ("Australia/Adelaide", [(1, 20), (2, 19), (4, 10), (5, 18)]),
        ("Asia/Kathmandu", [(1, 15), (2, 14), (4, 5), (5, 13)]),
    ],
)
def test_weekday_and_hour_are_those_of_the_company(zone: str, hours: list[tuple[int, int]]) -> None:
    assert cells(zone, *FOUR, asked=query(MONDAY, SUNDAY)) == dict.fromkeys(hours, 1)


@pytest.mark.parametrize(
    ("zone", "created", "cell"),
    [
        ("UTC", FIRST_SECOND, (1, 0)),
        ("America/Bogota", FIRST_SECOND, (7, 19)),
        ("UTC", LAST_SECOND, (5, 23)),
        ("Asia/Tokyo", LAST_SECOND, (6, 8)),
    ],
)
def test_a_clock_may_show_the_year_before_the_first_or_after_the_last(
    zone: str, created: int, cell: tuple[int, int]
) -> None:
    asked = query(FIRST_SECOND, LAST_SECOND)
    assert cells(zone, created, asked=asked)[cell] == 1


def test_all_hours_of_the_week_are_listed_in_order_monday_first() -> None:
    answer = busy_times.answer(query(), RowSet([], FIRST, 0.0), by("UTC"))
    assert [(hour.day, hour.hour) for hour in answer.root] == [
        (day, hour) for day in range(1, 8) for hour in range(24)
    ]
    assert {hour.count for hour in answer.root} == {0}


def test_the_answer_is_a_bare_array_with_the_keys_of_the_example() -> None:
    answer = busy_times.answer(query(), RowSet([row()], FIRST, 0.0), by("UTC"))
    content = json.loads(answer.model_dump_json())
    assert isinstance(content, list)
    assert len(content) == 168
    assert list(content[0].items()) == [("day", 1), ("hour", 0), ("count", 0)]


@pytest.mark.parametrize(
    ("zone", "created", "hours"),
    [
        # New York's clocks went back from 2:00 to 1:00: the hour from 1:00 on came twice.
        (NEW_YORK, ["2015-11-01 05:30:00", "2015-11-01 06:30:00"], {(7, 1): 2}),
        (NEW_YORK, ["2015-11-01 04:59:59", "2015-11-01 07:00:00"], {(7, 0): 1, (7, 2): 1}),
        # They went forward from 2:00 to 3:00: there was no hour from 2:00 on.
        (NEW_YORK, ["2015-03-08 06:59:59", "2015-03-08 07:00:00"], {(7, 1): 1, (7, 3): 1}),
        # Adelaide is half an hour off, and its summer is in January.
        (ADELAIDE, ["2015-01-05 13:29:59", "2015-01-05 13:30:00"], {(1, 23): 1, (2, 0): 1}),
        (ADELAIDE, ["2015-07-06 14:29:59", "2015-07-06 14:30:00"], {(1, 23): 1, (2, 0): 1}),
        # Lord Howe Island shifts its clocks by half an hour.
        ("Australia/Lord_Howe", ["2015-04-04 14:45:00", "2015-04-04 15:15:00"], {(7, 1): 2}),
        # Samoa had no 30 December 2011: Thursday was followed by Saturday.
        ("Pacific/Apia", ["2011-12-30 09:59:59", "2011-12-30 10:00:00"], {(4, 23): 1, (6, 0): 1}),
    ],
)
def test_clocks_that_are_changed_are_followed(
    zone: str, created: list[str], hours: dict[tuple[int, int], int]
) -> None:
    assert cells(zone, *map(utc, created)) == hours


def test_a_repeated_hour_counts_everything_of_both_times() -> None:
    first = utc("2015-11-01 05:00:00")
    every_minute = [first + 60 * at for at in range(120)]
    assert cells("America/New_York", *every_minute) == {(7, 1): 120}


def test_the_range_is_judged_in_utc_whatever_the_zone() -> None:
    edges = [MONDAY - 1, MONDAY, SUNDAY, SUNDAY + 1]
    content = cells("Australia/Adelaide", *edges, asked=query(MONDAY, SUNDAY))
    assert content == {(1, 10): 2}


@pytest.mark.parametrize(("included", "counted"), [(True, 2), (False, 1)])
def test_conventions_say_whether_the_last_second_belongs_to_it(
    included: bool, counted: int
) -> None:
    rows = [row(FIRST), row(FIRST + 9)]
    answer = busy_times.answer(
        query(FIRST, FIRST + 9), RowSet(rows, FIRST, 0.0), Conventions(end_included=included)
    )
    assert sum(hour.count for hour in answer.root) == counted


def test_what_is_needed_is_what_the_counts_need() -> None:
    asked = query(mailboxes=(2,), folders=(11,))
    assert busy_times.required_data(asked, by("UTC")) == conversation_query(asked, by("UTC"))


SHIFTS = [utc("2015-11-01 06:00:00"), utc("2015-03-08 07:00:00"), utc("2015-04-04 15:00:00")]
instants = st.one_of(
    st.builds(int.__add__, st.sampled_from(SHIFTS), st.integers(-7300, 7300)),
    st.integers(utc("2014-12-30 00:00:00"), utc("2016-01-03 00:00:00")),
)


@given(created=st.lists(instants, max_size=20), offset=st.integers(-48, 56))
def test_a_zone_without_summer_time_is_plain_arithmetic(created: list[int], offset: int) -> None:
    hours = max(min(offset // 4, 14), -12)
    zone = f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"
    local = [datetime.fromtimestamp(each, UTC) + timedelta(hours=hours) for each in created]
    assert cells(zone, *created) == Counter((each.isoweekday(), each.hour) for each in local)


ZONES = ["UTC", "America/New_York", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Apia"]


@given(
    created=st.lists(instants, max_size=20),
    zone=st.sampled_from(ZONES),
    edges=st.tuples(instants, instants),
    included=st.booleans(),
    tags=st.sampled_from([(), (1,), (9,)]),
)
def test_all_hours_together_are_the_sum_of_the_counts(
    created: list[int], zone: str, edges: tuple[int, int], included: bool, tags: tuple[int, ...]
) -> None:
    conventions = Conventions(company_time_zone=zone, end_included=included)
    asked = query(min(edges), max(edges), tags=tags)
    kinds: list[dict[str, Any]] = [{}, {"tags": (9,)}, {"status": "spam"}, {"state": "draft"}]
    rows = [row(each, id=at, **kinds[at % 4]) for at, each in enumerate(sorted(created))]
    found = RowSet(rows, FIRST, 0.0)
    counts = new_conversations.answer(asked, found, conventions).current
    hours = busy_times.answer(asked, found, conventions).root
    assert sum(hour.count for hour in hours) == sum(bucket.count for bucket in counts)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "Mars", "../UTC", "Europe", "+01:00"])
def test_a_time_zone_that_nobody_knows_is_refused_by_its_variable(zone: str) -> None:
    with pytest.raises(SettingsError, match=r"^COMPAT_COMPANY_TIME_ZONE: no time zone") as refused:
        Settings.from_env({"COMPAT_COMPANY_TIME_ZONE": zone})
    assert zone not in str(refused.value)


def test_a_time_zone_is_taken_from_its_variable() -> None:
    read = Settings.from_env({"COMPAT_COMPANY_TIME_ZONE": " Australia/Adelaide "})
    assert read.conventions.company_time_zone == "Australia/Adelaide"

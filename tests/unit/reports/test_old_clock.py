"""The old API's clock may have been off, and its ranges may have begun at a midnight."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery
from compat.engines.computed import load_report
from compat.reports import AnswerFromDocuments, busy_times, new_conversations, new_ids
from compat.reports.created import conversation_query
from compat.service import LegacyReports
from compat.v1.datetimes import to_epoch
from compat.v1.query import ReportQuery
from compat.v1.routes import ROUTES, Route
from tests.strategies import Case, cases
from tests.unit.core import naive
from tests.unit.reports.samples import DAY, FIRST, counts, found, query
from tests.unit.service.doubles import PATH, FakeSource, basic, row
from tests.unit.v1.parsed_queries import ask

HOUR = 3_600
AHEAD = Conventions(clock_shift_minutes=60)
MIDNIGHT = Conventions(start_snapped="midnight", company_time_zone="Europe/Berlin")
MONDAY = Conventions(start_snapped="monday")
THURSDAY_NOON = "start=2015-01-08T12:00:00Z&end=2015-01-15T11:59:59Z"


def test_a_clock_that_is_ahead_counts_what_was_created_before_the_range() -> None:
    asked = query(FIRST, FIRST + DAY - 1)
    assert counts(asked, AHEAD, FIRST - HOUR - 1, FIRST - HOUR, FIRST + DAY - HOUR) == [1]


def test_a_clock_that_is_behind_counts_what_was_created_after_it() -> None:
    asked = query(FIRST, FIRST + DAY - 1)
    behind = Conventions(clock_shift_minutes=-60)
    assert counts(asked, behind, FIRST, FIRST + HOUR, FIRST + DAY + HOUR - 1) == [2]


def test_what_an_old_clock_would_have_counted_is_what_is_fetched() -> None:
    need = conversation_query(query(FIRST, FIRST + DAY - 1), AHEAD)
    assert need == ConversationQuery((Interval(FIRST - HOUR, FIRST + DAY - 1 - HOUR),))


@given(cases(), st.integers(-1_440, 1_440))
def test_shifting_the_clock_is_shifting_every_conversation(case: Case, minutes: int) -> None:
    asked = query(case.start, case.end, view_by=case.view_by)
    shifted = Conventions(month_step=case.month_step, clock_shift_minutes=minutes)
    moved = [second + 60 * minutes for second in case.instants]
    openings = naive.starts(case.start, case.end, case.view_by, case.month_step)
    assert counts(asked, shifted, *case.instants) == naive.count(moved, openings, case.end)


def test_every_report_of_counts_goes_by_the_old_clock() -> None:
    asked = query(FIRST, FIRST + DAY - 1, view_by="day")
    rows = found(FIRST - HOUR, FIRST + DAY - HOUR)
    assert new_ids.answer(asked, rows, AHEAD).current[0].ids == (FIRST - HOUR,)
    busy = busy_times.answer(asked, rows, AHEAD).root
    assert [(each.day, each.hour) for each in busy if each.count] == [(4, 0)]
    assert new_conversations.answer(asked, rows, AHEAD).current[0].count == 1


@pytest.mark.parametrize(
    ("conventions", "first"),
    [
        (Conventions(), "2015-01-08T12:00:00Z"),
        (MIDNIGHT, "2015-01-07T23:00:00Z"),
        (MONDAY, "2015-01-05T00:00:00Z"),
    ],
)
def test_the_first_bucket_begins_where_the_range_does(conventions: Conventions, first: str) -> None:
    asked = ask(THURSDAY_NOON, conventions)
    answer = new_conversations.answer(asked, found(), conventions)
    assert json.loads(answer.model_dump_json())["current"][0]["start"] == first


def test_both_ranges_begin_at_a_midnight_of_their_own() -> None:
    text = f"{THURSDAY_NOON}&previousStart=2014-01-08T12:00:00Z&previousEnd=2014-01-15T11:59:59Z"
    asked = ask(text, MONDAY)
    assert asked.previous is not None
    assert asked.previous.start.isoformat() == "2014-01-06T00:00:00+00:00"


def test_what_is_counted_begins_at_that_midnight_as_well() -> None:
    asked = ask(THURSDAY_NOON, MONDAY)
    monday = to_epoch(asked.current.start)
    assert counts(asked, MONDAY, monday - 1, monday, monday + 7 * DAY) == [1, 1]


def test_lengths_are_judged_as_sent_and_points_as_given() -> None:
    strict = MONDAY.model_copy(update={"max_days_by_day": 7})
    assert isinstance(ask(f"{THURSDAY_NOON}&viewBy=day", strict), ReportQuery)
    few = MONDAY.model_copy(update={"max_buckets": 10})
    assert isinstance(
        ask(f"{THURSDAY_NOON}&viewBy=day", few.model_copy(update={"start_snapped": "exact"})),
        ReportQuery,
    )
    with pytest.raises(Exception, match="could not be validated"):
        ask(f"{THURSDAY_NOON}&viewBy=day", few)


@pytest.mark.parametrize("route", ROUTES[:3], ids=lambda route: route.report)
@pytest.mark.parametrize(("first", "last"), [("0001-01-01", "0001-01-02"), ("9999-12-30",) * 2])
@pytest.mark.parametrize("minutes", [-1_440, 1_440])
def test_at_the_ends_of_the_calendar_nothing_breaks(
    route: Route, first: str, last: str, minutes: int
) -> None:
    conventions = MONDAY.model_copy(update={"clock_shift_minutes": minutes})
    asked = ask(f"start={first}&end={last}", conventions)
    report = load_report(route)
    assert isinstance(report.required_data(asked, conventions), ConversationQuery)
    answered = report.answer(asked, found(to_epoch(asked.current.start)), conventions)
    assert isinstance(answered, BaseModel | AnswerFromDocuments)


def test_the_settings_reach_the_server() -> None:
    environment = {"COMPAT_START_SNAPPED": "monday", "COMPAT_CLOCK_SHIFT_MINUTES": "-90"}
    fake_source = FakeSource([row(FIRST)])
    with LegacyReports(Settings.from_env(environment), source=fake_source) as service:
        target = f"{PATH}?start=2015-01-01T12:00:00Z&end=2015-01-01T13:00:00Z"
        answer = service.answer(target, authorization=basic())
    assert json.loads(answer.body) == {"current": [{"start": "2014-12-29T00:00:00Z", "count": 1}]}

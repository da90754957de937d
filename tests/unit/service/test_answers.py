"""What the service answers, in both of its languages, and what it keeps."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Literal

import pytest

from compat.account import Account
from compat.config.conventions import Conventions
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery
from compat.service import LegacyReports
from compat.v1 import routes
from compat.v1.errors import Unavailable, ValidationFailed
from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v1.routes import Route
from compat.v2.errors import Unreachable
from tests.unit.service.doubles import (
    AS_OF,
    FIRST,
    JANUARY,
    LONG,
    PATH,
    FakeSource,
    ManualClock,
    basic,
    only_account,
    reports_on,
    row,
)

KEY = basic()
LAST = FIRST + 31 * 86_400 - 1
MIDNIGHT = FIRST + 30 * 86_400


def ask(reports: LegacyReports, target: str = JANUARY, **options: Any) -> LegacyResponse:
    return reports.answer(target, authorization=KEY, **options)


def header(answer: LegacyResponse, name: str) -> str | None:
    return dict(answer.headers).get(name)


def test_an_old_request_gets_its_report(reports: LegacyReports) -> None:
    answer = ask(reports)
    assert answer.status == 200
    assert [bucket["count"] for bucket in json.loads(answer.body)["current"]] == [1, 1, 0, 0, 0]


def test_a_call_from_python_gets_the_same_numbers(reports: LegacyReports) -> None:
    typed = reports.new_conversations(start="2015-01-01", end="2015-01-31T23:59:59Z")
    assert typed.model_dump_json().encode() == ask(reports).body


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ({"view_by": "day"}, "viewBy=day"),
        ({"types": ["chat", "email"]}, "types=chat,email"),
        ({"tags": (1,)}, "tags=1"),
        ({"mailboxes": [1, 2], "folders": [11]}, "mailboxes=1,2&folders=11"),
        (
            {"previous_start": date(2014, 1, 1), "previous_end": "2014-01-31"},
            "previousStart=2014-01-01&previousEnd=2014-01-31",
        ),
    ],
)
def test_every_argument_has_its_parameter(
    reports: LegacyReports, fake_source: FakeSource, question: dict[str, Any], query: str
) -> None:
    typed = reports.new_conversations(
        start="2015-01-01T00:00:00Z", end="2015-01-31T23:59:59Z", **question
    )
    assert typed.model_dump_json().encode() == ask(reports, f"{JANUARY}&{query}").body
    assert fake_source.asked[0] == fake_source.asked[1]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2015, 1, 1, tzinfo=UTC), datetime(2015, 1, 31, 23, 59, 59, tzinfo=UTC)),
        (datetime(2015, 1, 1), datetime(2015, 1, 31, 23, 59, 59)),  # noqa: DTZ001 - naive is UTC
        (
            datetime(2015, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            datetime(2015, 1, 31, 18, 29, 59, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
        ),
        ("2015-01-01T00:00:00Z", "2015-02-01T00:59:59+01:00"),
        (date(2015, 1, 1), "2015-01-31T23:59:59"),
    ],
)
def test_instants_come_as_datetimes_dates_or_texts(
    reports: LegacyReports, fake_source: FakeSource, start: date | str, end: date | str
) -> None:
    reports.new_conversations(start=start, end=end)
    assert fake_source.asked == [ConversationQuery(created=(Interval(FIRST, LAST),))]


@pytest.mark.parametrize("convention", ["midnight", "last-second"])
def test_a_date_as_an_end_is_the_whole_day(
    fake_source: FakeSource, convention: Literal["midnight", "last-second"]
) -> None:
    with reports_on(fake_source, conventions=Conventions(date_only_end=convention)) as reports:
        reports.new_conversations(
            start=date(2015, 1, 1),
            end=date(2015, 1, 31),
            previous_start=date(2014, 12, 1),
            previous_end=date(2014, 12, 31),
        )
    december = Interval(FIRST - 31 * 86_400, FIRST - 1)
    assert set(fake_source.asked[0].created) == {Interval(FIRST, LAST), december}


@pytest.mark.parametrize(("convention", "last"), [("midnight", MIDNIGHT), ("last-second", LAST)])
def test_a_text_without_a_time_ends_as_conventions_say(
    fake_source: FakeSource, convention: Literal["midnight", "last-second"], last: int
) -> None:
    with reports_on(fake_source, conventions=Conventions(date_only_end=convention)) as reports:
        reports.new_conversations(start="2015-01-01", end="2015-01-31")
    assert fake_source.asked[0].created == (Interval(FIRST, last),)


def test_bad_arguments_raise_the_error_of_the_old_api(reports: LegacyReports) -> None:
    with pytest.raises(ValidationFailed) as caught:
        reports.new_conversations(start="yesterday", end="2015-01-31", types=["fax"])
    assert [(each.property, each.value) for each in caught.value.errors] == [
        ("start", "yesterday"),
        ("types", "fax"),
    ]


def test_upstream_errors_are_raised_as_errors_of_the_old_api(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    fake_source.error = Unreachable("no answer")
    with pytest.raises(Unavailable) as caught:
        reports.new_conversations(start="2015-01-01", end="2015-01-31")
    assert caught.value.__cause__ is fake_source.error


def test_an_answer_says_as_of_when_it_is(reports: LegacyReports) -> None:
    assert header(ask(reports), "Compat-As-Of") == "2015-03-02T00:00:00Z"
    assert datetime(2015, 3, 2, tzinfo=UTC).timestamp() == AS_OF


def test_an_answer_says_which_engine_it_is_from(reports: LegacyReports) -> None:
    assert header(ask(reports), "Compat-Engine") == "computed"


@pytest.mark.parametrize(
    ("target", "authorization"),
    [(JANUARY, KEY), ("/nowhere", KEY), (JANUARY, None), (PATH, KEY)],
)
def test_every_answer_has_its_own_correlation_id(
    reports: LegacyReports, target: str, authorization: str | None
) -> None:
    answers = [reports.answer(target, authorization=authorization) for _ in range(2)]
    ids = {header(answer, "Correlation-Id") for answer in answers}
    assert None not in ids
    assert len(ids) == 2


@pytest.mark.parametrize("target", [f"https://api.helpscout.net{JANUARY}", JANUARY.encode()])
def test_a_target_may_be_a_whole_url_or_bytes(reports: LegacyReports, target: str | bytes) -> None:
    assert reports.answer(target, authorization=KEY.encode()).status == 200


def test_a_request_may_be_an_object(reports: LegacyReports) -> None:
    request = LegacyRequest.from_target(JANUARY, authorization=KEY)
    assert reports.handle(request).status == 200


def test_an_answer_is_cached_until_it_is_too_old(
    reports: LegacyReports, fake_source: FakeSource, manual_clock: ManualClock
) -> None:
    fake_source.kept = 60.0
    with reports_on(fake_source) as held:
        for seconds, fetches in ((0, 1), (59, 1), (2, 2), (59, 2)):
            manual_clock.now += seconds
            assert ask(held).status == 200
            assert len(fake_source.asked) == fetches


def test_an_answer_that_may_not_be_used_again_is_not_cached(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    assert [ask(reports).status, ask(reports).status] == [200, 200]
    assert len(fake_source.asked) == 2


def test_requests_and_calls_from_python_share_cached_answers(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    fake_source.kept = 60.0
    ask(reports)
    reports.new_conversations(start="2015-01-01", end="2015-01-31T23:59:59Z")
    assert len(fake_source.asked) == 1


def test_other_spellings_of_a_request_are_equal_requests(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    fake_source.kept = 60.0
    ask(reports, f"{PATH}?start=2015-01-01T01:00:00%2B01:00&end=2015-01-31T23:59:59Z&tags=1,2")
    ask(reports, f"{PATH}?tags[]=1&end=2015-01-31T23:59:59.9&tags[]=2&start=2015-01-01&page=3")
    assert len(fake_source.asked) == 1


@pytest.mark.parametrize(
    "other", ["viewBy=day", "mailboxes=2", "tags=1", "types=chat", "folders=3"]
)
def test_a_different_request_is_computed_for_itself(
    reports: LegacyReports, fake_source: FakeSource, other: str
) -> None:
    fake_source.kept = 60.0
    ask(reports)
    ask(reports, f"{JANUARY}&{other}")
    assert len(fake_source.asked) == 2


def test_requests_under_other_conventions_are_not_equal(reports: LegacyReports) -> None:
    account = only_account(reports)
    others = [
        Account(account.settings.model_copy(update={"conventions": conventions}), FakeSource())
        for conventions in (Conventions(), Conventions(end_included=False))
    ]
    questions = [each.parse(*_spelled()) for each in others]
    assert questions[0] == account.parse(*_spelled())
    assert questions[0] != questions[1]
    for each in others:
        each.close()


def _spelled() -> tuple[Route, list[tuple[str, str]]]:
    return routes.find_route("GET", PATH), [("start", "2015-01-01"), ("end", "2015-01-31")]


def test_the_number_of_cached_answers_is_limited(fake_source: FakeSource) -> None:
    fake_source.kept = 60.0
    with reports_on(fake_source, answers=2) as reports:
        for tag in (7, 8, 9, 7):
            ask(reports, f"{JANUARY}&tags={tag}")
    assert len(fake_source.asked) == 4


def test_many_threads_can_use_the_cached_answers_at_the_same_time(fake_source: FakeSource) -> None:
    fake_source.kept = 60.0
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with reports_on(fake_source, answers=2) as reports, ThreadPoolExecutor(8) as pool:
            targets = [f"{JANUARY}&tags={number * 7 % 4}" for number in range(1200)]
            answers = list(pool.map(lambda target: ask(reports, target).status, targets))
    finally:
        sys.setswitchinterval(interval)
    assert Counter(answers) == {200: 1200}


def test_sixteen_callers_with_equal_requests_share_one_computation(fake_source: FakeSource) -> None:
    fake_source.gate.clear()
    barrier = threading.Barrier(17)

    def call(_: int) -> LegacyResponse:
        barrier.wait(LONG)
        return ask(reports, patience=LONG)

    with reports_on(fake_source) as reports, ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(call, number) for number in range(16)]
        barrier.wait(LONG)
        assert fake_source.started.wait(LONG)
        fake_source.kept = 60.0
        fake_source.gate.set()
        bodies = {call.result(LONG).body for call in calls}
    assert len(bodies) == 1
    assert len(fake_source.asked) == 1


def test_closing_closes_the_source(fake_source: FakeSource) -> None:
    with reports_on(fake_source) as reports:
        assert reports.ready
    assert fake_source.closed
    assert not reports.ready


def test_after_closing_callers_get_a_503(reports: LegacyReports) -> None:
    reports.close()
    answer = ask(reports)
    assert answer.status == 503
    assert int(header(answer, "Retry-After") or 0) >= 1


def test_after_closing_calls_from_python_are_refused(reports: LegacyReports) -> None:
    reports.close()
    with pytest.raises(Unavailable):
        reports.new_conversations(start="2015-01-01", end="2015-01-31")


def test_the_service_is_ready_if_its_source_is(
    reports: LegacyReports, fake_source: FakeSource
) -> None:
    fake_source.ready = False
    assert not reports.ready


def test_a_row_that_the_source_adds_changes_the_next_answer(fake_source: FakeSource) -> None:
    with reports_on(fake_source) as reports:
        before = ask(reports).body
        fake_source.held_rows = (*fake_source.held_rows, row(FIRST + 1, id=3))
        assert ask(reports).body != before

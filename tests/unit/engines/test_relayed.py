"""What the successor is asked, and what becomes of its answers, good or bad."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from compat.config.conventions import Conventions
from compat.config.settings import SettingsError
from compat.engines.translations import TRANSLATIONS, UNSUPPORTED
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.conversation import format_timestamp, parse_timestamp
from compat.v1.errors import Unavailable, ValidationFailed
from compat.v1.http import LegacyResponse
from compat.v1.query import ReportQuery
from compat.v1.routes import ROUTES
from tests.integration.exactness import simulated_upstream
from tests.unit.engines.successor import (
    HOURS,
    JANUARY,
    LIST,
    NEW,
    SERIES,
    WEEKS,
    Successor,
    body,
    header,
    reach,
)
from tests.unit.service.doubles import LONG, basic
from tests.unit.v2.upstream import (
    FIRST,
    Asked,
    Json,
    Reply,
    Upstream,
    answer,
)


def asked_of(
    upstream: Upstream, successor: Successor, target: str, **settings: Any
) -> LegacyResponse:
    upstream.script = successor
    with LegacyReports(reach(upstream.url, **settings)) as reports:
        return reports.answer(target, authorization=basic(), patience=LONG)


def test_every_translation_is_of_an_old_report() -> None:
    reports = {route.report for route in ROUTES if route.query_type is ReportQuery}
    assert set(TRANSLATIONS) <= reports


def test_a_report_without_a_translation_is_refused_with_what_to_do(upstream: Upstream) -> None:
    target = f"{NEW}?{JANUARY}".replace("conversations/new", "happiness")
    answered = asked_of(upstream, Successor({}), target)
    (fault,) = json.loads(answered.body)["validationErrors"]
    assert (answered.status, fault["property"]) == (400, "engine")
    assert "set COMPAT_ENGINE to computed" in fault["message"]


def test_an_answer_says_that_it_was_relayed(upstream: Upstream) -> None:
    answered = asked_of(upstream, Successor(SERIES), f"{NEW}?{JANUARY}")
    assert body(answered) == SERIES
    assert header(answered, "Compat-Engine") == "relayed"


def test_a_question_is_asked_in_the_successors_spelling(upstream: Upstream) -> None:
    successor = Successor(SERIES)
    sent = (
        "start=2015-01-01T01:00:00.000%2B0100&end=2015-01-31T23:59:59&mailboxes[]=2&mailboxes[]=1"
        "&tags=1,9&types=email&folders=&page=7&office_hours=1&&start=2011-01-01"
    )
    asked_of(upstream, successor, f"{NEW}?{sent}")
    (asked,) = successor.asked
    assert asked.path == "/v2/reports/conversations/new"
    assert asked.headers["authorization"] == "Bearer token-1"
    assert asked.params == {
        "start": "2015-01-01T00:00:00Z",
        "end": "2015-01-31T23:59:59Z",
        "mailboxes": "2,1",
        "tags": "1,9",
        "types": "email",
        "viewBy": "week",
    }


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("", {"page": "1", "rows": "10"}),
        ("&rows=51&page=3", {"page": "3", "rows": "50"}),
        (
            "&viewBy=day&previousStart=2014-01-01&previousEnd=2014-01-02",
            {"page": "1", "rows": "10"},
        ),
    ],
)
def test_a_list_is_asked_for_with_its_rows(
    upstream: Upstream, sent: str, expected: Mapping[str, str]
) -> None:
    rows, page = int(expected["rows"]), int(expected["page"])
    successor = Successor(listed([], page=page, pages=-(-200 // rows), count=200))
    body(asked_of(upstream, successor, f"{LIST}?{JANUARY}{sent}"))
    params = dict(successor.asked[0].params)
    assert (params.pop("start"), params.pop("end")) == (
        "2015-01-01T00:00:00Z",
        "2015-01-31T23:59:59Z",
    )
    assert params == expected


def test_busy_times_are_asked_for_without_a_previous_range(upstream: Upstream) -> None:
    successor = Successor([{"day": 7, "hour": 23, "count": 4}])
    sent = f"{HOURS}?{JANUARY}&previousStart=2014-01-01&previousEnd=2014-01-02&viewBy=day"
    answered = asked_of(upstream, successor, sent)
    assert answered.body == b'[{"day":7,"hour":23,"count":4}]'
    assert set(successor.asked[0].params) == {"start", "end"}


MESSAGES = NEW.replace("new", "received-messages")


def test_received_messages_are_asked_for_as_a_series(upstream: Upstream) -> None:
    series = {"current": [{"date": f"{day}T00:00:00Z", "messages": 3} for day in WEEKS]}
    successor = Successor(series)
    answered = asked_of(upstream, successor, f"{MESSAGES}?{JANUARY}&tags=1,9&viewBy=week")
    assert body(answered) == series
    (asked,) = successor.asked
    assert asked.path == "/v2/reports/conversations/received-messages"
    assert asked.params == {
        "start": "2015-01-01T00:00:00Z",
        "end": "2015-01-31T23:59:59Z",
        "tags": "1,9",
        "viewBy": "week",
    }


def test_each_range_of_received_messages_is_asked_for_alone(upstream: Upstream) -> None:
    successor = Successor({"current": [{"date": "2015-01-01T00:00:00Z", "messages": 3}]})
    day = "start=2015-01-01&end=2015-01-01&previousStart=2015-01-01&previousEnd=2015-01-01"
    answered = asked_of(upstream, successor, f"{MESSAGES}?{day}")
    point = [{"date": "2015-01-01T00:00:00Z", "messages": 3}]
    assert body(answered) == {"current": point, "previous": point}
    assert len(successor.asked) == 2


@pytest.mark.parametrize("point", [{"start": "2015-01-01T00:00:00Z", "count": 3}, {}])
def test_points_of_another_report_are_no_messages(upstream: Upstream, point: Json) -> None:
    sent = f"{MESSAGES}?start=2015-01-01&end=2015-01-01"
    assert asked_of(upstream, Successor({"current": [point]}), sent).status == 503


def test_where_no_second_counts_there_are_no_messages(upstream: Upstream) -> None:
    successor = Successor({"current": []})
    rules = Conventions(end_included=False)
    sent = f"{MESSAGES}?start=2015-01-01&end=2015-01-01"
    answered = asked_of(upstream, successor, sent, conventions=rules)
    assert body(answered) == {"current": [{"date": "2015-01-01T00:00:00Z", "messages": 0}]}
    assert successor.asked == []


def listed(rows: list[Json], *, page: int = 1, pages: int = 1, count: int = 1) -> Json:
    return {"conversations": {"pages": pages, "page": page, "count": count, "results": rows}}


RECORDED = {
    "id": 583,
    "number": 12345,
    "type": "email",
    "mailboxid": 2,
    "attachments": True,
    "subject": "Subject",
    "status": "closed",
    "threadCount": 6,
    "preview": "This is",
    "customerName": "John Smith",
    "modifiedAt": "2015-04-24T18:59:49Z",
    "waitingSince": "2015-04-24T17:00:00Z",
    "waitingSinceType": 2,
    "assignedid": 0,
    "tags": [{"id": 5, "name": "billing", "color": "#00ff00"}],
    "newer": {"key": 1},
}


def test_what_help_scouts_own_report_tells_is_not_named_as_inexact(upstream: Upstream) -> None:
    answered = asked_of(upstream, Successor(listed([RECORDED])), f"{LIST}?{JANUARY}")
    assert header(answered, "Compat-Engine") == "relayed"
    assert not {"Compat-Approximate", "Compat-Unavailable"} & dict(answered.headers).keys()


class Pages(Successor):
    """A list whose pages have these ids; the last of several counts has the last page."""

    def __init__(self, ids: list[list[int]], *counts: int) -> None:
        super().__init__({})
        self.ids = ids
        self.counts = counts

    def __call__(self, asked: Asked) -> Reply:
        if "page" in asked.params:
            page = int(asked.params["page"])
            rows = [{**RECORDED, "id": id_} for id_ in self.ids[page - 1]]
            count = self.counts[min(page, len(self.counts)) - 1]
            self.content = listed(rows, page=page, pages=-(-count // 50), count=count)
        return super().__call__(asked)


def all_pages(upstream: Upstream, successor: Successor) -> Any:
    upstream.script = successor
    pairs = [("start", "2015-01-01"), ("end", "2015-01-31")]
    with LegacyReports(reach(upstream.url, parallel=1)) as reports:
        return reports.compute("new_drilldown", pairs, all_pages=True).answer


def test_all_pages_are_relayed_as_one(upstream: Upstream) -> None:
    ids = [list(range(50)), list(range(50, 100)), [100]]
    successor = Pages(ids, 101)
    found = all_pages(upstream, successor).conversations
    assert (found.page, found.pages, found.count) == (1, 1, 101)
    assert [row.id for row in found.results] == list(range(101))
    assert [each.params["rows"] for each in successor.asked] == ["50"] * 3


@pytest.mark.parametrize(
    ("ids", "counts"),
    [
        ([list(range(50)), list(range(49, 99))], (100,)),
        ([list(range(50)), [50]], (52,)),
        ([list(range(50)), [50, 51]], (51, 52)),
    ],
    ids=["a row twice", "a row too few", "another count"],
)
def test_pages_that_change_while_they_are_relayed_are_an_error(
    upstream: Upstream, ids: list[list[int]], counts: tuple[int, ...]
) -> None:
    with pytest.raises(Unavailable, match="have changed while they were read"):
        all_pages(upstream, Pages(ids, *counts))


def test_a_row_gets_the_keys_that_the_old_api_had(upstream: Upstream) -> None:
    answered = asked_of(upstream, Successor(listed([RECORDED])), f"{LIST}?{JANUARY}")
    (row,) = body(answered)["conversations"]["results"]
    assert list(row.items()) == [
        ("id", 583),
        ("number", 12345),
        ("type", "email"),
        ("mailboxid", 2),
        ("attachments", True),
        ("subject", "Subject"),
        ("status", "closed"),
        ("threadCount", 6),
        ("preview", "This is"),
        ("customerName", "John Smith"),
        ("customerEmail", ""),
        ("customerIds", []),
        ("modifiedAt", "2015-04-24T18:59:49Z"),
        ("waitingSince", "2015-04-24T17:00:00Z"),
        ("waitingSinceType", 2),
        ("assignedid", 0),
        ("tags", [{"id": 5, "name": "billing", "color": "none"}]),
    ]


def test_a_row_as_documented_keeps_its_customer_and_its_user(upstream: Upstream) -> None:
    documented = {
        **{k: v for k, v in RECORDED.items() if not k.startswith("waiting")},
        "customerEmail": "john@example.com",
        "customerIds": [2],
        "assignedid": 4,
        "assignedName": "Mary Jones",
    }
    answered = asked_of(upstream, Successor(listed([documented])), f"{LIST}?{JANUARY}")
    (row,) = body(answered)["conversations"]["results"]
    assert (row["customerEmail"], row["customerIds"]) == ("john@example.com", [2])
    assert (row["assignedid"], row["assignedName"]) == (4, "Mary Jones")
    assert not {key for key in row if key.startswith("waiting")}


def points(*counts: object) -> Json:
    return {
        "current": [
            {"start": f"{day}T00:00:00Z", "count": count}
            for day, count in zip(WEEKS, counts, strict=False)
        ]
    }


MISFITS: list[tuple[str, object]] = [
    (NEW, {}),
    (NEW, {"current": None}),
    (NEW, points(1, 2, 3, 4)),
    (NEW, points(1, 2, 3, 4, 5.0)),
    (NEW, points(1, 2, 3, 4, "5")),
    (NEW, points(1, 2, 3, 4, None)),
    (NEW, points(1, 2, 3, 4, -5)),
    (NEW, points(1, 2, 3, 4, True)),
    (NEW, {"current": [*points(1, 2, 3, 4, 5)["current"], *points(1)["current"]]}),
    (NEW, {"current": [{"start": "2015-01-01T00:00:01Z", "count": 1}]}),
    (NEW, {"current": [{"date": "2015-01-01T00:00:00Z", "count": 1}]}),
    (NEW, []),
    (NEW, Reply(200, b'{"current":[')),
    (LIST, {}),
    (LIST, listed([], page=2)),
    (LIST, listed([], pages=2)),
    (LIST, listed([], count=26)),
    (LIST, listed([RECORDED, RECORDED], count=2)),
    (LIST, listed([{**RECORDED, "id": "583"}])),
    (LIST, listed([{k: v for k, v in RECORDED.items() if k != "modifiedAt"}])),
    (LIST, listed([{**RECORDED, "id": each} for each in range(11)], count=10)),
    (HOURS, {}),
    (HOURS, [{"day": 0, "hour": 1, "count": 1}]),
    (HOURS, [{"day": 8, "hour": 1, "count": 1}]),
    (HOURS, [{"day": 1, "hour": 24, "count": 1}]),
    (HOURS, [{"day": 1, "hour": 1}]),
    (HOURS, [{"day": 1, "hour": 1, "count": 1}, {"day": 1, "hour": 1, "count": 2}]),
]


@pytest.mark.parametrize(("path", "content"), MISFITS)
def test_an_answer_that_does_not_fit_is_an_error(
    upstream: Upstream, path: str, content: object
) -> None:
    answered = asked_of(upstream, Successor(content), f"{path}?{JANUARY}")
    assert answered.status == 503, answered
    assert "cannot be counted exactly" in json.loads(answered.body)["error"]


def refused(*errors: Json) -> Reply:
    return answer({"message": "Bad", "_embedded": {"errors": list(errors)}}, 400)


def test_faults_that_the_successor_finds_have_the_old_form(upstream: Upstream) -> None:
    reply = refused(
        {"path": "mailboxes", "message": "unknown", "rejectedValue": "7", "source": "QUERY"},
        {"path": "tags", "message": "too many", "rejectedValue": 8},
        {"path": "end", "message": "missing"},
    )
    answered = asked_of(upstream, Successor(reply), f"{NEW}?{JANUARY}&mailboxes=7")
    assert answered.status == 400
    assert json.loads(answered.body) == {
        "code": 400,
        "error": "Input could not be validated",
        "validationErrors": [
            {"property": "mailboxes", "value": "7", "message": "unknown"},
            {"property": "tags", "value": "8", "message": "too many"},
            {"property": "end", "value": None, "message": "missing"},
        ],
    }


@pytest.mark.parametrize(
    ("reply", "status", "part"),
    [
        (Reply(400), 503, "status 400"),
        (answer({"_embedded": {"errors": "x"}}, 400), 503, "status 400"),
        (Reply(404, b"Unknown URL"), 503, "status 404"),
        (Reply(500), 503, "status 500"),
        (Reply(503), 503, "status 503"),
        (Reply(302, headers={"Location": "/"}), 503, "HELPSCOUT_BASE_URL"),
        (Reply(403), 403, "COMPAT_ENGINE"),
        (Reply(401), 503, "status 401"),
    ],
)
def test_other_refusals_say_what_is_wrong(
    upstream: Upstream, reply: Reply, status: int, part: str
) -> None:
    answered = asked_of(upstream, Successor(reply), f"{NEW}?{JANUARY}")
    assert answered.status == status
    assert part in json.loads(answered.body)["error"]
    assert ("Retry-After" in dict(answered.headers)) is (status == 503)


def test_on_the_standard_plan_the_sentence_names_the_setting(
    upstream_server: simulated_upstream.Upstream,
) -> None:
    account = Account()
    account.add(FIRST)
    settings = upstream_server.show(Simulator(account, Behaviour(rate_limit=None)))
    with LegacyReports(settings.model_copy(update={"engine": "relayed"})) as reports:
        answered = reports.answer(f"{NEW}?{JANUARY}", authorization=basic(), patience=LONG)
    assert answered.status == 403
    assert "set COMPAT_ENGINE to computed" in json.loads(answered.body)["error"]


HONOURED = {
    *("default_view_by", "end_included", "empty_buckets_listed", "month_step", "start_snapped"),
    *("judged", "repeated_parameter", "date_only_end", "compact_offsets", "company_time_zone"),
    *("max_buckets", "max_days_by_day", "max_days_by_week", "min_days_by_month"),
}
"""Conventions that a question carries, or that are applied to the successor's answer; the zone is
the company's own there."""


UNUSED = {
    *("response_base", "resolved_at", "first_reply_share", "automatic_replies_count"),
    "office_hours",
}
"""Conventions on which no report depends that is relayed."""


def test_for_every_convention_it_is_known_whether_the_successor_follows_it() -> None:
    refused = {*UNSUPPORTED, "tags_match", "untagged_tag"}
    assert len(HONOURED) + len(refused) + len(UNUSED) == len(Conventions.model_fields)
    assert HONOURED | refused | UNUSED == set(Conventions.model_fields)


@pytest.mark.parametrize(
    ("conventions", "variable"),
    [
        ({"counted_states": frozenset({"published", "draft"})}, "COMPAT_COUNTED_STATES"),
        ({"uncounted_statuses": frozenset({"spam", "closed"})}, "COMPAT_UNCOUNTED_STATUSES"),
        ({"uncounted_statuses": frozenset()}, "COMPAT_UNCOUNTED_STATUSES"),
        ({"clock_shift_minutes": 60}, "COMPAT_CLOCK_SHIFT_MINUTES"),
    ],
)
def test_conventions_that_no_question_could_honour_are_refused_at_the_start(
    conventions: dict[str, Any], variable: str
) -> None:
    asked = reach("http://127.0.0.1:1/v2", conventions=Conventions(**conventions))
    with pytest.raises(SettingsError, match=rf"{variable}.*COMPAT_ENGINE must be computed"):
        LegacyReports(asked)


@pytest.mark.parametrize(
    ("conventions", "tags", "variable"),
    [
        ({"tags_match": "all"}, "5,6", "COMPAT_TAGS_MATCH"),
        ({"untagged_tag": None}, "1", "COMPAT_UNTAGGED_TAG"),
        ({"untagged_tag": 77}, "77", "COMPAT_UNTAGGED_TAG"),
        ({"untagged_tag": 77}, "1,5", "COMPAT_UNTAGGED_TAG"),
    ],
)
def test_a_parameter_that_the_successor_understands_differently_is_refused_by_name(
    upstream: Upstream, conventions: dict[str, Any], tags: str, variable: str
) -> None:
    successor = Successor(SERIES)
    rules = Conventions(**conventions)
    target = f"{NEW}?{JANUARY}&tags={tags}"
    answered = asked_of(upstream, successor, target, conventions=rules)
    assert answered.status == 400
    (error,) = json.loads(answered.body)["validationErrors"]
    assert (error["property"], error["value"]) == ("tags", tags)
    assert variable in error["message"]
    assert not upstream.asked


@pytest.mark.parametrize(
    ("conventions", "tags"),
    [({"tags_match": "all"}, "5"), ({"untagged_tag": None}, "5"), ({"untagged_tag": 77}, "")],
)
def test_where_such_a_rule_changes_nothing_the_question_is_asked(
    upstream: Upstream, conventions: dict[str, Any], tags: str
) -> None:
    target, rules = f"{NEW}?{JANUARY}&tags={tags}", Conventions(**conventions)
    assert body(asked_of(upstream, Successor(SERIES), target, conventions=rules)) == SERIES


def test_ids_behind_counts_are_not_available_from_the_successor(upstream: Upstream) -> None:
    upstream.script = Successor(SERIES)
    pairs = [("start", "2015-01-01"), ("end", "2015-01-31")]
    with (
        LegacyReports(reach(upstream.url)) as reports,
        pytest.raises(ValidationFailed, match="COMPAT_ENG"),
    ):
        reports.compute("new_ids", pairs)


def test_lists_that_fill_filters_are_no_reports(
    upstream_server: simulated_upstream.Upstream,
) -> None:
    settings = upstream_server.show(Simulator(Account(), Behaviour(rate_limit=None)))
    with LegacyReports(settings.model_copy(update={"engine": "relayed"})) as reports:
        answered = reports.answer("/v1/tags.json", authorization=basic(), patience=LONG)
    assert (answered.status, header(answered, "Compat-Engine")) == (200, "computed")


def days(asked: Asked, count: Callable[[str], int]) -> Json:
    """A series by day between the days that a request names, `end` included."""
    first, last = parse_timestamp(asked.params["start"]), parse_timestamp(asked.params["end"])
    starts = [format_timestamp(each) for each in range(first, max(last, first + 1), 86_400)]
    return {"current": [{"start": each, "count": count(each)} for each in starts]}


def test_half_a_year_by_day_is_requested_in_parts_of_sixty_days(upstream: Upstream) -> None:
    class ByDay(Successor):
        def __call__(self, asked: Asked) -> Reply:
            found = super().__call__(asked)
            return answer(days(asked, lambda _: 1)) if asked in self.asked else found

    successor = ByDay(None)
    target = f"{NEW}?start=2015-01-01T00:00:00Z&end=2015-06-29T23:59:59Z&viewBy=day"
    answered = body(asked_of(upstream, successor, target))
    assert [each["count"] for each in answered["current"]] == [1] * 180
    assert sorted((each.params["start"], each.params["end"]) for each in successor.asked) == [
        ("2015-01-01T00:00:00Z", "2015-03-01T23:59:59Z"),
        ("2015-03-02T00:00:00Z", "2015-04-30T23:59:59Z"),
        ("2015-05-01T00:00:00Z", "2015-06-29T23:59:59Z"),
    ]
    assert {each.params["viewBy"] for each in successor.asked} == {"day"}


def test_an_answer_is_as_old_as_the_first_request_for_it(upstream: Upstream) -> None:
    dates = iter(["Mon, 02 Mar 2015 00:00:10 GMT", "Mon, 02 Mar 2015 00:00:00 GMT"])

    class Dated(Successor):
        def __call__(self, asked: Asked) -> Reply:
            found = super().__call__(asked)
            if asked not in self.asked:
                return found
            content = days(asked, lambda _: 0) if asked.params["viewBy"] == "day" else SERIES
            return answer(content, headers={"Date": next(dates)})

    sent = f"{JANUARY}&previousStart=2014-01-01&previousEnd=2014-01-20&viewBy=day"
    answered = asked_of(upstream, Dated(None), f"{NEW}?{sent}")
    assert header(answered, "Compat-As-Of") == "2015-03-01T23:59:59Z"


def test_an_answer_is_cached_as_long_as_recent_rows(upstream: Upstream) -> None:
    for age, requests in ((60, 1), (0, 2)):
        successor = upstream.script = Successor(SERIES)
        with LegacyReports(reach(upstream.url, recent_age=age)) as reports:
            for _ in range(2):
                reports.answer(f"{NEW}?{JANUARY}", authorization=basic(), patience=LONG)
        assert len(successor.asked) == requests


def test_an_empty_account_counts_nothing_even_if_the_last_second_is_unknown(
    upstream_server: simulated_upstream.Upstream,
) -> None:
    settings = upstream_server.show(Simulator(Account(), Behaviour(rate_limit=None), plan="pro"))
    with LegacyReports(settings.model_copy(update={"engine": "relayed"})) as reports:
        for path in (NEW, LIST, HOURS):
            answered = reports.answer(f"{path}?{JANUARY}", authorization=basic(), patience=LONG)
            assert answered.status == 200


def test_a_count_is_refused_if_the_last_second_is_unknown(
    upstream_server: simulated_upstream.Upstream,
) -> None:
    account, now = Account(), int(time.time())
    for moment in range(4):
        account.add(now - moment)
    today = f"start={format_timestamp(now - 86_400)}&end={format_timestamp(now)}"
    settings = upstream_server.show(Simulator(account, Behaviour(rate_limit=None), plan="pro"))
    with LegacyReports(settings.model_copy(update={"engine": "relayed"})) as reports:
        for path in (NEW, LIST, HOURS):
            answered = reports.answer(f"{path}?{today}", authorization=basic(), patience=LONG)
            assert answered.status == 503
            assert "second of `end`" in json.loads(answered.body)["error"]


def test_each_account_has_an_engine_of_its_own(
    upstream_server: simulated_upstream.Upstream,
) -> None:
    account = Account()
    account.add(FIRST)
    near = upstream_server.show(Simulator(account, Behaviour(rate_limit=None), plan="plus"))
    accounts = {
        engine: near.model_copy(update={"engine": engine, "api_keys": (SecretStr(engine),)})
        for engine in ("computed", "relayed")
    }
    with LegacyReports(accounts) as reports:
        for engine in accounts:
            key = basic(engine)
            answered = reports.answer(f"{NEW}?{JANUARY}", authorization=key, patience=LONG)
            assert header(answered, "Compat-Engine") == engine

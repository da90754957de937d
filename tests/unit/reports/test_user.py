"""What a user or a team did in a range: `user.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.counting import Filter
from compat.core.models import (
    Activity,
    ActivityQuery,
    ListItem,
    ListQuery,
    Rating,
    Thread,
    UnknownValue,
)
from compat.core.report_data import CustomersEverQuery, UserActivityQuery
from compat.reports import user
from compat.reports.figures import change_in_percent
from compat.reports.user_series import SERIES
from compat.v1.models_users import UserReport
from compat.v1.query import ReportQuery
from tests.unit.core import activity_oracle as oracle
from tests.unit.core.activity_samples import (
    BEFORE,
    FIRST,
    LAST,
    VECTORS,
    Json,
    activities,
    interval,
    payloads,
    vector_payloads,
)
from tests.unit.reports.samples import DAY, query, row, span
from tests.unit.reports.staff import ANN, user_data
from tests.unit.service.doubles import FakeSource, basic, reports_on

PLAIN = Conventions()
EXAMPLES = min(settings().max_examples, 200)
START = interval().first
PATH = "/v1/reports/user.json"
HOUR = 3600
ACCOUNTS = st.lists(payloads(), max_size=4, unique_by=lambda payload: payload["id"])
DELTAS = (
    *("totalConversations", "customersHelped", "happinessScore", "repliesPerDay"),
    *("resolvedOnFirstReply", "handleTime", "conversationsPerDay", "resolved"),
    *("repliesToResolve", "activeConversations", "totalReplies", "closed", "responseTime"),
    *("resolutionTime", "conversationsCreated"),
)
"""The keys of the documented example, in its order."""

EXAMPLE: Json = json.loads((Path(__file__).parent / "data/user.json").read_text("utf-8"))
"""The figures of the documented example."""


def asked(**others: Any) -> ReportQuery:
    return query(*interval(), user=1, **others)


BOTH = asked(previous=span(*interval(*BEFORE)))


def report(
    found: Sequence[Activity],
    users: Sequence[int] = (1,),
    question: ReportQuery = BOTH,
    conventions: Conventions = PLAIN,
    **others: Any,
) -> Json:
    """The answer as its JSON reads."""
    answer = user.answer(question, user_data(found, users, **others), conventions)
    content: Json = json.loads(answer.model_dump_json())
    return content


def current(found: Sequence[Activity], *rest: Any, **others: Any) -> Json:
    """The figures of the requested range."""
    content: Json = report(found, *rest, **others)["current"]
    return content


def told(*threads: Thread, **fields: Any) -> Activity:
    """A conversation of these threads; their seconds are those of the range."""
    whole = {
        name: fields.pop(name) for name in ("closed", "closed_by", "created_by") if name in fields
    }
    each = tuple(
        thread._replace(created=START + thread.created, id=number)
        for number, thread in enumerate(threads, 1)
    )
    created = START + fields.pop("created", 0)
    return Activity(row(created, **fields), each, 101, **whole)


def wrote(second: int, **fields: Any) -> Thread:
    return Thread(second, 0, "customer", by="customer", author=101)._replace(**fields)


def replied(second: int, **fields: Any) -> Thread:
    return Thread(second, 0, "message", by="user", author=1, customer=101)._replace(**fields)


def closed(*threads: Thread, at: int, **fields: Any) -> Activity:
    return told(*threads, status="closed", closed=START + at, **fields)


@pytest.mark.parametrize("number", [1, 2])
def test_a_user_has_what_the_vectors_say(number: int) -> None:
    content = report(activities(vector_payloads()), (number,))
    for block, expected in (("current", ""), ("previous", "previous_")):
        figures = VECTORS[f"{expected}user{number}"]
        assert {name: content[block][name] for name in figures} == figures


def test_the_changes_are_those_of_the_vectors() -> None:
    deltas = report(activities(vector_payloads()), (2,))["deltas"]
    expected = VECTORS["deltas_user2"]
    assert {name: deltas[name] for name in expected} == expected
    assert deltas["activeConversations"] == deltas["totalConversations"]
    assert tuple(deltas) == DELTAS


def test_a_team_of_everybody_has_the_figures_of_the_company() -> None:
    content = current(activities(vector_payloads()), (1, 2))
    company = VECTORS["all_resolved"]
    for name in (
        *("resolved", "resolvedOnFirstReply", "closed", "customersHelped", "repliesToResolve"),
        *("resolutionTime", "responseTime", "repliesPerDay"),
    ):
        assert content[name] == company[name], name
    assert content["totalReplies"] == company["repliesSent"]
    assert content["averageFirstResponseTime"] == company["firstResponseTime"]


def test_keys_are_in_the_order_of_the_documented_example() -> None:
    content = report([])
    assert list(content) == list(EXAMPLE)
    assert list(content["user"]) == list(EXAMPLE["user"])
    for block in ("current", "previous"):
        assert list(content[block]) == [*EXAMPLE[block], "averageFirstResponseTime"]
    assert tuple(content["deltas"]) == tuple(EXAMPLE["deltas"]) == DELTAS


def test_numbers_have_the_types_of_the_documented_example() -> None:
    content = report(activities(vector_payloads()))
    for block in ("current", "previous", "deltas"):
        for name, value in EXAMPLE[block].items():
            assert type(content[block][name]) is type(value), name
        assert type(content["current"]["averageFirstResponseTime"]) is int


def test_changes_are_calculated_as_in_the_documented_example_to_the_last_bit() -> None:
    whole = UserReport.model_validate(
        {
            **EXAMPLE,
            **{
                block: EXAMPLE[block] | {"averageFirstResponseTime": 0}
                for block in ("current", "previous")
            },
        }
    )
    assert whole.previous is not None
    found = user.deltas(whole.current, whole.previous)
    assert json.loads(found.model_dump_json()) == EXAMPLE["deltas"]


def test_without_a_previous_range_there_are_no_changes() -> None:
    assert list(report([], question=asked())) == ["filterTags", "user", "current"]


def test_dates_are_those_of_the_request_with_their_time_of_day() -> None:
    question = query(START + 5, START + 2 * DAY, user=1)
    content = current([], question=question)
    assert (content["startDate"], content["endDate"], content["totalDays"]) == (
        "2015-01-05T00:00:05Z",
        "2015-01-07T00:00:00Z",
        1,
    )


def test_a_range_shorter_than_a_day_counts_as_one() -> None:
    content = current([told(replied(5))], question=query(START, START + 10, user=1))
    assert (content["totalDays"], content["repliesPerDay"]) == (0, 1.0)
    assert content["conversationsPerDay"] == 1.0


def test_without_data_all_is_zero_and_has_its_type() -> None:
    body = user.answer(BOTH, user_data([]), PLAIN).model_dump_json()
    content = json.loads(body)
    for block in ("current", "previous", "deltas"):
        figures = {each for name, each in content[block].items() if not name.endswith("Date")}
        assert figures - {6} == {0}
    assert content["user"]["totalCustomersHelped"] == 0
    assert '"responseTime":0,"resolutionTime":0.0' in body


def test_a_user_is_shown_with_picture_and_date() -> None:
    assert report([], item=ANN)["user"] == {
        "id": 1,
        "hasPhoto": True,
        "createdAt": "2010-09-03T15:55:48Z",
        "name": "Ann Agent",
        "totalCustomersHelped": 0,
        "photoUrl": "https://p.example/1",
    }


def test_a_team_has_its_own_id_name_and_date() -> None:
    team = ListItem(4901, "Night shift", type="team", created=START)
    assert report([], (1, 2), item=team)["user"] == {
        "id": 4901,
        "hasPhoto": False,
        "createdAt": FIRST,
        "name": "Night shift",
        "totalCustomersHelped": 0,
        "photoUrl": None,
    }


def test_the_source_may_know_how_many_customers_were_ever_helped() -> None:
    assert report([told(replied(5))], ever=6580)["user"]["totalCustomersHelped"] == 6580


def test_otherwise_they_are_those_of_what_was_loaded_at_any_time() -> None:
    found = [
        told(replied(-90 * DAY, customer=102), wrote(5), replied(6, customer=103), id=1),
        told(replied(7, customer=0), replied(8, author=2, customer=104), id=2),
        told(replied(-5, customer=102), replied(90 * DAY), id=3),
    ]
    content = report(found, question=asked())
    assert content["user"]["totalCustomersHelped"] == 3
    assert content["current"]["customersHelped"] == 2


def test_tags_begin_with_the_one_for_untagged_conversations() -> None:
    tags = [ListItem(9, "vip", slug="vip", color="red"), ListItem(7, "refund")]
    assert report([], tags=tags)["filterTags"] == [
        {"id": 1, "name": ""},
        {"id": 9, "name": "vip"},
        {"id": 7, "name": "refund"},
    ]


def test_what_is_closed_by_others_is_resolved_by_who_replied_and_closed_by_who_closed() -> None:
    found = [closed(replied(5), replied(6, author=2, status="closed"), at=6, closed_by=2)]
    one, other = (current(found, (number,)) for number in (1, 2))
    assert (one["resolved"], one["closed"]) == (1, 0)
    assert (other["resolved"], other["closed"]) == (1, 1)


def test_closings_count_without_a_reply_and_once_a_conversation() -> None:
    line = {"type": "lineitem", "state": "", "status": "closed"}
    found = [told(wrote(1), replied(2, **line), wrote(3, status="active"), replied(4, **line))]
    content = current(found)
    assert (content["closed"], content["totalReplies"], content["resolved"]) == (1, 0, 0)


def test_created_are_the_conversations_that_the_user_began_in_the_range() -> None:
    found = [
        told(replied(0), id=1, created_by=1),
        told(replied(0), id=2, created_by=2),
        told(replied(0), id=3, created_by=1, created=-1),
        told(wrote(0), id=4),
    ]
    assert current(found)["conversationsCreated"] == 1


def test_conversations_are_those_in_which_the_user_did_anything_but_write_a_draft() -> None:
    found = [
        told(wrote(0), replied(1, type="note"), id=1),
        told(wrote(0), replied(1, type="lineitem", state=""), id=2),
        told(wrote(0), replied(1, state="draft"), id=3),
        told(wrote(0), replied(1, author=2), id=4),
        told(wrote(0), replied(-1), id=5),
        told(wrote(0), id=6, closed=START + 1, closed_by=1, status="closed"),
    ]
    assert current(found)["totalConversations"] == 2


def test_only_waits_that_the_user_ended_count_and_the_mean_is_one_of_means() -> None:
    found = [
        closed(
            wrote(0),
            replied(100),
            wrote(200),
            replied(500),
            wrote(600),
            replied(999, author=2),
            at=999,
            id=1,
        ),
        closed(wrote(0), replied(7, author=2), wrote(10), replied(13), at=20, id=2),
    ]
    content = current(found)
    assert content["responseTime"] == (200 + 3) // 2
    assert content["averageFirstResponseTime"] == 100
    assert current(found, (1, 2))["averageFirstResponseTime"] == (100 + 7) // 2


def test_with_the_base_replied_waits_of_open_conversations_count() -> None:
    found = [told(wrote(0), replied(100), wrote(8 * DAY), replied(9 * DAY))]
    assert current(found)["responseTime"] == 0
    assert current(found, conventions=Conventions(response_base="replied"))["responseTime"] == 100


def test_office_hours_change_the_times_and_nothing_else() -> None:
    conventions = Conventions(office_hours="mon-fri 09:00-17:00")
    found = [closed(wrote(0), replied(10 * HOUR), at=34 * HOUR)]
    plain, within = (
        current(found, question=asked(office_hours=asks), conventions=conventions)
        for asks in (False, True)
    )
    assert (plain["responseTime"], plain["resolutionTime"]) == (10 * HOUR, 34 * HOUR)
    changed = {name for name, value in plain.items() if within[name] != value}
    assert changed == {"responseTime", "resolutionTime", "averageFirstResponseTime"}
    assert within["responseTime"] == within["averageFirstResponseTime"] == HOUR
    assert within["resolutionTime"] == 9 * HOUR
    assert current(found, question=asked(office_hours=True)) == plain


@pytest.mark.parametrize(
    ("zone", "seconds", "day"),
    [
        ("UTC", [5], 1),
        ("UTC", [5, DAY, DAY + 1], 2),
        ("UTC", [6 * DAY, 2 * DAY], 3),
        ("America/New_York", [5], 7),
        ("Australia/Adelaide", [2 * DAY - 5], 3),
        ("UTC", [], 0),
    ],
)
def test_the_busiest_day_has_the_most_replies_by_the_clock_of_the_company(
    zone: str, seconds: list[int], day: int
) -> None:
    found = [told(*map(replied, seconds), replied(4 * DAY, author=2))]
    content = report(found, conventions=Conventions(company_time_zone=zone))
    assert content["current"]["busiestDay"] == day
    assert "busiestDay" not in content["previous"]


def test_the_busiest_day_goes_by_the_old_clock() -> None:
    found = [told(replied(-HOUR))]
    conventions = Conventions(clock_shift_minutes=60)
    content = current(found, conventions=conventions)
    assert (content["totalReplies"], content["busiestDay"]) == (1, 1)


def test_the_score_is_that_of_the_replies_of_the_user_that_were_rated() -> None:
    rated = [
        told(replied(5, rating=Rating(value)), replied(6, author=2, rating=Rating(3)), id=number)
        for number, value in enumerate((1, 1, 2), 1)
    ]
    content = report([*rated, told(replied(-5, rating=Rating(3)), id=9)])
    assert content["current"]["happinessScore"] == 2 / 3 * 100
    assert content["previous"]["happinessScore"] == -100
    assert content["deltas"]["happinessScore"] == 2 / 3 * 100 + 100


def test_a_convention_writes_the_share_on_the_first_reply_as_a_percentage() -> None:
    found = [closed(replied(5), at=6)]
    conventions = Conventions(first_reply_share="percent")
    assert current(found)["percentResolvedOnFirstReply"] == 1.0
    assert current(found, conventions=conventions)["percentResolvedOnFirstReply"] == 100.0


@pytest.mark.parametrize(("included", "count"), [(True, 1), (False, 0)])
def test_a_convention_says_whether_the_last_second_counts(*, included: bool, count: int) -> None:
    end = 7 * DAY - 1
    found = [closed(replied(end, status="closed"), at=end, created=end, created_by=1)]
    content = current(found, conventions=Conventions(end_included=included))
    for name in ("totalReplies", "closed", "resolved", "conversationsCreated", "customersHelped"):
        assert content[name] == count, name


def test_a_chat_that_does_not_show_who_wrote_in_it_may_be_the_users() -> None:
    nobodys = Thread(5, 0, "chat")
    with pytest.raises(UnknownValue, match="`createdBy` of thread 1 of conversation"):
        report([told(nobodys)])


@pytest.mark.parametrize("fields", [{"status": "spam"}, {"state": "deleted"}, {"state": "draft"}])
def test_of_spam_and_of_what_is_not_published_nothing_counts(fields: dict[str, str]) -> None:
    content = report([told(replied(5), created_by=1, **fields)])
    assert content["current"] == report([])["current"]
    assert content["user"]["totalCustomersHelped"] == 0


def test_conversations_of_the_user_with_the_tags_and_all_customers_are_needed() -> None:
    question = asked(previous=span(*interval(*BEFORE)), mailboxes=(3,), types=("chat",), tags=(7,))
    assert user.required_data(question, PLAIN) == UserActivityQuery(
        1,
        ActivityQuery(
            (interval(), interval(*BEFORE)),
            mailboxes=frozenset({3}),
            types=frozenset({"chat"}),
            tags=frozenset({7}),
        ),
        (ListQuery("tags"),),
        CustomersEverQuery(Filter(frozenset({"published"}), frozenset({"spam"})), True),
    )


@settings(max_examples=EXAMPLES)
@given(
    ACCOUNTS,
    st.sampled_from([(1,), (2, 3), (1, 2, 3)]),
    st.sampled_from([("resolved", PLAIN), ("replied", Conventions(response_base="replied"))]),
)
def test_the_figures_are_those_of_the_slowest_count(
    account: list[Json], users: tuple[int, ...], base: tuple[str, Conventions]
) -> None:
    content = current(activities(account), users, conventions=base[1])
    expected = oracle.productivity(account, FIRST, LAST, base[0], users)
    for name in (
        "resolved",
        "resolvedOnFirstReply",
        "closed",
        "repliesToResolve",
        "resolutionTime",
    ):
        assert content[name] == expected[name], name
    assert content["totalReplies"] == expected["repliesSent"]
    assert content["customersHelped"] == expected["customersHelped"]
    # No conversation here has more than nine waits.
    means = [Fraction(each).limit_denominator(9) for each in expected["responseTimes"]]
    assert content["responseTime"] == int(sum(means, Fraction()) / max(len(means), 1))
    first = int(oracle.mean(expected["firstResponseTimes"]))
    assert content["averageFirstResponseTime"] == first


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS)
def test_figures_and_changes_agree_with_each_other(account: list[Json]) -> None:
    content = report(activities(account))
    for block in ("current", "previous"):
        figures = content[block]
        days = max(figures["totalDays"], 1)
        assert figures["repliesPerDay"] == figures["totalReplies"] / days
        assert figures["conversationsPerDay"] == figures["totalConversations"] / days
        assert figures["resolvedOnFirstReply"] <= figures["resolved"]
        assert figures["customersHelped"] <= figures["totalReplies"]
        needed = figures["repliesToResolve"] * figures["resolved"]
        assert needed == pytest.approx(round(needed))
        assert 0 <= figures["percentResolvedOnFirstReply"] <= 1
        assert -100 <= figures["happinessScore"] <= 100
    assert content["user"]["totalCustomersHelped"] >= content["current"]["customersHelped"]
    now, before, deltas = (content[block] for block in ("current", "previous", "deltas"))
    for name in set(DELTAS) - {"happinessScore", "activeConversations"}:
        assert deltas[name] == change_in_percent(now[name], before[name])
    assert deltas["activeConversations"] == deltas["totalConversations"]
    assert deltas["happinessScore"] == now["happinessScore"] - before["happinessScore"]


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS, st.sampled_from([(1,), (1, 2, 3)]))
def test_the_series_of_the_same_range_add_up_to_the_figures(
    account: list[Json], users: tuple[int, ...]
) -> None:
    data = user_data(activities(account), users)
    whole = user.answer(asked(), data, PLAIN).current
    sums = {}
    for name, key in (("user_replies", "replies"), ("user_resolutions", "resolved")):
        series = SERIES[name].answer(asked(view_by="day"), data, PLAIN).model_dump(mode="json")
        sums[key] = sum(point[key] for point in series["current"])
    assert sums == {"replies": whole.totalReplies, "resolved": whole.resolved}
    helped = SERIES["user_customers_helped"].answer(asked(view_by="month"), data, PLAIN)
    (point,) = helped.model_dump(mode="json")["current"]
    assert point["customers"] == whole.customersHelped


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS)
def test_a_team_has_what_its_members_have_each_thing_once(account: list[Json]) -> None:
    found = activities(account)
    team = current(found, (1, 2))
    one, other = (current(found, (number,)) for number in (1, 2))
    for name in ("totalReplies", "conversationsCreated"):
        assert team[name] == one[name] + other[name]
    for name in ("resolved", "closed", "customersHelped", "totalConversations"):
        assert max(one[name], other[name]) <= team[name] <= one[name] + other[name]


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS)
def test_the_order_of_conversations_does_not_matter(account: list[Json]) -> None:
    found = activities(account)
    assert report(found) == report(found[::-1])


def test_a_request_is_answered_over_http() -> None:
    fake_source = FakeSource()
    fake_source.activities = activities(vector_payloads())
    fake_source.items_of = {"users": [ANN], "tags": [ListItem(7, "seven")]}
    with reports_on(fake_source) as reports:
        target = f"{PATH}?user=1&start={FIRST}&end={LAST}&officeHours=1&viewBy=day"
        answered = reports.answer(target, authorization=basic())
    content = json.loads(answered.body)
    assert answered.status == 200
    assert content["user"]["name"] == "Ann Agent"
    assert content["current"]["totalReplies"] == 3
    assert fake_source.activity_queries == [ActivityQuery((interval(),), users=frozenset({1}))]
    assert fake_source.list_queries == [ListQuery("users", item=1), ListQuery("tags")]


def test_who_is_neither_a_user_nor_a_team_has_zeros_and_empty_texts() -> None:
    fake_source = FakeSource()
    fake_source.items_of = {"users": None, "teams": None, "tags": ()}
    with reports_on(fake_source) as reports:
        answered = reports.answer(f"{PATH}?user=9&start={FIRST}&end={LAST}", authorization=basic())
    content = json.loads(answered.body)
    assert answered.status == 200
    unavailable = dict(answered.headers)["Compat-Unavailable"].split(", ")
    assert {"user.createdAt", "user.name"} <= set(unavailable)
    assert content["user"] == {
        "id": 9,
        "hasPhoto": False,
        "createdAt": "",
        "name": "",
        "totalCustomersHelped": 0,
        "photoUrl": None,
    }
    assert content["current"]["totalReplies"] == content["current"]["resolved"] == 0


def test_who_was_deleted_still_has_the_replies_that_are_there() -> None:
    fake_source = FakeSource()
    fake_source.items_of = {"users": None, "teams": None, "tags": ()}
    fake_source.activities = [told(replied(5, author=9))]
    with reports_on(fake_source) as reports:
        answered = reports.answer(f"{PATH}?user=9&start={FIRST}&end={LAST}", authorization=basic())
    assert json.loads(answered.body)["current"]["totalReplies"] == 1

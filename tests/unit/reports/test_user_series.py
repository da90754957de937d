"""Replies, customers helped and resolutions of a user or a team, bucket by bucket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.models import Activity, ActivityQuery, ListItem, Thread, UnknownValue
from compat.core.report_data import UserActivityQuery
from compat.reports.user_series import SERIES
from compat.v1.datetimes import format_epoch
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
from tests.unit.reports.staff import user_data
from tests.unit.service.doubles import FakeSource, basic, reports_on

PLAIN = Conventions()
EXAMPLES = min(settings().max_examples, 200)
START = interval().first
KEYS = {
    "user_replies": "replies",
    "user_customers_helped": "customers",
    "user_resolutions": "resolved",
}
PATHS = {
    "user_replies": "/v1/reports/user/replies.json",
    "user_customers_helped": "/v1/reports/user/customers-helped.json",
    "user_resolutions": "/v1/reports/user/resolutions.json",
}
ACCOUNTS = st.lists(payloads(), max_size=4, unique_by=lambda payload: payload["id"])
EVERYBODY = (1, 2)


def asked(view_by: str = "day", **others: Any) -> ReportQuery:
    return query(*interval(), view_by=view_by, user=1, **others)


def numbers(
    name: str,
    found: Sequence[Activity],
    users: Sequence[int] = (1,),
    conventions: Conventions = PLAIN,
    question: ReportQuery | None = None,
    **others: Any,
) -> list[int]:
    """The numbers of the current series."""
    answer = SERIES[name].answer(
        question or asked(), user_data(found, users, **others), conventions
    )
    return [point[KEYS[name]] for point in json.loads(answer.model_dump_json())["current"]]


def replied(*seconds: int, **fields: Any) -> Activity:
    """A conversation with a reply of user 1 at each of these seconds of the range."""
    thread = fields.pop("thread", {})
    whole = {name: fields.pop(name) for name in ("closed", "created_by") if name in fields}
    threads = tuple(
        Thread(START + second, number, "message", by="user", author=1, customer=101)._replace(
            **thread
        )
        for number, second in enumerate(seconds, 1)
    )
    return Activity(row(START, **fields), threads, 101, **whole)


@pytest.mark.parametrize(
    ("name", "users", "expected"),
    [
        ("user_replies", (1,), [2, 1, 0, 0, 0, 0, 0]),
        ("user_replies", (2,), [0, 0, 1, 0, 1, 0, 0]),
        ("user_customers_helped", (1,), [1, 1, 0, 0, 0, 0, 0]),
        ("user_customers_helped", (2,), [0, 0, 1, 0, 1, 0, 0]),
        ("user_resolutions", (1,), [1, 0, 0, 1, 0, 0, 0]),
        ("user_resolutions", (2,), [0, 0, 0, 1, 0, 1, 0]),
    ],
)
def test_a_user_has_what_the_vectors_say(
    name: str, users: tuple[int, ...], expected: list[int]
) -> None:
    assert numbers(name, activities(vector_payloads()), users) == expected


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("user_replies", "series_replies_day"),
        ("user_customers_helped", "series_customers_day"),
        ("user_resolutions", "series_resolved_day"),
    ],
)
def test_a_team_of_everybody_has_the_series_of_the_company(name: str, series: str) -> None:
    found = numbers(name, activities(vector_payloads()), EVERYBODY)
    assert found == [point["v"] for point in VECTORS[series]]


@pytest.mark.parametrize("name", SERIES)
def test_a_team_without_members_has_zeros(name: str) -> None:
    assert numbers(name, activities(vector_payloads()), (4901,)) == [0] * 7


def test_points_have_their_number_first_and_the_previous_range_comes_first() -> None:
    question = asked("week", previous=span(*interval(*BEFORE)))
    data = user_data(activities(vector_payloads()), (2,))
    answers = {
        name: each.answer(question, data, PLAIN).model_dump_json() for name, each in SERIES.items()
    }
    assert answers == {
        name: f'{{"previous":[{{"{key}":{before},"date":"2014-12-29T00:00:00Z"}}],'
        f'"current":[{{"{key}":2,"date":"2015-01-05T00:00:00Z"}}]}}'
        for (name, key), before in zip(KEYS.items(), (1, 1, 0), strict=True)
    }


@pytest.mark.parametrize("name", SERIES)
def test_without_a_previous_range_there_is_no_previous_series(name: str) -> None:
    answer = SERIES[name].answer(asked(), user_data([]), PLAIN)
    assert list(json.loads(answer.model_dump_json())) == ["current"]


def test_a_customer_counts_once_in_each_bucket() -> None:
    found = [replied(5, 6, DAY, id=1), replied(7, id=2, thread={"customer": 102})]
    assert numbers("user_customers_helped", found)[:2] == [2, 1]
    assert numbers("user_customers_helped", found, question=asked("week")) == [2]


def test_a_customer_who_is_unknown_is_not_counted() -> None:
    unknown = replied(5, thread={"customer": 0})._replace(customer=0)
    assert sum(numbers("user_customers_helped", [unknown])) == 0
    assert sum(numbers("user_replies", [unknown])) == 1


def test_whoever_closes_it_a_conversation_is_resolved_by_those_who_replied() -> None:
    found = replied(-40 * DAY, status="closed", closed=START + DAY)._replace(closed_by=9)
    assert numbers("user_resolutions", [found], (1,))[:2] == [0, 1]
    assert sum(numbers("user_resolutions", [found], (9,))) == 0


def test_the_base_replied_needs_a_reply_in_the_range_and_not_in_the_bucket() -> None:
    conventions = Conventions(response_base="replied")
    found = [
        replied(-5, id=1, status="closed", closed=START + DAY),
        replied(5, id=2, status="closed", closed=START + DAY),
    ]
    assert numbers("user_resolutions", found)[:2] == [0, 2]
    assert numbers("user_resolutions", found, conventions=conventions)[:2] == [0, 1]


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize(("included", "count"), [(True, 1), (False, 0)])
def test_a_convention_says_whether_the_last_second_counts(
    name: str, *, included: bool, count: int
) -> None:
    last = replied(7 * DAY - 1, status="closed", closed=START + 7 * DAY - 1)
    assert sum(numbers(name, [last], conventions=Conventions(end_included=included))) == count


@pytest.mark.parametrize("name", SERIES)
def test_the_first_second_of_a_bucket_is_in_it(name: str) -> None:
    found = [
        replied(second, id=number, status="closed", closed=START + second)._replace(customer=number)
        for number, second in enumerate((-1, 0, DAY - 1, DAY, 7 * DAY - 1, 7 * DAY), 1)
    ]
    found = [
        each._replace(threads=tuple(reply._replace(customer=0) for reply in each.threads))
        for each in found
    ]
    assert numbers(name, found) == [2, 1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("name", SERIES)
def test_instants_are_compared_by_the_old_clock(name: str) -> None:
    found = replied(-3600, status="closed", closed=START - 3600)
    assert sum(numbers(name, [found])) == 0
    assert numbers(name, [found], conventions=Conventions(clock_shift_minutes=60))[0] == 1


@pytest.mark.parametrize("name", SERIES)
def test_empty_buckets_are_listed_unless_a_convention_leaves_them_out(name: str) -> None:
    found = [replied(DAY, status="closed", closed=START + DAY)]
    assert numbers(name, found) == [0, 1, 0, 0, 0, 0, 0]
    assert numbers(name, found, conventions=Conventions(empty_buckets_listed=False)) == [1]


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("fields", [{"status": "spam"}, {"state": "deleted"}, {"state": "draft"}])
def test_of_spam_and_of_what_is_not_published_nothing_counts(
    name: str, fields: dict[str, str]
) -> None:
    assert (
        sum(numbers(name, [replied(5, **{"status": "closed", "closed": START + 5, **fields})])) == 0
    )


@pytest.mark.parametrize(
    ("filters", "count"),
    [({"types": ("chat",)}, 1), ({"tags": (7,)}, 1), ({"tags": (1,)}, 2), ({"tags": (8,)}, 0)],
)
def test_filters_are_about_the_conversation(filters: dict[str, Any], count: int) -> None:
    found = [replied(5, id=1, tags=(7,)), replied(6, id=2), replied(7, id=3, type="chat")]
    assert sum(numbers("user_replies", found, question=asked(**filters))) == count


def test_a_value_that_is_filtered_by_and_unknown_is_no_guess() -> None:
    found = [replied(5, id=5, tags=None)]
    assert sum(numbers("user_replies", found, (2,), question=asked(tags=(7,)))) == 0
    with pytest.raises(UnknownValue, match="`tags` of conversation 5"):
        numbers("user_replies", found, question=asked(tags=(7,)))
    with pytest.raises(UnknownValue, match="`mailboxId` of conversation 5"):
        numbers("user_replies", [replied(5, id=5)], undecided={5: "mailbox"})


def test_who_wrote_must_be_known_of_what_counts_alone() -> None:
    nobody = replied(5, 6, thread={"type": "chat", "by": ""}, created_by=1)
    elsewhere = replied(-1, thread={"type": "chat", "by": ""}, created_by=1)
    assert sum(numbers("user_replies", [elsewhere])) == 0
    assert sum(numbers("user_replies", [nobody._replace(row=row(START, status="spam"))])) == 0
    with pytest.raises(UnknownValue, match="`createdBy` of thread 1 of conversation"):
        numbers("user_replies", [nobody])


def test_a_message_in_a_chat_whose_author_is_unknown_may_be_anybodys() -> None:
    nobodys = replied(5, thread={"type": "beaconchat", "by": "", "author": 0})
    with pytest.raises(UnknownValue, match="`createdBy` of thread 1 of conversation"):
        numbers("user_replies", [nobodys])


@pytest.mark.parametrize("name", SERIES)
def test_conversations_with_threads_in_either_range_are_needed(name: str) -> None:
    question = asked(previous=span(*interval(*BEFORE)), mailboxes=(3,), tags=(7,))
    assert SERIES[name].required_data(question, PLAIN) == UserActivityQuery(
        1,
        ActivityQuery(
            touched=(interval(), interval(*BEFORE)),
            mailboxes=frozenset({3}),
            tags=frozenset({7}),
        ),
    )


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS, st.sampled_from([(1,), (2, 3), (1, 2, 3)]))
def test_every_day_has_what_the_slowest_count_finds(
    account: list[Json], users: tuple[int, ...]
) -> None:
    found, whole = activities(account), oracle.productivity(account, FIRST, LAST, users=users)
    opens = [START + number * DAY for number in range(7)]
    each = [
        oracle.productivity(
            account, format_epoch(first), format_epoch(first + DAY - 1), users=users
        )
        for first in opens
    ]
    replies, customers, resolved = (numbers(name, found, users) for name in SERIES)
    assert replies == [day["repliesSent"] for day in each]
    assert customers == [day["customersHelped"] for day in each]
    assert resolved == [day["resolved"] for day in each]
    assert (sum(replies), sum(resolved)) == (whole["repliesSent"], whole["resolved"])
    assert sum(customers) >= whole["customersHelped"] >= max(customers)


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS)
def test_the_users_of_a_team_add_up_to_at_least_the_team(account: list[Json]) -> None:
    found = activities(account)
    for name in SERIES:
        team = numbers(name, found, (1, 2))
        one, other = (numbers(name, found, [user]) for user in (1, 2))
        single = [sum(pair) for pair in zip(one, other, strict=True)]
        assert all(both <= apart for both, apart in zip(team, single, strict=True))
        if name == "user_replies":
            assert team == single


@pytest.mark.parametrize("name", SERIES)
def test_a_request_is_answered_over_http(name: str) -> None:
    fake_source = FakeSource()
    fake_source.activities = activities(vector_payloads())
    fake_source.items = [ListItem(1, "Ann", type="user")]
    with reports_on(fake_source) as reports:
        answered = reports.answer(
            f"{PATHS[name]}?user=1&start={FIRST}&end={LAST}", authorization=basic()
        )
    number = {"user_replies": 3, "user_customers_helped": 2, "user_resolutions": 2}[name]
    assert (answered.status, json.loads(answered.body)) == (
        200,
        {"current": [{KEYS[name]: number, "date": FIRST}]},
    )
    assert fake_source.activity_queries == [ActivityQuery((interval(),), users=frozenset({1}))]


@pytest.mark.parametrize("path", [*PATHS.values(), "/v1/reports/user.json"])
@pytest.mark.parametrize("user", ["0", "00"])
def test_nobody_is_no_user(path: str, user: str) -> None:
    target = f"{path}?start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z&user={user}"
    with reports_on(FakeSource()) as reports:
        answered = reports.answer(target, authorization=basic())
    (fault,) = json.loads(answered.body)["validationErrors"]
    assert (fault["property"], fault["value"]) == ("user", user)


@pytest.mark.parametrize("path", PATHS.values())
def test_the_user_is_required_and_ranges_are_limited(path: str) -> None:
    target = f"{path}?start=2015-01-01T00:00:00Z&end=2015-05-31T23:59:59Z&viewBy=day"
    with reports_on(FakeSource()) as reports:
        answered = reports.answer(target, authorization=basic())
    assert [fault["property"] for fault in json.loads(answered.body)["validationErrors"]] == [
        "viewBy",
        "user",
    ]

"""The replies of a user or a team, page by page: `user/conversation-history.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.models import Activity, ActivityQuery, Document, Person, Thread, UnknownValue
from compat.core.report_data import UserActivityQuery
from compat.reports import user, user_conversation_history
from compat.v1.query import ReportQuery
from tests.unit.core import activity_oracle as oracle
from tests.unit.core.activity_samples import (
    FIRST,
    LAST,
    VECTORS,
    Json,
    activities,
    interval,
    payloads,
    vector_payloads,
)
from tests.unit.reports.samples import DAY, query, row
from tests.unit.reports.staff import ANN, user_data
from tests.unit.service.doubles import FakeSource, basic, reports_on

PLAIN = Conventions()
EXAMPLES = min(settings().max_examples, 200)
START = interval().first
HOUR = 3600
PATH = "/v1/reports/user/conversation-history.json"
MARY = Person(2, "Mary", "Jones", "mary@example.com")
ACCOUNTS = st.lists(payloads(), max_size=4, unique_by=lambda payload: payload["id"])
EXAMPLE: Json = json.loads(
    (Path(__file__).parent / "data/user-conversation-history.json").read_text("utf-8")
)
"""The documented example."""


def asked(**others: Any) -> ReportQuery:
    return query(*interval(), **{"user": 1, "sort_field": "number", **others})


def document(id_: int, customer: Person = MARY) -> Document:
    return Document(id_, id_, "email", 1, "", "active", 1, "", customer, Person(), 0, 0, ())


def page(
    found: Sequence[Activity],
    users: Sequence[int] = (1,),
    question: ReportQuery | None = None,
    conventions: Conventions = PLAIN,
    customer: Person = MARY,
) -> Json:
    """The answer as its JSON reads."""
    answer = user_conversation_history.answer(
        question or asked(), user_data(found, users), conventions
    )
    made = answer.answer([document(id_, customer) for id_ in answer.ids])
    content: Json = json.loads(made.model_dump_json())
    return content


def rows(found: Sequence[Activity], *rest: Any, **others: Any) -> list[Json]:
    results: list[Json] = page(found, *rest, **others)["results"]
    return results


def told(*threads: Thread, number: int = 1, **fields: Any) -> Activity:
    """A conversation of these threads; their seconds are those of the range."""
    whole = {name: fields.pop(name) for name in ("closed", "created_by") if name in fields}
    each = tuple(
        thread._replace(created=START + thread.created, id=place)
        for place, thread in enumerate(threads, 1)
    )
    return Activity(row(START, id=number, **fields), each, 101, number=number, **whole)


def wrote(second: int, **fields: Any) -> Thread:
    return Thread(second, 0, "customer", by="customer", author=101)._replace(**fields)


def replied(second: int, **fields: Any) -> Thread:
    return Thread(second, 0, "message", by="user", author=1, customer=101)._replace(**fields)


def test_a_user_has_the_rows_of_the_vectors() -> None:
    found = rows(activities(vector_payloads()))
    expected = VECTORS["history_user1"]
    assert len(found) == len(expected)
    for each, row_ in zip(found, expected, strict=True):
        assert {name: each[name] for name in row_ if name != "replyAt"} == {
            name: value for name, value in row_.items() if name != "replyAt"
        }


def test_keys_and_types_are_those_of_the_documented_example() -> None:
    content = page(activities(vector_payloads()))
    assert list(content) == list(EXAMPLE)
    for each in content["results"]:
        (example,) = EXAMPLE["results"]
        assert list(each) == list(example)
        assert [type(value) for value in each.values()] == list(map(type, example.values()))
    assert content["results"][0]["customers"] == [{"id": 2, "name": "Mary Jones"}]


def test_a_conversation_has_a_row_for_each_reply_of_the_range() -> None:
    found = [told(replied(-1), replied(5), replied(6), replied(7, author=2), replied(8 * DAY))]
    listed = rows(found)
    assert [each["repliesSent"] for each in listed] == [5, 5]
    assert listed[0] == listed[1]
    assert len(rows(found, (1, 2))) == 3


def test_times_are_those_of_the_whole_conversation() -> None:
    found = told(
        *(wrote(0), replied(100, author=2), wrote(200), replied(500), replied(501, author=2)),
        closed=START + 9 * DAY,
        status="closed",
    )
    (listed,) = rows([found])
    assert (listed["responseTime"], listed["firstResponseTime"]) == (200, 100)
    assert (listed["resolveTime"], listed["repliesSent"]) == (9 * DAY, 3)


def test_a_conversation_without_times_has_zeros() -> None:
    begun = told(replied(5), created_by=1)
    (listed,) = rows([begun])
    assert [listed[f"{name}Time"] for name in ("response", "firstResponse", "resolve")] == [0, 0, 0]
    answered = told(replied(5), wrote(6), replied(16, author=2), created_by=1)
    (listed,) = rows([answered])
    assert (listed["responseTime"], listed["firstResponseTime"]) == (10, 0)


def test_a_fraction_of_a_second_is_cut_off() -> None:
    (listed,) = rows([told(wrote(0), replied(1, author=2), wrote(2), replied(4))])
    assert listed["responseTime"] == 1


def test_office_hours_change_the_times() -> None:
    conventions = Conventions(office_hours="mon-fri 09:00-17:00")
    found = [told(wrote(0), replied(10 * HOUR), closed=START + 34 * HOUR, status="closed")]
    (listed,) = rows(found, question=asked(office_hours=True), conventions=conventions)
    assert (listed["responseTime"], listed["resolveTime"]) == (HOUR, 9 * HOUR)
    (listed,) = rows(found, conventions=conventions)
    assert (listed["responseTime"], listed["resolveTime"]) == (10 * HOUR, 34 * HOUR)


@pytest.mark.parametrize(
    ("customer", "shown"),
    [
        (MARY, [{"id": 2, "name": "Mary Jones"}]),
        (Person(2, "Mary"), [{"id": 2, "name": "Mary"}]),
        (Person(2, email="m@example.com"), [{"id": 2, "name": "m@example.com"}]),
        (Person(2), [{"id": 2, "name": ""}]),
        (Person(), []),
    ],
)
def test_the_customer_is_shown_by_name_or_address(customer: Person, shown: list[Json]) -> None:
    (listed,) = rows([told(replied(5))], customer=customer)
    assert listed["customers"] == shown


def test_a_conversation_that_was_deleted_meanwhile_is_left_out() -> None:
    found = [told(replied(5), number=1), told(replied(6), number=2)]
    answer = user_conversation_history.answer(asked(), user_data(found), PLAIN)
    content = json.loads(answer.answer([document(2)]).model_dump_json())
    assert [each["id"] for each in content["results"]] == [2]


SORTED = [
    told(wrote(0), replied(20), number=6),
    told(wrote(0), replied(2), number=5, status="closed", closed=START + 9),
    told(wrote(0), replied(10), number=4),
    told(wrote(1), replied(10), number=3),
]


@pytest.mark.parametrize(
    ("field", "descending", "numbers"),
    [
        ("number", False, [3, 4, 5, 6]),
        ("number", True, [6, 5, 4, 3]),
        ("responseTime", False, [5, 3, 4, 6]),
        ("responseTime", True, [6, 4, 3, 5]),
        ("resolveTime", False, [3, 4, 6, 5]),
        ("resolveTime", True, [5, 6, 4, 3]),
        ("repliesSent", False, [5, 3, 4, 6]),
    ],
)
def test_rows_are_sorted_by_the_field_then_by_the_time_of_the_reply_then_by_the_id(
    field: str, *, descending: bool, numbers: list[int]
) -> None:
    found = rows(SORTED, question=asked(sort_field=field, descending=descending))
    assert [each["number"] for each in found] == numbers


def test_more_replies_come_later() -> None:
    found = [told(replied(1), replied(2), number=1), told(replied(3), number=2)]
    listed = rows(found, question=asked(sort_field="repliesSent"))
    assert [each["number"] for each in listed] == [2, 1, 1]


def test_a_page_has_25_rows_and_only_its_conversations_are_looked_up() -> None:
    found = [told(replied(5), replied(6), number=number) for number in range(1, 27)]
    counts, looked_up = [], []
    for number in (1, 2, 3, 4):
        question = asked(page=number)
        content = page(found, question=question)
        assert (content["pages"], content["page"], content["count"]) == (3, number, 52)
        counts.append(len(content["results"]))
        answer = user_conversation_history.answer(question, user_data(found), PLAIN)
        looked_up.append(list(answer.ids))
    assert counts == [25, 25, 2, 0]
    assert looked_up == [[*range(1, 14)], [*range(13, 26)], [26], []]


def test_an_empty_list_has_no_pages() -> None:
    assert page([]) == {"pages": 0, "page": 1, "count": 0, "results": []}
    assert page(activities(vector_payloads()), (4901,))["count"] == 0


@pytest.mark.parametrize(("included", "count"), [(True, 1), (False, 0)])
def test_a_convention_says_whether_the_last_second_counts(*, included: bool, count: int) -> None:
    found = [told(replied(7 * DAY - 1)), told(replied(7 * DAY)), told(replied(-1))]
    conventions = Conventions(end_included=included)
    assert page(found, conventions=conventions)["count"] == count


def test_replies_are_compared_by_the_old_clock() -> None:
    assert page([told(replied(-1))], conventions=Conventions(clock_shift_minutes=1))["count"] == 1


def test_filters_are_about_the_conversation() -> None:
    found = [told(replied(5), number=1, tags=(7,)), told(replied(5), number=2)]
    assert [each["number"] for each in rows(found, question=asked(tags=(7,)))] == [1]
    assert rows([told(replied(5), status="spam")]) == []


def test_who_wrote_must_be_known_of_conversations_with_rows_alone() -> None:
    chat = Thread(1, 0, "chat")
    assert page([told(chat, replied(-1))], question=query(START + 2, START + 9))["count"] == 0
    with pytest.raises(UnknownValue, match="`createdBy` of thread 1 of conversation 1"):
        page([told(chat, replied(5))])


def test_conversations_of_the_user_are_needed() -> None:
    needed = user_conversation_history.required_data(asked(mailboxes=(3,)), PLAIN)
    assert needed == UserActivityQuery(1, ActivityQuery((interval(),), mailboxes=frozenset({3})))


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS, st.sampled_from([(1,), (2, 3)]))
def test_the_rows_are_those_of_the_slowest_count(
    account: list[Json], users: tuple[int, ...]
) -> None:
    expected = []
    for payload in filter(oracle.counts, account):
        resolved, first = oracle.resolved(payload), oracle.first_wait(payload)
        times = [oracle.length(wait[0], wait[1]) for wait in oracle.waits(payload)]
        shown = (
            payload["id"],
            int(oracle.mean(times)),
            oracle.length(first[0], first[1]) if first else 0,
            oracle.length(payload["createdAt"], resolved) if resolved else 0,
            len(oracle.replies(payload)),
            payload["status"],
        )
        expected += [
            shown
            for thread in oracle.replies(payload)
            if oracle.author(thread)[1] in users and oracle.inside(thread["createdAt"], FIRST, LAST)
        ]
    names = ("id", "responseTime", "firstResponseTime", "resolveTime", "repliesSent", "status")
    found, number = [], 1
    while part := rows(activities(account), users, question=asked(page=number)):
        found += [tuple(each[name] for name in names) for each in part]
        number += 1
    assert sorted(found) == sorted(expected)


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS, st.sampled_from([(1,), (1, 2, 3)]))
def test_there_are_as_many_rows_as_the_user_has_replies(
    account: list[Json], users: tuple[int, ...]
) -> None:
    data = user_data(activities(account), users)
    figures = user.answer(asked(), data, PLAIN).current
    assert page(activities(account), users)["count"] == figures.totalReplies


def test_a_request_is_answered_over_http() -> None:
    fake_source = FakeSource()
    fake_source.activities = activities(vector_payloads())
    fake_source.items = [ANN]
    fake_source.known = {each.row.id: document(each.row.id) for each in fake_source.activities}
    with reports_on(fake_source) as reports:
        target = f"{PATH}?user=1&start={FIRST}&end={LAST}&sortfield=responsetime&sortorder=desc"
        answered = reports.answer(target, authorization=basic())
    assert answered.status == 200
    assert [each["id"] for each in json.loads(answered.body)["results"]] == [15, 12, 11]

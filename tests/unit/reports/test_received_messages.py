"""Messages received from customers, bucket by bucket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.intervals import Interval
from compat.core.models import Activity, ActivityQuery, ActivitySet, Thread, UnknownValue
from compat.reports import received_messages
from compat.v1.datetimes import from_epoch
from compat.v1.models import MessageBucket
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
from tests.unit.service.doubles import FakeSource, basic, reports_on

PLAIN = Conventions()
EXAMPLES = min(settings().max_examples, 400)
PATH = "/v1/reports/conversations/received-messages.json"
START = interval().first


def asked(view_by: str = "day", **others: Any) -> ReportQuery:
    return query(*interval(), view_by=view_by, **others)


def messages(
    found: list[Activity],
    conventions: Conventions = PLAIN,
    question: ReportQuery | None = None,
    undecided: dict[int, str] | None = None,
) -> list[int]:
    """The numbers of the current series."""
    activity_set = ActivitySet(found, START, 0.0, undecided or {})
    answer = received_messages.answer(question or asked(), activity_set, conventions)
    return [bucket.messages for bucket in answer.current]


def wrote(*seconds: int, **fields: Any) -> Activity:
    """A conversation with a message of its customer at each of these seconds of the range."""
    thread = fields.pop("thread", {})
    threads = tuple(
        Thread(START + second, number, "customer", by="customer", author=101)._replace(**thread)
        for number, second in enumerate(seconds, 1)
    )
    return Activity(row(START, **fields), threads)


def test_the_vectors_have_six_messages() -> None:
    found = messages(activities(vector_payloads()))
    assert found == [1, 2, 2, 0, 0, 0, 1]
    assert sum(found) == VECTORS["all_resolved"]["messagesReceived"]


def test_each_range_has_buckets_of_its_own() -> None:
    question = asked("week", previous=span(*interval(*BEFORE)))
    found = ActivitySet(activities(vector_payloads()), START, 0.0)
    answer = received_messages.answer(question, found, PLAIN)
    assert answer.current == (MessageBucket(date=from_epoch(START), messages=6),)
    before = MessageBucket(date=from_epoch(START - 7 * DAY), messages=2)
    assert answer.previous == (before,)


def test_a_bucket_has_a_date_and_its_messages() -> None:
    answer = received_messages.answer(asked("week"), ActivitySet((), START, 0.0), PLAIN)
    assert answer.model_dump_json() == (
        '{"current":[{"date":"2015-01-05T00:00:00Z","messages":0}]}'
    )


def test_empty_buckets_are_listed_unless_a_convention_leaves_them_out() -> None:
    assert messages([wrote(DAY)]) == [0, 1, 0, 0, 0, 0, 0]
    assert messages([wrote(DAY)], Conventions(empty_buckets_listed=False)) == [1]


def test_every_message_of_a_conversation_counts_also_of_an_old_one() -> None:
    old = wrote(-40 * DAY, 5, 6, DAY)
    assert messages([old]) == [2, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("fields", [{"status": "spam"}, {"state": "deleted"}, {"state": "draft"}])
def test_of_spam_and_of_what_is_not_published_nothing_counts(fields: dict[str, str]) -> None:
    assert sum(messages([wrote(5, **fields)])) == 0


def test_a_convention_may_count_spam() -> None:
    conventions = Conventions(uncounted_statuses=frozenset())
    assert sum(messages([wrote(5, status="spam")], conventions)) == 1
    assert received_messages.required_data(asked(), conventions).spam


@pytest.mark.parametrize(
    ("thread", "count"),
    [
        ({"action": "imported"}, 0),
        ({"type": "lineitem"}, 0),
        ({"type": "note"}, 0),
        ({"type": "message", "by": "user"}, 0),
        ({"state": "hidden"}, 0),
        ({"type": "chat"}, 1),
        ({"type": "beaconchat"}, 1),
        ({"type": "chat", "by": "user"}, 0),
        ({"type": "phone"}, 1),
    ],
)
def test_what_a_customer_did_not_write_does_not_count(thread: dict[str, str], count: int) -> None:
    assert sum(messages([wrote(5, thread=thread)])) == count


@pytest.mark.parametrize(("included", "count"), [(True, 1), (False, 0)])
def test_a_convention_says_whether_the_last_second_counts(*, included: bool, count: int) -> None:
    last = wrote(7 * DAY - 1)
    assert sum(messages([last], Conventions(end_included=included))) == count


def test_messages_are_compared_by_the_old_clock() -> None:
    hour_ahead = Conventions(clock_shift_minutes=60)
    assert messages([wrote(-3600, DAY - 3600)], hour_ahead) == [1, 1, 0, 0, 0, 0, 0]
    question = asked()
    (needed,) = received_messages.required_data(question, hour_ahead).touched
    assert needed == Interval(START - 3600, interval().last - 3600)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"types": ("chat",)}, 1),
        ({"types": ("email", "chat")}, 3),
        ({"tags": (7,)}, 1),
        ({"tags": (1,)}, 2),
        ({"tags": (1, 7)}, 3),
        ({"tags": (8,)}, 0),
    ],
)
def test_filters_are_about_the_conversation(filters: dict[str, Any], count: int) -> None:
    found = [wrote(5, id=1, tags=(7,)), wrote(6, id=2), wrote(7, id=3, type="chat")]
    assert sum(messages(found, question=asked(**filters))) == count


def test_a_value_that_is_filtered_by_and_unknown_is_no_guess() -> None:
    with pytest.raises(UnknownValue, match="`tags` of conversation 5"):
        messages([wrote(5, id=5, tags=None)], question=asked(tags=(7,)))
    with pytest.raises(UnknownValue, match="`mailboxId` of conversation 5"):
        messages([wrote(5, id=5)], undecided={5: "mailbox"})


def test_where_no_message_is_in_the_range_nothing_needs_to_be_known() -> None:
    silent = wrote(-1, id=5, tags=None)
    assert sum(messages([silent], question=asked(tags=(7,)), undecided={5: "mailbox"})) == 0


def test_who_wrote_must_be_known_of_messages_in_the_range_alone() -> None:
    nobody = {"type": "chat", "by": ""}
    assert sum(messages([wrote(-1, thread=nobody), wrote(5, id=2)])) == 1
    with pytest.raises(UnknownValue, match="`createdBy` of thread 1 of conversation"):
        messages([wrote(5, thread=nobody)])


def test_conversations_with_threads_in_either_range_are_needed() -> None:
    question = asked(
        previous=span(*interval(*BEFORE)),
        mailboxes=(3,),
        folders=(4,),
        types=("chat",),
        tags=(7, 8),
    )
    assert received_messages.required_data(question, PLAIN) == ActivityQuery(
        touched=(interval(), interval(*BEFORE)),
        mailboxes=frozenset({3}),
        folders=frozenset({4}),
        types=frozenset({"chat"}),
        tags=frozenset({7, 8}),
    )


def test_with_untagged_conversations_threads_of_all_tags_are_needed() -> None:
    assert received_messages.required_data(asked(tags=(1, 7)), PLAIN).tags == frozenset()


@settings(max_examples=EXAMPLES)
@given(st.lists(payloads(), max_size=4, unique_by=lambda payload: payload["id"]))
def test_every_day_has_what_the_slowest_count_finds(account: list[Json]) -> None:
    found = activities(account)
    assert messages(found) == oracle.received_per_day(account, FIRST, LAST)
    assert messages(found[::-1]) == messages(found)


@settings(max_examples=EXAMPLES)
@given(
    st.lists(payloads(), max_size=3, unique_by=lambda payload: payload["id"]),
    st.sampled_from(["day", "week", "month"]),
)
def test_buckets_of_any_length_have_the_same_messages(account: list[Json], view_by: str) -> None:
    found = activities(account)
    assert sum(messages(found, question=asked(view_by))) == sum(messages(found))


def test_a_request_is_answered_over_http() -> None:
    fake_source = FakeSource()
    fake_source.activities = activities(vector_payloads())
    with reports_on(fake_source) as reports:
        answered = reports.answer(f"{PATH}?start={FIRST}&end={LAST}", authorization=basic())
    assert (answered.status, json.loads(answered.body)) == (
        200,
        {"current": [{"date": FIRST, "messages": 6}]},
    )
    assert dict(answered.headers)["Compat-Engine"] == "computed"
    assert fake_source.activity_queries == [ActivityQuery((interval(),))]


def test_wrong_parameters_are_named_as_by_the_report_of_new_conversations() -> None:
    parameters = "start=never&types=fax&viewBy=hour&previousStart=2015-01-01"
    with reports_on(FakeSource()) as reports:
        old, new = (
            reports.answer(f"{path}?{parameters}", authorization=basic())
            for path in (PATH, PATH.replace("received-messages", "new"))
        )
    assert (old.status, old.body) == (400, new.body)

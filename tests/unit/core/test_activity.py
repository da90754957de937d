"""The rules of what happened in a conversation, one by one, and against the slowest count."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core import activity as rules
from compat.core.activity import Closing
from compat.core.facts import Wait, read
from compat.core.intervals import Interval
from compat.core.models import Activity, Row, Thread, UnknownValue
from tests.unit.core import activity_oracle as oracle
from tests.unit.core.activity_figures import PLAIN, REPLIED, Way
from tests.unit.core.activity_samples import (
    FIRST,
    LAST,
    Json,
    activities,
    activity,
    interval,
    payloads,
)

MANUAL = Conventions(automatic_replies_count=False)
ONCE = Conventions(resolved_at="first-closing")
EVER = Interval(0, 10**9)


def told(*threads: Thread, **fields: Any) -> Activity:
    """A conversation of these threads; each is given the next id, and its second is its own."""
    status = fields.pop("status", "active")
    numbered = (thread._replace(id=number) for number, thread in enumerate(threads, 1))
    row = Row(fields.pop("created", 0), 9, 1, 11, "email", status, "published", ())
    return Activity(row, tuple(sorted(numbered)), **{"customer": 101, **fields})


def asked(second: int, **fields: Any) -> Thread:
    return Thread(second, 0, "customer", by="customer", author=101)._replace(**fields)


def replied(second: int, **fields: Any) -> Thread:
    return Thread(second, 0, "message", by="user", author=1, customer=101)._replace(**fields)


def line(second: int, **fields: Any) -> Thread:
    return Thread(second, 0, "lineitem", state="", by="user", author=2)._replace(**fields)


def seconds(threads: Sequence[Thread]) -> list[int]:
    return [thread.created for thread in threads]


# Messages and replies.


@pytest.mark.parametrize("type_", ["customer", "chat", "beaconchat", "phone"])
def test_what_a_customer_writes_or_says_is_a_message(type_: str) -> None:
    assert seconds(rules.customer_messages(told(asked(5, type=type_)))) == [5]


@pytest.mark.parametrize("type_", ["note", "lineitem", "message", "forwardparent", "new-type"])
def test_nothing_else_is_a_message(type_: str) -> None:
    assert rules.customer_messages(told(asked(5, type=type_))) == []


@pytest.mark.parametrize("type_", ["message", "chat", "beaconchat"])
def test_what_a_user_writes_is_a_reply(type_: str) -> None:
    assert seconds(rules.replies(told(replied(5, type=type_)), PLAIN)) == [5]


@pytest.mark.parametrize("type_", ["note", "lineitem", "phone", "forwardparent", "forwardchild"])
def test_nothing_else_is_a_reply(type_: str) -> None:
    assert rules.replies(told(replied(5, type=type_)), PLAIN) == []


@pytest.mark.parametrize("fields", [{"by": "user", "author": 1}, {"by": "", "author": 0}])
def test_a_thread_of_a_customer_is_a_message_whoever_wrote_it_down(fields: dict[str, Any]) -> None:
    conversation = told(asked(5, **fields))
    assert seconds(rules.customer_messages(conversation)) == [5]
    assert rules.replies(conversation, PLAIN) == []


def test_a_message_without_an_author_is_a_users() -> None:
    assert seconds(rules.replies(told(replied(5, by="", author=0)), PLAIN)) == [5]


@pytest.mark.parametrize("type_", ["chat", "beaconchat", "phone"])
def test_a_chat_whose_author_is_not_shown_cannot_be_counted(type_: str) -> None:
    with pytest.raises(UnknownValue, match="`createdBy` of thread 1 of conversation 9") as caught:
        rules.customer_messages(told(asked(5, type=type_, by="")))
    assert (caught.value.conversation, caught.value.key) == (9, "createdBy")


@pytest.mark.parametrize("state", ["draft", "hidden", "review", "new-state"])
def test_only_what_is_published_is_a_message(state: str) -> None:
    conversation = told(asked(5, state=state), replied(6, state=state))
    assert rules.customer_messages(conversation) == []
    assert rules.replies(conversation, PLAIN) == []


@pytest.mark.parametrize(
    ("thread", "key"),
    [
        (asked(5, state=""), "state"),
        (asked(5, type=""), "type"),
        (replied(5, state=""), "state"),
        (replied(5, type=""), "type"),
    ],
    ids=["a customer's of no state", "of no type", "a user's of no state", "a user's of no type"],
)
def test_what_may_be_a_message_or_not_cannot_be_counted(thread: Thread, key: str) -> None:
    count = rules.customer_messages if thread.by == "customer" else rules.talk
    with pytest.raises(UnknownValue, match=f"`{key}` of thread 1 of conversation 9") as caught:
        count(told(thread))
    assert (caught.value.conversation, caught.value.key) == (9, key)


def test_what_is_no_message_of_a_customer_in_any_case_does_not_matter_for_those() -> None:
    assert rules.customer_messages(told(replied(5, state=""))) == []


@pytest.mark.parametrize("fields", [{"state": ""}, {"type": "phone", "by": "", "author": 0}])
def test_what_is_no_reply_in_any_case_does_not_matter_for_those(fields: dict[str, Any]) -> None:
    assert rules.replies(told(asked(5, **fields)), PLAIN) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "note", "state": ""},
        {"type": "", "state": "draft"},
        {"type": "", "action": "imported"},
        {"state": "", "action": "imported"},
    ],
)
def test_what_is_no_message_whatever_is_unknown_counts_as_none(fields: dict[str, Any]) -> None:
    assert rules.talk(told(replied(5)._replace(**fields))) == []


@pytest.mark.parametrize("action", ["imported", "importedExternal", "imported-external"])
def test_what_was_imported_is_passed_over(action: str) -> None:
    conversation = told(
        asked(5, action=action), replied(6, action=action, status="closed"), created=100
    )
    assert rules.customer_messages(conversation) == []
    assert rules.replies(conversation, PLAIN) == []
    assert rules.closings(conversation) == []
    assert not rules.is_touched(conversation, Interval(5, 6))


@pytest.mark.parametrize("fields", [{"source": "workflows"}, {"action": "manual-workflow"}])
def test_a_convention_says_whether_automatic_replies_count(fields: dict[str, str]) -> None:
    conversation = told(asked(5), replied(6, **fields), replied(9))
    assert seconds(rules.replies(conversation, PLAIN)) == [6, 9]
    assert seconds(rules.replies(conversation, MANUAL)) == [9]
    assert [wait.ended for wait in read(conversation, PLAIN).waits] == [6]
    assert [wait.ended for wait in read(conversation, MANUAL).waits] == [9]


# Waits.


def test_a_wait_begins_with_the_first_message_after_a_reply() -> None:
    conversation = told(asked(1), asked(3), replied(6), asked(10), asked(11), replied(30, author=2))
    assert read(conversation, PLAIN).waits == [Wait(1, 6, 1, True), Wait(10, 30, 2, False)]


def test_a_second_reply_ends_no_wait() -> None:
    assert len(read(told(asked(1), replied(2), replied(3)), PLAIN).waits) == 1


def test_a_customer_who_still_waits_has_no_wait_yet() -> None:
    assert read(told(asked(1), line(2), replied(3, state="draft")), PLAIN).waits == []


def test_in_one_second_the_lower_id_was_first() -> None:
    assert read(told(asked(4), replied(4)), PLAIN).waits == [Wait(4, 4, 1, True)]
    assert read(told(replied(4), asked(4)), PLAIN).waits == []


def test_where_a_user_began_no_wait_is_the_first_response() -> None:
    conversation = told(replied(1), asked(5), replied(9), created_by=1)
    assert read(conversation, PLAIN).waits == [Wait(5, 9, 1, False)]


# Closings and resolutions.


def test_a_closing_is_a_change_of_the_status() -> None:
    conversation = told(
        asked(1, status="active"),
        replied(2, status="closed"),
        line(3, status="closed"),
        line(4),
        asked(5, status="active"),
        Thread(6, 0, "note", status="closed", by="user", author=3),
    )
    assert rules.closings(conversation) == [Closing(2, 1, 2), Closing(6, 3, 6)]


def test_a_first_thread_that_is_closed_is_a_closing() -> None:
    assert rules.closings(told(asked(1, status="closed"))) == [Closing(1, 0, 1)]


@pytest.mark.parametrize("state", ["draft", "hidden"])
def test_what_is_not_sent_closes_nothing(state: str) -> None:
    threads = (replied(2, status="closed", state=state), line(3, status="closed", state=state))
    assert rules.closings(told(*threads)) == []


def test_what_was_last_closed_after_a_reply_is_resolved_then() -> None:
    conversation = told(asked(1), replied(2), status="closed", closed=7)
    assert read(conversation, PLAIN).resolved == 7


def test_the_second_of_the_reply_is_soon_enough() -> None:
    assert read(told(replied(7), status="closed", closed=7), PLAIN).resolved == 7


@pytest.mark.parametrize(
    "conversation",
    [
        told(asked(1), line(7, status="closed"), status="closed", closed=7),
        told(asked(1), replied(8), status="closed", closed=7),
        told(asked(1), replied(2, status="closed"), asked(3, status="active"), closed=2),
        told(asked(1), replied(2), status="closed"),
    ],
    ids=["without a reply", "before the reply", "opened again", "at an unknown time"],
)
def test_otherwise_it_is_not_resolved(conversation: Activity) -> None:
    assert read(conversation, PLAIN).resolved is None
    assert read(conversation, PLAIN).replies_to_resolve() == 0


def test_threads_say_when_it_was_closed_if_nothing_else_does() -> None:
    threads = (asked(1), replied(2, status="closed"), line(5, status="active"))
    conversation = told(*threads, line(9, status="closed"), status="closed")
    assert read(conversation, PLAIN).resolved == 9


def test_a_convention_takes_the_first_closing_after_a_reply() -> None:
    conversation = told(
        asked(1, status="closed"),
        replied(2, status="active"),
        line(4, status="closed"),
        asked(5, status="active"),
        replied(6, status="closed"),
        closed=6,
        status="closed",
    )
    assert (read(conversation, ONCE).resolved, read(conversation, PLAIN).resolved) == (4, 6)
    assert read(conversation, ONCE).replies_to_resolve() == 1
    assert read(conversation, PLAIN).replies_to_resolve() == 2


def test_a_closing_in_the_second_of_the_reply_but_before_it_does_not_resolve() -> None:
    conversation = told(line(4, status="closed"), replied(4), status="closed", closed=4)
    assert read(conversation, ONCE).resolved is None


def test_with_the_first_closing_what_is_open_again_stays_resolved() -> None:
    conversation = told(asked(1), replied(2, status="closed"), asked(3, status="active"))
    assert read(conversation, ONCE).resolved == 2


def test_with_the_base_replied_a_resolution_needs_a_reply_in_the_range() -> None:
    conversation = told(asked(1), replied(2), status="closed", closed=7)
    assert read(conversation, PLAIN).resolved_within(Interval(5, 9)) == 7
    assert read(conversation, REPLIED).resolved_within(Interval(5, 9)) is None
    assert read(conversation, REPLIED).resolved_within(Interval(2, 7)) == 7


def test_the_base_says_which_waits_count() -> None:
    conversation = told(asked(1), replied(2), asked(5), replied(6), status="closed", closed=9)
    assert [wait.ended for wait in read(conversation, PLAIN).waits_within(Interval(6, 9))] == [
        2,
        6,
    ]
    assert [wait.ended for wait in read(conversation, REPLIED).waits_within(Interval(6, 9))] == [6]
    assert [wait.ended for wait in read(conversation, REPLIED).waits_within(Interval(2, 6))] == [
        2,
        6,
    ]
    assert read(conversation, PLAIN).waits_within(Interval(2, 6)) == []


@pytest.mark.parametrize(
    ("within", "resolved"), [((7, 9), 7), ((5, 7), 7), ((8, 9), None), ((5, 6), None)]
)
def test_both_ends_of_a_range_of_resolutions_are_included(
    within: tuple[int, int], resolved: int | None
) -> None:
    conversation = told(replied(2), status="closed", closed=7)
    assert read(conversation, PLAIN).resolved_within(Interval(*within)) == resolved


def test_with_the_base_replied_the_reply_in_the_range_is_of_the_same_user() -> None:
    conversation = told(replied(2), replied(6, author=2), status="closed", closed=7)
    found = read(conversation, REPLIED)
    assert found.resolved_within(Interval(5, 9), {1}) is None
    assert found.resolved_within(Interval(5, 9), {2}) == 7


def test_who_replied_only_after_the_resolution_has_no_waits_of_it() -> None:
    conversation = told(
        *(asked(1), replied(2, status="closed")), *(asked(3, status="active"), replied(4, author=2))
    )
    found = read(conversation, ONCE)
    assert [wait.ended for wait in found.waits_within(Interval(2, 4), {1})] == [2]
    assert found.waits_within(Interval(2, 4), {2}) == []


def test_replies_of_a_range_are_those_of_some_users_and_both_ends_are_included() -> None:
    sent = (replied(second, author=1 + second % 2) for second in range(1, 8))
    found = read(told(*sent), PLAIN)
    assert seconds(found.replies_within(Interval(2, 6))) == [2, 3, 4, 5, 6]
    assert seconds(found.replies_within(Interval(2, 6), {2})) == [3, 5]


@pytest.mark.parametrize(
    ("within", "users", "closed"),
    [
        ((2, 2), (), True),
        ((1, 2), (), True),
        ((2, 3), (), True),
        ((3, 5), (), False),
        ((2, 3), {1}, True),
        ((2, 3), {2}, False),
        ((3, 6), {1}, False),
    ],
)
def test_it_was_closed_in_a_range_by_anybody_or_by_one_of_some_users(
    within: tuple[int, int], users: Collection[int], *, closed: bool
) -> None:
    threads = (replied(2, status="closed"), asked(4, status="active"), line(6, status="closed"))
    assert read(told(*threads), PLAIN).closed_within(Interval(*within), users) is closed


def test_what_was_read_of_a_conversation_has_that_conversation() -> None:
    conversation = told(asked(1))
    assert read(conversation, PLAIN).activity is conversation


def test_whoever_replied_until_then_helped_to_resolve() -> None:
    conversation = told(
        *(replied(1, author=5), replied(2, author=6, by=""), replied(7, author=7)),
        *(replied(8, author=8), line(7, author=9)),
        status="closed",
        closed=7,
    )
    found = read(conversation, PLAIN)
    assert [user for user in range(1, 10) if found.is_resolved_by({user})] == [5, 7]
    assert not read(conversation._replace(closed=0), PLAIN).is_resolved_by({5, 6, 7})


# Customers, touches, days, shares.


@pytest.mark.parametrize(
    ("last", "days", "each"),
    [("2015-01-31T23:59:59Z", 30, 2.0), ("2015-01-02T00:00:00Z", 1, 60.0), (None, 0, 60.0)],
)
def test_the_days_of_a_range_are_whole_ones(last: str | None, days: int, each: float) -> None:
    first = "2015-01-01T00:00:00Z"
    asked = interval(first, last or first)
    assert (rules.total_days(asked), rules.per_day(60, asked)) == (days, each)


def test_the_customer_of_the_reply_is_helped_or_that_of_the_conversation() -> None:
    conversation = told(replied(2, customer=103), replied(3, customer=0), replied(9, customer=104))
    assert rules.customers_helped(conversation, Interval(2, 3), PLAIN) == {103, 101}


def test_a_customer_who_is_unknown_is_not_counted() -> None:
    assert rules.customers_helped(told(replied(2, customer=0), customer=0), EVER, PLAIN) == set()


@pytest.mark.parametrize(
    ("thread", "touched"),
    [
        (line(5), True),
        (Thread(5, 0, "note", by="user"), True),
        (replied(5, state="hidden"), True),
        (replied(5, state="draft"), False),
        (asked(4), False),
    ],
)
def test_threads_touch_a_conversation_and_drafts_do_not(thread: Thread, *, touched: bool) -> None:
    assert rules.is_touched(told(thread, created=1), Interval(5, 6)) is touched


def test_being_created_touches_a_conversation() -> None:
    assert rules.is_touched(told(created=5), Interval(5, 5))


@pytest.mark.parametrize(
    ("thread", "touched"),
    [
        (line(5), True),
        (replied(5, author=2, state="hidden"), True),
        (replied(5, author=2, state="draft"), False),
        (replied(5, author=2, action="imported"), False),
        (replied(5), False),
        (line(4), False),
        (line(6), True),
        (line(7), False),
    ],
)
def test_a_user_touches_a_conversation_with_threads_of_the_range(
    thread: Thread, *, touched: bool
) -> None:
    assert rules.is_touched_by(told(thread), Interval(5, 6), {2}) is touched


def test_whether_a_user_touches_a_conversation_may_depend_on_a_state_that_is_unknown() -> None:
    note = told(line(5, type="note", state=""))
    with pytest.raises(UnknownValue, match="`state` of thread 1 of conversation 9"):
        rules.is_touched_by(note, Interval(5, 6), {2})
    assert not rules.is_touched_by(note, Interval(6, 7), {2})
    assert not rules.is_touched_by(note, Interval(5, 6), {1})


def test_whether_a_conversation_was_closed_may_depend_on_a_state_that_is_unknown() -> None:
    note = line(5, type="note", state="", status="closed")
    with pytest.raises(UnknownValue, match="`state` of thread 1 of conversation 9"):
        rules.closings(told(note))
    assert rules.closings(told(note._replace(status=None))) == []


@pytest.mark.parametrize(
    ("conversation", "part"),
    [
        (told(created_by=2), True),
        (told(closed_by=2), True),
        (told(line(5)), True),
        (told(Thread(5, 0, "chat")), True),
        (told(Thread(5, 0, "")), True),
        (told(Thread(5, 0, "message")), False),
        (told(asked(5, type="chat", author=2)), False),
        (told(replied(5), created_by=1, closed_by=1), False),
    ],
    ids=[
        *("who began it", "who closed it", "who wrote a thread", "who may have written a chat"),
        *("who may have written a thread of unknown type",),
        *("an unknown author of a reply", "a customer with the same number", "another user"),
    ],
)
def test_who_takes_part_in_a_conversation(conversation: Activity, *, part: bool) -> None:
    assert rules.takes_part(conversation, {2}) is part


@pytest.mark.parametrize(("written", "share"), [("fraction", 4 / 13), ("percent", 4 / 13 * 100)])
def test_a_convention_says_how_the_share_on_the_first_reply_is_written(
    written: str, share: float
) -> None:
    conventions = Conventions.model_validate({"first_reply_share": written})
    assert rules.first_reply_share(4, 13, conventions) == share
    assert rules.first_reply_share(0, 0, conventions) == 0.0


# All of it together.

EXAMPLES = min(settings().max_examples, 400)
"""Whole accounts take long to draw."""

ACCOUNTS = st.lists(payloads(), max_size=4, unique_by=lambda payload: payload["id"])
COMPARED = (
    *("resolved", "resolvedOnFirstReply", "repliesToResolve", "resolutionTime"),
    *("responseTimes", "firstResponseTimes", "closed", "repliesSent", "customersHelped"),
)
ADDITIVE = ("messagesReceived", "repliesSent", "resolved", "resolvedOnFirstReply")


@settings(max_examples=EXAMPLES)
@given(
    ACCOUNTS,
    st.sampled_from([("resolved", PLAIN), ("replied", REPLIED)]),
    st.sampled_from([(), (1,), (2, 3)]),
)
def test_the_figures_are_those_of_the_slowest_count(
    account: list[Json], base: tuple[str, Conventions], users: tuple[int, ...]
) -> None:
    found = Way().figures(activities(account), interval(), base[1], users)
    expected = oracle.productivity(account, FIRST, LAST, base[0], users)
    assert {name: found[name] for name in COMPARED} == {name: expected[name] for name in COMPARED}


@settings(max_examples=EXAMPLES)
@given(payloads())
def test_each_rule_is_that_of_the_slowest_reading(payload: Json) -> None:
    conversation = activity(payload)
    first, last = oracle.first_resolved(payload), oracle.resolved(payload)
    for conventions, moment in ((ONCE, first), (PLAIN, last)):
        expected = None if moment is None else oracle.seconds(moment)
        assert read(conversation, conventions).resolved == expected
    for conventions, automatic in ((PLAIN, True), (MANUAL, False)):
        assert seconds(rules.replies(conversation, conventions)) == [
            oracle.seconds(each["createdAt"]) for each in oracle.replies(payload, automatic)
        ]
        assert [wait[:3] for wait in read(conversation, conventions).waits] == [
            (oracle.seconds(opened), oracle.seconds(ended), user)
            for opened, ended, user in oracle.waits(payload, automatic)
        ]
    assert [(each.at, each.user) for each in rules.closings(conversation)] == [
        (oracle.seconds(moment), user) for moment, user in oracle.closings(payload)
    ]
    assert rules.is_touched(conversation, interval()) == oracle.touched(payload, FIRST, LAST)
    assert rules.customers_helped(conversation, interval(), PLAIN) == oracle.helped(
        payload, FIRST, LAST
    )


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS, st.integers(interval().first, interval().last - 1))
def test_the_parts_of_a_range_add_up(account: list[Json], cut: int) -> None:
    whole, first, last = (
        Way().figures(activities(account), part)
        for part in (
            interval(),
            Interval(interval().first, cut),
            Interval(cut + 1, interval().last),
        )
    )
    for name in ADDITIVE:
        assert first[name] + last[name] == whole[name]


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS, st.integers(0, 300_000), st.integers(0, 300_000))
def test_a_longer_range_never_has_less(account: list[Json], sooner: int, later: int) -> None:
    short, long = (
        Way().figures(activities(account), part)
        for part in (interval(), Interval(interval().first - sooner, interval().last + later))
    )
    for name in (*ADDITIVE, "total", "closed", "customersHelped", "totalUsers"):
        assert short[name] <= long[name]


@settings(max_examples=EXAMPLES)
@given(ACCOUNTS)
def test_the_order_of_conversations_does_not_matter(account: list[Json]) -> None:
    orders = (account, account[::-1])
    before, after = (Way().figures(activities(each), interval()) for each in orders)
    for name in COMPARED:
        assert after[name] == pytest.approx(before[name])


@settings(max_examples=EXAMPLES)
@given(payloads())
def test_what_is_no_message_changes_neither_replies_nor_waits(payload: Json) -> None:
    conversation = activity(payload)
    messages = {*rules.customer_messages(conversation), *rules.replies(conversation, PLAIN)}
    bare = conversation._replace(threads=tuple(sorted(messages)))
    assert rules.replies(bare, PLAIN) == rules.replies(conversation, PLAIN)
    assert read(bare, PLAIN).waits == read(conversation, PLAIN).waits
    for thread in messages:
        assert thread.state == "published"
        assert thread.type not in {"note", "lineitem"}
        assert "imported" not in thread.action


@settings(max_examples=EXAMPLES)
@given(payloads())
def test_waits_follow_each_other_and_each_ends_with_a_reply(payload: Json) -> None:
    conversation = activity(payload)
    found = read(conversation, PLAIN).waits
    moments = [moment for wait in found for moment in (wait.opened, wait.ended)]
    assert moments == sorted(moments)
    sent = seconds(rules.replies(conversation, PLAIN))
    assert all(wait.ended in sent for wait in found)
    assert [wait.first for wait in found[1:]] == [False] * len(found[1:])


@settings(max_examples=EXAMPLES)
@given(payloads(), st.sampled_from([PLAIN, ONCE, MANUAL]))
def test_what_is_resolved_needed_a_reply(payload: Json, conventions: Conventions) -> None:
    conversation = activity(payload)
    resolved = read(conversation, conventions).resolved
    assert (resolved is not None) == (read(conversation, conventions).replies_to_resolve() > 0)

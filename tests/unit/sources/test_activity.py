"""Conversations with their threads, loaded from an account that lives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from compat.core.intervals import Interval, MaxAges
from compat.core.models import Activity, ActivityQuery, Progress
from compat.simulator import Account, Behaviour, Conversation, make_account
from compat.sources.live import LiveSource
from compat.v2.client import Client
from compat.v2.errors import Cancelled, InconsistentData, MalformedData
from tests.unit.sources.activity_scene import (
    AGES,
    Clock,
    Scene,
    touched,
    with_sorted_tags,
)
from tests.unit.v2.upstream import (
    FIRST,
    QUIET,
    Asked,
    Reply,
    Stage,
    Upstream,
    answer,
    conversation,
    page_of,
)

StageAndClient = tuple[Stage, Client]
Predicate = Callable[[Conversation], bool]
AT = "2015-03-15T00:00:00Z"
SPRING = Interval(FIRST + 59 * 86_400, FIRST + 120 * 86_400 - 1)
FEBRUARY = Interval(FIRST + 31 * 86_400, FIRST + 59 * 86_400 - 1)


def account_of_2015(conversations: int = 400) -> Account:
    now = datetime(2015, 6, 1, tzinfo=UTC)
    since = datetime(2015, 1, 1, tzinfo=UTC)
    return make_account(conversations, 3, now, since, clock=Clock())


def counts(row: Conversation) -> bool:
    """Spam may be in an answer, or not; no report counts it."""
    return row.status != "spam"


def assert_answers(
    scene: Scene, query: ActivityQuery, predicate: Predicate = lambda _: True
) -> dict[int, Activity]:
    """The answer has what a naive reading of the account finds; no other one fulfils a condition.

    Returns:
        The answer.
    """
    found = {id_: with_sorted_tags(each) for id_, each in scene.found(query).items()}
    expected = touched(scene.account, query.touched, lambda row: counts(row) and predicate(row))
    assert {id_: found.get(id_) for id_ in expected} == expected
    assert all(predicate(scene.account[id_]) for id_ in found)
    return found


def folder(account: Account, kind: str) -> int:
    """A folder of this type in the first mailbox."""
    folders = account.layout.folders_of(account.layout.mailboxes[0].id)
    return next(each.id for each in folders if each.type == kind)


# What is loaded.


@pytest.mark.parametrize(
    "behaviour",
    [
        QUIET,
        Behaviour(rate_limit=None, page_size=50, embedded_chats="whole", empty="absent"),
        Behaviour(rate_limit=None, page_size=7, embedded_chats="bodies", index_fractions=True),
        Behaviour(rate_limit=None, embedded_threads=2, all_lists_spam=False),
        Behaviour(rate_limit=None, fail_rate=0.1, truncate_rate=0.05, repeat_rate=0.3),
    ],
)
def test_every_conversation_with_a_thread_of_that_time_has_all_of_its_threads(
    stage_and_client: StageAndClient, behaviour: Behaviour
) -> None:
    scene = Scene(stage_and_client, account_of_2015(), behaviour)
    assert len(assert_answers(scene, ActivityQuery((SPRING,)))) > 100


def test_two_ranges_are_one_walk(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, account_of_2015())
    assert_answers(scene, ActivityQuery((SPRING, FEBRUARY)))
    walked = [target for target in scene.requested if "sortField=createdAt" in target]
    assert "modifiedAt:[2015-02-01T00:00:00Z TO *]" in walked[0]
    assert sum("modifiedAt:[2015-02-01T00:00:00Z TO *]" in target for target in walked) == len(
        walked
    )


def test_only_mailboxes_that_were_asked_for_are_read(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, account_of_2015())
    mailbox = scene.account.layout.mailboxes[1].id
    query = ActivityQuery((SPRING,), frozenset({mailbox, 999_999}))
    assert_answers(scene, query, lambda row: row.mailbox_id == mailbox)
    assert scene.found(ActivityQuery((SPRING,), frozenset({999_999}))) == {}


def test_a_home_folder_is_decided_by_the_conversation(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, account_of_2015())
    closed = folder(scene.account, "closed")
    query = ActivityQuery((SPRING,), folders=frozenset({closed}))
    found = assert_answers(scene, query, lambda row: row.folder_id == closed)
    assert found


def test_what_a_view_shows_is_asked_of_upstream(stage_and_client: StageAndClient) -> None:
    account = Account(clock=Clock())
    user = account.layout.users[0].id
    mine = [account.add(SPRING.first + at, assignee_id=user).id for at in range(3)]
    account.add(SPRING.first, assignee_id=0)
    folders = account.layout.folders_of(account.layout.mailboxes[0].id)
    view = next(each.id for each in folders if (each.type, each.user_id) == ("mytickets", user))
    scene = Scene(stage_and_client, account)
    assert sorted(scene.found(ActivityQuery((SPRING,), folders=frozenset({view})))) == mine


def test_a_view_that_keeps_changing_is_an_error(stage_and_client: StageAndClient) -> None:
    account = Account(clock=Clock())
    user = account.layout.users[0].id
    folders = account.layout.folders_of(account.layout.mailboxes[0].id)
    view = next(each.id for each in folders if (each.type, each.user_id) == ("mytickets", user))
    scene = Scene(stage_and_client, account)
    scene.before = lambda number: account.add(SPRING.first + number, assignee_id=user)
    with pytest.raises(InconsistentData, match="kept changing"):
        scene.load(ActivityQuery((SPRING,), folders=frozenset({view})))


@pytest.mark.parametrize("all_lists_spam", [False, True])
def test_spam_is_read_only_if_it_is_asked_for(
    stage_and_client: StageAndClient, all_lists_spam: bool
) -> None:
    behaviour = Behaviour(rate_limit=None, all_lists_spam=all_lists_spam)
    scene = Scene(stage_and_client, account_of_2015(), behaviour)
    scene.load(ActivityQuery((SPRING,)))
    found = scene.found(ActivityQuery((SPRING,), spam=True))
    expected = touched(scene.account, (SPRING,), lambda row: row.status == "spam")
    assert expected
    assert {id_: with_sorted_tags(found[id_]) for id_ in expected} == expected


# Which threads are completed from their own list.


def test_only_chats_that_the_query_selects_are_listed(stage_and_client: StageAndClient) -> None:
    scene = Scene(stage_and_client, account_of_2015())
    scene.load(ActivityQuery((SPRING,), types=frozenset({"email", "phone"})))
    assert scene.requests()[1] == 0
    tag = scene.account.layout.tags[0].id
    found = scene.found(ActivityQuery((SPRING,), types=frozenset({"chat"}), tags=frozenset({tag})))
    tagged = [row.id for row in map(scene.account.__getitem__, found) if tag in row.tag_ids]
    chats = [id_ for id_ in tagged if scene.account[id_].type == "chat"]
    assert 0 < scene.requests()[1] <= len(chats) + 5
    for id_ in chats:
        assert len(found[id_].threads) == len(scene.account.threads(id_))


def test_missing_embedded_threads_are_listed(stage_and_client: StageAndClient) -> None:
    account = account_of_2015(100)
    emails = Scene(stage_and_client, account, Behaviour(rate_limit=None, embedded_threads=1))
    query = ActivityQuery((SPRING,), types=frozenset({"email"}))
    assert_answers_of_type(emails, query, "email")
    assert emails.requests()[1] > 10


def assert_answers_of_type(scene: Scene, query: ActivityQuery, kind: str) -> None:
    found = {id_: with_sorted_tags(each) for id_, each in scene.found(query).items()}
    expected = touched(scene.account, query.touched, lambda row: counts(row) and row.type == kind)
    assert {id_: found.get(id_) for id_ in expected} == expected


def test_threads_that_are_newer_than_what_was_seen_of_a_conversation_are_ignored(
    stage_and_client: StageAndClient,
) -> None:
    clock = Clock()
    account = Account(clock=clock)
    chat = account.add(SPRING.first, type="chat")
    before = [each.id for each in account.threads(chat.id)]
    scene = Scene(stage_and_client, account)

    def reply_late(number: int) -> None:
        if number == 2:  # the list of the chat's threads
            clock.now += 100
            account.reply(chat.id)

    scene.before = reply_late
    answer = scene.load(ActivityQuery((Interval(SPRING.first, int(clock.now) + 1000),)))
    (activity,) = answer.activities
    assert [each.id for each in activity.threads] == before
    assert len(account.threads(chat.id)) == len(before) + 1


@pytest.mark.parametrize("key", ["id", "createdAt"])
def test_a_thread_that_cannot_be_counted_fails_only_questions_that_need_its_conversation(
    upstream: Upstream, client: Client, key: str
) -> None:
    broken = {"id": 5, "type": "customer", "state": "published", "createdAt": AT} | {key: None}
    threads = {"threads": [broken]}
    rows = [
        conversation(1, SPRING.first, threads=1, _embedded=threads),
        conversation(2, SPRING.first, threads=0, type="phone", _embedded={"threads": []}),
    ]

    def script(asked: Asked) -> Reply:
        is_list = asked.path.endswith("/threads")
        return answer({"_embedded": threads}) if is_list else page_of(rows)

    upstream.script = script
    source = LiveSource(client, AGES, workers=2, most_rows=100)
    phones = source.activity(ActivityQuery((SPRING,), types=frozenset({"phone"})), Progress())
    assert 2 in {activity.row.id for activity in phones.activities}
    with pytest.raises(MalformedData, match=rf"conversation 1: thread .*`{key}`"):
        source.activity(ActivityQuery((SPRING,)), Progress())


def test_a_list_that_is_short_is_read_once_until_the_conversation_changes(
    upstream: Upstream, client: Client
) -> None:
    thread = {"id": 5, "type": "customer", "state": "published", "createdAt": AT}
    row = conversation(1, SPRING.first, threads=3, _embedded={"threads": [thread]})
    lists: list[str] = []

    def script(asked: Asked) -> Reply:
        if asked.path.endswith("/threads"):
            lists.append(asked.path)
            return answer({"_embedded": {"threads": [thread]}})
        return page_of([row])

    upstream.script = script
    source = LiveSource(client, MaxAges(0, 3600), workers=2, most_rows=100)
    for _ in range(3):
        (activity,) = source.activity(ActivityQuery((SPRING,)), Progress()).activities
        assert [each.id for each in activity.threads] == [5]
    assert len(lists) == 1
    row["userUpdatedAt"] = "2015-04-01T00:00:00Z"
    source.activity(ActivityQuery((SPRING,)), Progress())
    assert len(lists) == 2


# Requests.


@pytest.mark.parametrize("workers", [1, 4])
def test_a_cold_question_takes_few_requests_more_than_its_conversations_have_pages(
    stage_and_client: StageAndClient, workers: int
) -> None:
    rows = 2_500
    clock = Clock(SPRING.first + rows * 700)
    account = Account(clock=clock)
    for at in range(rows):
        account.add(SPRING.first + at * 700, type="chat" if at % 500 == 0 else "email")
    clock.now += 3_600
    scene = Scene(stage_and_client, account, workers=workers)
    found = scene.found(ActivityQuery((Interval(FIRST, FIRST + 400 * 86_400),)))
    assert len(found) == rows
    lists, thread_lists = scene.requests()
    assert lists <= rows / 25 * 1.08
    assert thread_lists == 5


def test_progress_counts_conversations_and_lists_of_threads(
    stage_and_client: StageAndClient,
) -> None:
    scene = Scene(stage_and_client, account_of_2015())
    seen: list[tuple[int, int]] = []
    scene.before = lambda _: seen.append((scene.progress.expected, scene.progress.received))
    answer = scene.load(ActivityQuery((SPRING,)))
    lists = scene.requests()[1]
    assert lists > 10
    assert scene.progress.received == scene.progress.expected
    assert scene.progress.received >= len(answer.activities) + 25 * lists
    assert all(received <= expected for expected, received in seen)
    assert seen[2][0] > seen[2][1] > 0


def test_lists_of_threads_are_expected_while_conversations_are_still_read(
    stage_and_client: StageAndClient,
) -> None:
    scene = Scene(stage_and_client, account_of_2015())
    expected: list[int] = []
    scene.before = lambda _: expected.append(scene.progress.expected)
    scene.load(ActivityQuery((SPRING,)))
    pages, lists = scene.requests()
    assert lists > pages
    assert expected[pages // 2] == pytest.approx(scene.progress.expected, rel=0.25)


def test_only_lists_that_the_question_needs_are_expected(
    stage_and_client: StageAndClient,
) -> None:
    scene = Scene(stage_and_client, account_of_2015())
    expected: list[int] = []
    scene.before = lambda _: expected.append(scene.progress.expected)
    scene.load(ActivityQuery((SPRING,), types=frozenset({"phone"})))
    pages, lists = scene.requests()
    assert not lists
    assert max(expected) <= 25 * pages


def test_a_question_that_nobody_waits_for_is_cancelled(stage_and_client: StageAndClient) -> None:
    def cancel() -> None:
        if len(scene.requested) >= 3:
            raise Cancelled("nobody waits")

    scene = Scene(stage_and_client, account_of_2015())
    with pytest.raises(Cancelled):
        scene.source.activity(ActivityQuery((SPRING,)), Progress(check=cancel))
    assert len(scene.requested) <= 5

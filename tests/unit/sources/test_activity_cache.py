"""What is kept of conversations with their threads, and when it is read again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from compat.core.intervals import Interval, MaxAges
from compat.core.models import ActivityQuery
from compat.simulator import Account, Conversation, make_account
from compat.v2.client import Client
from tests.unit.sources.activity_scene import AGES, Clock, Scene, touched, with_sorted_tags
from tests.unit.v2.upstream import FIRST, Stage

StageAndClient = tuple[Stage, Client]
DAY = 86_400
NOW = FIRST + 150 * DAY
EARLY = Interval(FIRST + 100 * DAY, FIRST + 120 * DAY)
LATE = Interval(FIRST + 140 * DAY, NOW + DAY)


def scene_of(
    stage_and_client: StageAndClient, *, ages: MaxAges = AGES, most_rows: int = 100_000
) -> tuple[Scene, Clock]:
    """An account of 300 conversations of which the last were modified an hour ago."""
    clock = Clock(NOW)
    since, now = datetime(2015, 1, 1, tzinfo=UTC), datetime.fromtimestamp(NOW - 3_600, UTC)
    account = make_account(300, 5, now, since, clock=clock)
    scene = Scene(stage_and_client, account, ages=ages, most_rows=most_rows)
    scene.source._activities._cache.elapsed = clock
    return scene, clock


def assert_answers(scene: Scene, query: ActivityQuery) -> int:
    """The answer is what a naive reading finds; returns how many lists it took."""
    scene.requests()
    found = {
        id_: with_sorted_tags(each)
        for id_, each in scene.found(query).items()
        if each.row.status != "spam"
    }
    mailboxes = query.mailboxes

    def counts(row: Conversation) -> bool:
        return row.status != "spam" and (not mailboxes or row.mailbox_id in mailboxes)

    expected = touched(scene.account, query.touched, counts)
    assert {id_: found.get(id_) for id_ in expected} == expected
    threads = {each.id for activity in found.values() for each in activity.threads}
    assert threads == {each.id for id_ in found for each in scene.account.threads(id_)}
    return sum(scene.requests())


def a_row(account: Account, span: Interval) -> Conversation:
    """A conversation that counts, with a thread in an interval."""
    rows = (account[id_] for id_ in touched(account, [span]))
    return next(row for row in rows if row.counts and row.type == "email")


@pytest.mark.parametrize("span", [EARLY, LATE])
def test_what_is_young_enough_takes_no_request(
    stage_and_client: StageAndClient, span: Interval
) -> None:
    scene, clock = scene_of(stage_and_client)
    assert assert_answers(scene, ActivityQuery((span,))) > 2
    clock.now += AGES.recent - 1
    assert assert_answers(scene, ActivityQuery((span,))) == 0
    assert assert_answers(scene, ActivityQuery((Interval(span.first + DAY, span.last),))) == 0


def test_an_earlier_beginning_is_read_anew(stage_and_client: StageAndClient) -> None:
    scene, _ = scene_of(stage_and_client)
    assert assert_answers(scene, ActivityQuery((LATE,))) > 2
    assert assert_answers(scene, ActivityQuery((EARLY,))) > 10
    assert assert_answers(scene, ActivityQuery((LATE, EARLY))) == 0


@pytest.mark.parametrize("change", ["retag", "move", "close", "reply", "spam", "merge", "assign"])
@pytest.mark.parametrize("span", [EARLY, LATE])
def test_changes_are_read_after_a_minute_whatever_the_age_of_the_conversation(
    stage_and_client: StageAndClient, span: Interval, change: str
) -> None:
    scene, clock = scene_of(stage_and_client)
    account = scene.account
    query = ActivityQuery((span,))
    whole = assert_answers(scene, query)
    row, other = a_row(account, span), a_row(account, Interval(FIRST, EARLY.first - 1))
    clock.now += 1_000
    changes: dict[str, Callable[[], object]] = {
        "retag": lambda: account.retag(row.id, ["new"]),
        "move": lambda: account.move(row.id, account.layout.mailboxes[-1].id),
        "close": lambda: account.close(row.id),
        "reply": lambda: account.reply(row.id),
        "spam": lambda: account.spam(row.id),
        "merge": lambda: account.merge(row.id, other.id),
        "assign": lambda: account.assign(row.id, account.layout.users[1].id),
    }
    changes[change]()
    clock.now += AGES.recent
    assert assert_answers(scene, query) < whole


def test_a_conversation_that_left_a_mailbox_is_not_in_it_any_more(
    stage_and_client: StageAndClient,
) -> None:
    scene, clock = scene_of(stage_and_client)
    row = a_row(scene.account, EARLY)
    there = ActivityQuery((EARLY,), frozenset({row.mailbox_id}))
    others = {each.id for each in scene.account.layout.mailboxes} - {row.mailbox_id}
    elsewhere = ActivityQuery((EARLY,), frozenset(others))
    assert_answers(scene, there)
    assert_answers(scene, elsewhere)
    scene.account.move(row.id, min(others))
    clock.now += AGES.recent
    assert assert_answers(scene, there) > 0
    assert assert_answers(scene, elsewhere) == 0


def test_a_reading_of_one_mailbox_takes_no_conversation_from_the_others(
    stage_and_client: StageAndClient,
) -> None:
    scene, _ = scene_of(stage_and_client)
    row = a_row(scene.account, LATE)
    assert_answers(scene, ActivityQuery((LATE,)))
    scene.account.move(row.id, scene.account.layout.mailboxes[-1].id)
    assert_answers(scene, ActivityQuery((EARLY,), frozenset({row.mailbox_id})))
    assert_answers(scene, ActivityQuery((LATE,)))


def test_a_deletion_is_noticed_after_a_minute_where_the_last_thread_is_of_the_last_day(
    stage_and_client: StageAndClient,
) -> None:
    scene, clock = scene_of(stage_and_client)
    row = a_row(scene.account, LATE)
    scene.account.reply(row.id)
    assert_answers(scene, ActivityQuery((LATE,)))
    scene.account.delete(row.id)
    clock.now += AGES.recent
    assert row.id not in scene.found(ActivityQuery((LATE,)))


def test_another_deletion_is_noticed_when_all_is_read_again(
    stage_and_client: StageAndClient,
) -> None:
    scene, clock = scene_of(stage_and_client)
    row = a_row(scene.account, EARLY)
    assert_answers(scene, ActivityQuery((EARLY,)))
    scene.account.delete(row.id)
    clock.now += AGES.older - 1
    scene.found(ActivityQuery((EARLY,)))
    clock.now += 1
    assert row.id not in scene.found(ActivityQuery((EARLY,)))


def test_nothing_is_used_again_with_both_ages_at_0(stage_and_client: StageAndClient) -> None:
    scene, _ = scene_of(stage_and_client, ages=MaxAges(0, 0))
    row = a_row(scene.account, EARLY)
    whole = assert_answers(scene, ActivityQuery((EARLY,)))
    scene.account.delete(row.id)
    assert assert_answers(scene, ActivityQuery((EARLY,))) >= whole - 1


def test_an_answer_says_how_old_it_is_and_until_when_it_may_be_used(
    stage_and_client: StageAndClient,
) -> None:
    scene, clock = scene_of(stage_and_client)
    first = scene.load(ActivityQuery((LATE,)))
    assert NOW - 2 <= first.as_of <= NOW
    assert first.fresh_until == NOW + AGES.recent
    clock.now += 30
    again = scene.load(ActivityQuery((LATE,)))
    assert (again.as_of, again.fresh_until) == (first.as_of, first.fresh_until)
    clock.now += 40
    later = scene.load(ActivityQuery((LATE,)))
    assert NOW + 68 <= later.as_of <= NOW + 70
    assert later.fresh_until == clock.now + AGES.recent


def test_conversations_and_threads_are_kept_up_to_the_limit(
    stage_and_client: StageAndClient,
) -> None:
    scene, _ = scene_of(stage_and_client)
    found = scene.found(ActivityQuery((LATE,)))
    cache = scene.source._activities._cache
    size = len(cache.sightings()) + sum(
        len(each.activity.threads) for each in cache.sightings().values()
    )
    assert len(cache.sightings()) >= len(found)
    for room, kept in ((size + 1, True), (size, False)):
        scene, _ = scene_of(stage_and_client, most_rows=room)
        whole = assert_answers(scene, ActivityQuery((LATE,)))
        again = assert_answers(scene, ActivityQuery((LATE,)))
        assert (again == 0, again == whole) == (kept, not kept)


def test_what_was_least_recently_used_makes_room(stage_and_client: StageAndClient) -> None:
    scene, clock = scene_of(stage_and_client)
    one, two = (each.id for each in scene.account.layout.mailboxes[:2])
    queries = [ActivityQuery((LATE,), frozenset({mailbox})) for mailbox in (one, two)]
    for query in queries:
        clock.now += 1
        assert_answers(scene, query)
    cache = scene.source._activities._cache
    size = len(cache.sightings()) + sum(
        len(each.activity.threads) for each in cache.sightings().values()
    )
    scene, clock = scene_of(stage_and_client, most_rows=size - 1)
    for query in queries:
        clock.now += 1
        assert_answers(scene, query)
    assert assert_answers(scene, queries[1]) == 0
    assert assert_answers(scene, queries[0]) > 0

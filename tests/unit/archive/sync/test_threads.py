"""Synchronisation keeps the threads of conversations, if the archive is to keep them."""

from __future__ import annotations

import json
import re
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from compat.archive.database import Archive, open_archive
from compat.archive.records import INDEX_LAG, RECENT_THREADS, THREADS_KNOWN
from compat.archive.sync.backfill import READ_WITH_THREADS
from compat.archive.sync.deletions import look_up
from compat.archive.sync.session import SyncEvent, SyncOptions, SyncSession
from compat.archive.sync.threads import (
    _lists,
    complete_threads,
    list_threads_of,
    list_unread_threads,
    read_recent,
    read_until_settled,
    set_threads_kept,
    settle,
)
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.simulator import Account
from compat.upstream import client_from_settings
from compat.v2.errors import InconsistentData, MalformedData
from compat.v2.threads import ThreadList
from tests.unit.archive.samples import SEEN, cover, instant
from tests.unit.archive.sync.synced_account import (
    DAY,
    EVER,
    QUIET,
    Clock,
    PowerCut,
    Staged,
    interrupted,
    make_unreadable,
    opened_archive,
    opened_session,
    sample_account,
    staged,
)
from tests.unit.archive.sync.true_threads import (
    held_threads,
    known_until,
    true_thread,
    true_threads,
    unread,
)


@pytest.fixture
def stage(stage: Staged) -> Staged:
    """A small account and an empty archive."""
    clock = Clock()
    return staged(stage.upstream_server, stage.url, sample_account(clock, 80, 5), clock)


def chats(stage: Staged) -> set[int]:
    return {row.id for row in stage.account.conversations() if row.type == "chat"}


@pytest.mark.parametrize("slim", [False, True])
def test_threads_are_read_with_the_conversations(stage: Staged, slim: bool) -> None:
    stage.sync(threads=True, slim=slim)
    rows, incomplete = stage.rows(), chats(stage)
    assert (
        held_threads(stage).items()
        >= {
            id_: threads
            for id_, threads in true_threads(stage.account, slim=slim).items()
            if id_ in rows and id_ not in incomplete
        }.items()
    )


def test_what_happened_in_a_conversation_is_kept_with_who_began_it(stage: Staged) -> None:
    stage.sync(threads=True)
    user = stage.account.layout.users[0].id
    stage.account.add(None, type="email", created_by=user)
    stage.clock.advance(3600)
    stage.sync()
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        found = {each.row.id: each for each in snapshot.activities([EVER])}
    for row, threads in stage.account.histories():
        if row.id in found:
            assert found[row.id][1:] == (
                tuple(sorted(true_thread(each, threads, stage.account.layout) for each in threads)),
                *(row.customer_id, row.created_by, row.closed, row.closed_by, row.number),
            )
    assert user in {each.created_by for each in found.values()}


def test_documents_are_stored_without_threads(stage: Staged) -> None:
    stage.sync(threads=True)
    ids = list(stage.rows(EVER))
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        documents = [json.loads(each) for each in snapshot.raw_documents(ids).values()]
    assert len(documents) == len(ids)
    assert all({"id", "subject", "preview"} <= each.keys() for each in documents)
    assert not any("_embedded" in each or "body" in json.dumps(each) for each in documents)


def test_a_new_archive_keeps_no_threads(stage: Staged) -> None:
    stage.sync()
    assert (held_threads(stage), unread(stage)) == ({}, set())


def test_an_archive_remembers_that_it_keeps_threads(stage: Staged) -> None:
    stage.sync(threads=True)
    row = next(row for row in stage.account.conversations() if row.type == "email" and row.listed)
    stage.account.write(row.id)
    stage.clock.advance(3600)
    stage.sync()
    assert held_threads(stage)[row.id] == true_threads(stage.account)[row.id]


def test_threads_are_erased_when_none_are_to_be_kept(stage: Staged) -> None:
    stage.sync(threads=True)
    stage.sync(threads=False)
    assert (held_threads(stage), unread(stage)) == ({}, set())


def lists_of_threads(stage: Staged) -> int:
    return sum(many for path, many in stage.simulator.requests.items() if "/threads" in path)


def held_ids(stage: Staged) -> list[int]:
    return sorted(thread.id for some in held_threads(stage).values() for thread in some)


@pytest.mark.parametrize("kept", [True, False])
def test_a_sealed_archive_goes_on_to_keep_threads_or_none(archive: Archive, *, kept: bool) -> None:
    with archive.lock() as lock:
        with archive.writing(lock) as writer:
            writer.keep_threads(kept=kept)
            writer.set_note(THREADS_KNOWN, SEEN)
            writer.set_sealed_at(SEEN)
        set_threads_kept(archive, lock, kept=not kept)
    with archive.reading() as snapshot:
        assert (snapshot.keeps_threads, snapshot.get_note(THREADS_KNOWN)) == (kept, SEEN)


@pytest.mark.parametrize("kept", [True, False])
def test_nothing_is_known_of_threads_that_are_kept_anew_or_no_more(
    archive: Archive, kept: bool
) -> None:
    with archive.lock() as lock:
        with archive.writing(lock) as writer:
            writer.keep_threads(kept=not kept)
            writer.set_note(THREADS_KNOWN, SEEN)
        set_threads_kept(archive, lock, kept=not kept)
        with archive.reading() as snapshot:
            assert snapshot.get_note(THREADS_KNOWN) == SEEN, "nothing was changed"
        set_threads_kept(archive, lock, kept=kept)
        with archive.reading() as snapshot:
            assert snapshot.get_note(THREADS_KNOWN) is None


def test_threads_of_chats_are_listed(stage: Staged) -> None:
    stage.sync(threads=True)
    rows = stage.rows()
    truth = {id_: some for id_, some in true_threads(stage.account).items() if id_ in rows and some}
    assert held_threads(stage) == truth
    assert unread(stage) == set()


def test_threads_of_a_chat_are_listed_again_only_if_it_is_modified(stage: Staged) -> None:
    stage.sync(threads=True)
    stage.clock.advance(DAY)
    stage.account.write(min(chats(stage) & stage.rows().keys()))
    stage.clock.advance(3600)
    stage.sync()
    assert lists_of_threads(stage) == 1
    assert held_ids(stage) == sorted(
        each.id for some in true_threads(stage.account).values() for each in some
    )


def test_threads_that_are_kept_later_are_read_by_lists_of_conversations(stage: Staged) -> None:
    stage.sync()
    stage.sync(threads=True)
    assert unread(stage) == set()
    assert lists_of_threads(stage) == len(chats(stage) & stage.rows().keys())


def test_conversations_are_read_again_with_threads_after_a_kill(stage: Staged) -> None:
    stage.sync()
    stage.limit_requests(1)
    with interrupted(stage, 6), pytest.raises(PowerCut):
        stage.sync(threads=True)
    assert unread(stage)
    stage.sync()
    assert unread(stage) == set()
    assert held_threads(stage).items() <= true_threads(stage.account).items()


def test_no_thread_is_missing_while_a_merged_conversation_is_removed(stage: Staged) -> None:
    stage.sync(threads=True)
    emails = [id_ for id_ in stage.rows() if id_ not in chats(stage)]
    first, second, last = emails[3], emails[20], emails[40]
    moved = {thread.id for thread in true_threads(stage.account)[first]}
    states: list[list[int]] = []

    def on_event(event: SyncEvent) -> None:
        if event.facts.get("step") == "totals":
            stage.account.merge(first, second)
            stage.account.merge(second, last)
        states.append(held_ids(stage))

    stage.clock.advance(3600)
    stage.on_event = on_event
    stage.sync()
    assert first not in stage.rows()
    assert all(moved <= set(state) for state in states)
    assert all(len(state) == len(set(state)) for state in states)
    assert moved <= {thread.id for thread in held_threads(stage)[last]}


def test_a_merged_conversation_is_removed_with_the_reading_of_the_other(stage: Staged) -> None:
    stage.sync(threads=True)
    first, second, *_ = (id_ for id_ in stage.rows() if id_ not in chats(stage))
    moved = set(true_threads(stage.account)[first])
    stage.account.merge(first, second)
    stage.clock.advance(3600)
    with (
        closing(client_from_settings(stage.settings)) as client,
        open_archive(stage.url) as archive,
        archive.lock() as lock,
    ):
        session = SyncSession(
            archive,
            lock,
            client,
            SyncOptions(),
            parallel=1,
            on_event=stage.on_event,
            check_stopped=lambda: None,
        )
        look_up(session, [first])
    assert first not in stage.rows()
    assert {each.id for each in moved} <= {each.id for each in held_threads(stage)[second]}


def test_a_conversation_whose_threads_are_seen_in_another_is_looked_up(stage: Staged) -> None:
    stage.sync(threads=True)
    first, second, *_ = (id_ for id_ in stage.rows() if id_ not in chats(stage))
    stage.account.merge(first, second)
    stage.clock.advance(3600)
    stage.sync()
    named = [event.facts.get("step", event.name) for event in stage.events]
    assert named.index("threads") < named.index("gone") < named.index("totals")
    assert [facts["conversation"] for facts in stage.reported("gone")] == [first]


@pytest.mark.parametrize("kind", ["email", "chat"])
def test_a_list_that_lags_takes_no_threads_from_a_merged_conversation(
    stage: Staged, kind: str
) -> None:
    stage.simulator.behaviour = replace(QUIET, index_lag=60)
    account, clock = stage.account, stage.clock
    chat, other = account.add(type="chat").id, account.add(type=kind).id
    wanted = {thread.id for thread in account.threads(chat)}
    clock.advance(3600)
    account.write(other)
    clock.advance(60)

    def on_event(event: SyncEvent) -> None:
        if event.facts.get("step") == "threads":
            account.merge(chat, other)

    stage.on_event = on_event
    stage.sync(threads=True)
    stage.on_event = lambda _: None
    for _ in range(5):
        assert {thread.id for thread in held_threads(stage)[other]} >= wanted
        clock.advance(20)
        stage.sync()


def test_what_cannot_be_read_of_threads_is_reported_and_stays_unread(stage: Staged) -> None:
    row = next(row for row in stage.account.conversations() if row.listed and row.type == "email")
    make_unreadable(stage, row.id)
    stage.sync(threads=True)
    assert unread(stage) == {row.id}
    assert {each["conversation"] for each in stage.reported("threads unreadable")} == {row.id}


def until_now(stage: Staged) -> object:
    """Up to when a run that begins now knows all threads; upstream's clock shows whole seconds."""
    return pytest.approx(stage.clock.now - INDEX_LAG, abs=2)


def test_all_threads_are_known_until_the_run_began_less_the_margin(stage: Staged) -> None:
    stage.sync(threads=True)
    assert known_until(stage) == until_now(stage)
    stage.clock.advance(DAY)
    stage.sync()
    assert known_until(stage) == until_now(stage)


def test_a_run_that_is_killed_leaves_what_was_known(stage: Staged) -> None:
    stage.sync(threads=True)
    before = known_until(stage)
    stage.clock.advance(DAY)
    for row in stage.account.conversations()[:30]:
        stage.account.touch(row.id)
    with interrupted(stage, 2), pytest.raises(PowerCut):
        stage.sync()
    assert known_until(stage) in {before, None}  # none while a chat is to be listed
    stage.sync()
    assert known_until(stage) == until_now(stage)


def test_no_threads_are_known_if_old_conversations_are_not_stored(stage: Staged) -> None:
    since = int(stage.clock.now) - 30 * DAY
    stage.sync(threads=True, within=lambda now: Interval(since, now))
    assert known_until(stage) is None
    stage.sync()
    assert known_until(stage) is not None


def test_no_threads_are_known_if_old_conversations_were_erased(stage: Staged) -> None:
    stage.sync(threads=True)
    with (
        open_archive(stage.url) as archive,
        archive.lock() as lock,
        archive.writing(lock) as writer,
    ):
        writer.set_kept_since(int(stage.clock.now) - 30 * DAY)
    stage.sync()
    assert known_until(stage) is None


def test_ratings_that_come_late_are_read_although_nothing_shows_them(stage: Staged) -> None:
    stage.simulator.behaviour = replace(QUIET, ratings_modify=False)
    user = stage.account.layout.users[0].id
    row = next(row for row in stage.account.conversations() if row.listed and row.type == "email")
    reply = stage.account.reply(row.id, author_id=user)
    stage.sync(threads=True)
    for days, rating in ((10, "great"), (19, "okay")):
        stage.clock.advance(days * DAY)
        stage.account.rate(row.id, reply.id, rating)
        stage.sync()
        assert held_threads(stage)[row.id] == true_threads(stage.account)[row.id]


def test_a_late_rating_by_another_customer_after_a_merge_is_read(stage: Staged) -> None:
    stage.simulator.behaviour = replace(QUIET, ratings_modify=False)
    account, user = stage.account, stage.account.layout.users[0].id
    listed = [row for row in account.conversations() if row.listed and row.type == "email"]
    row = listed[0]
    other = next(each for each in listed if each.customer_id != row.customer_id)
    reply = account.reply(row.id, author_id=user)
    stage.sync(threads=True)
    account.merge(other.id, row.id)
    stage.clock.advance(DAY)
    stage.sync()
    account.rate(row.id, reply.id, "okay", "Also for me", rater_id=other.customer_id)
    stage.clock.advance(DAY)
    stage.sync()
    held = held_threads(stage)[row.id]
    (rating,) = (each.rating for each in held if each.id == reply.id)
    assert rating is not None
    assert (rating.customer, rating.comments) == (other.customer_id, "Also for me")
    assert held == true_threads(account)[row.id]


def test_a_quiet_day_costs_four_requests_more_and_what_was_modified_in_30_days(
    stage: Staged,
) -> None:
    def daily(**options: bool) -> int:
        stage.clock.advance(DAY)
        stage.sync(**options)
        return stage.asked()

    daily()
    without = daily()
    daily(threads=True)
    assert daily() == without + 4
    for row in [row for row in stage.account.conversations() if row.listed][:60]:
        stage.account.touch(row.id)
    daily()
    assert daily() == without + 4 + 2  # three pages in place of an empty one
    assert lists_of_threads(stage) == 0


# A few chats whose threads are not known, created one after the other, and nothing else.

MINUTES = 3
NOW = int(Clock().now)


@pytest.fixture
def unread_chats(stage: Staged) -> Staged:
    clock = Clock()
    account = Account(clock=clock)
    for minute in range(MINUTES):
        account.add(int(clock.now) - DAY + minute * 60, type="chat")
    made = staged(stage.upstream_server, stage.url, account, clock)
    made.sync()
    with opened_archive(made) as archive, archive.lock() as lock:
        set_threads_kept(archive, lock, kept=True)
    return made


def ids(stage: Staged) -> list[int]:
    return [row.id for row in stage.account.conversations()]


@pytest.mark.parametrize("batch", [1, 2, 500])
@pytest.mark.parametrize("missing", [None, 0, 1, 2])
def test_all_conversations_were_there_unless_one_of_any_batch_is_missing(
    unread_chats: Staged, monkeypatch: pytest.MonkeyPatch, batch: int, missing: int | None
) -> None:
    monkeypatch.setattr("compat.archive.sync.threads._BATCH", batch)
    if missing is not None:
        unread_chats.account.delete(ids(unread_chats)[missing])
    with opened_session(unread_chats) as session:
        assert list_unread_threads(session) is (missing is None)
    assert unread(unread_chats) == set()
    assert held_threads(unread_chats) == true_threads(unread_chats.account)


def test_the_threads_of_conversations_that_were_created_last_are_listed_first(
    unread_chats: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.archive.sync.threads._BATCH", 2)
    events: list[SyncEvent] = []
    unread_chats.on_event = events.append
    with opened_session(unread_chats) as session:
        session.received = 5
        list_unread_threads(session)
        assert (session.expected, session.received) == (5 + MINUTES, 5 + MINUTES)
    listed = [each for each in unread_chats.simulator.targets if "/threads" in each]
    assert [int(re.findall(r"[0-9]{3,}", each)[0]) for each in listed] == ids(unread_chats)[::-1]
    assert [each.facts["conversation"] for each in events] == ids(unread_chats)[::-1]


@pytest.mark.parametrize("batch", [1, 500])
def test_threads_that_cannot_be_read_are_listed_once_and_are_no_missing_conversation(
    unread_chats: Staged, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("compat.archive.sync.threads._BATCH", batch)
    unreadable = ids(unread_chats)[-1]
    make_unreadable(unread_chats, unreadable)
    with opened_session(unread_chats) as session:
        assert list_unread_threads(session)
        assert session.received == MINUTES - 1
    assert lists_of_threads(unread_chats) == MINUTES
    assert unread(unread_chats) == {unreadable}


@pytest.mark.parametrize("error", [InconsistentData, MalformedData])
def test_a_list_of_threads_that_contradicts_itself_is_reported_with_its_conversation(
    unread_chats: Staged, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def list_threads(_client: object, id_: int, _check: object) -> ThreadList:
        raise error(f"the threads of {id_} kept changing")

    monkeypatch.setattr("compat.archive.sync.threads.list_threads", list_threads)
    with opened_session(unread_chats) as session:
        assert list_unread_threads(session)
    assert unread_chats.reported("threads unreadable") == [
        {"conversation": id_, "why": f"the threads of {id_} kept changing"}
        for id_ in reversed(ids(unread_chats))
    ]


def test_conversations_that_are_not_stored_are_not_listed(unread_chats: Staged) -> None:
    with opened_session(unread_chats) as session:
        assert list_threads_of(session, [1, ids(unread_chats)[0]])
    assert lists_of_threads(unread_chats) == 1


def test_no_more_is_listed_at_a_time_than_the_setting_allows(
    unread_chats: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def list_threads(_client: object, id_: int, _check: object) -> ThreadList:
        begun.append(id_)
        return ThreadList((), SEEN)

    monkeypatch.setattr("compat.archive.sync.threads.list_threads", list_threads)
    with opened_session(unread_chats) as session:
        reading = _lists(session, range(5))
        for number in range(5):
            assert next(reading) == (number, ThreadList((), SEEN))
            assert begun == list(range(number + 1))


def test_as_many_are_listed_at_a_time_as_the_setting_allows_in_their_order(
    unread_chats: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = 33  # more than a pool has that is not told how many
    together = threading.Barrier(many)

    def list_threads(_client: object, id_: int, _check: object) -> ThreadList:
        together.wait(20)
        return ThreadList((), id_)

    monkeypatch.setattr("compat.archive.sync.threads.list_threads", list_threads)
    with opened_session(unread_chats) as session:
        session.parallel = many
        found = list(_lists(session, range(2 * many)))
    assert found == [(number, ThreadList((), number)) for number in range(2 * many)]


def test_nothing_is_listed_after_a_run_was_stopped(unread_chats: Staged) -> None:
    def stop() -> None:
        raise InterruptedError

    with opened_session(unread_chats) as session:
        session.check_stopped = stop
        with pytest.raises(InterruptedError):
            list_unread_threads(session)
    assert unread_chats.asked() == 0


@pytest.mark.parametrize("was_read", [True, False])
def test_only_windows_that_were_never_read_with_threads_are_read_again(
    unread_chats: Staged, was_read: bool
) -> None:
    whole = [known.interval for known in unread_chats.coverage()]
    if was_read:
        with (
            opened_archive(unread_chats) as archive,
            archive.lock() as lock,
            archive.writing(lock) as writer,
        ):
            writer.add_coverage(READ_WITH_THREADS, Coverage(EVER, NOW))
    read: list[Interval] = []
    with opened_session(unread_chats) as session:
        complete_threads(session, read.append)
    assert read == ([] if was_read else whole)
    assert unread_chats.asked() == MINUTES + (0 if was_read else 3)
    assert unread(unread_chats) == set()


def test_windows_without_unread_threads_are_not_read_again(unread_chats: Staged) -> None:
    with opened_session(unread_chats) as session:
        list_unread_threads(session)
    with opened_session(unread_chats) as session:
        complete_threads(session, lambda _: pytest.fail("it is read again"))
    assert unread_chats.asked() == 0


# What changed while a run was reading.


def times_of_modification(stage: Staged) -> list[str]:
    """From when until when each list of conversations asked for modification."""
    found = (re.search(r"modifiedAt:\[(\S+ TO \S+)\]", each) for each in stage.simulator.targets)
    return [each[1] for each in found if each]


def test_reading_ends_after_some_rounds_if_merges_never_end(
    unread_chats: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.archive.sync.threads._ROUNDS", 3)
    complete = iter([False] * 3)
    with opened_session(unread_chats) as session:
        assert not read_until_settled(session, 5_000, lambda: next(complete))
    assert next(complete, None) is None


def test_each_round_reads_what_was_modified_since_the_one_before_began(
    unread_chats: Staged,
) -> None:
    began = int(unread_chats.clock.now)
    complete = iter([False, True])

    def advance(account: Account, target: str) -> None:
        if "/conversations" in target:
            unread_chats.clock.advance(100)

    unread_chats.simulator.before_request = advance
    with opened_session(unread_chats) as session:
        assert read_until_settled(session, began - 5_000, lambda: next(complete))
        assert session.rows_read == 2 * MINUTES
    asked = [each.split(" TO ") for each in times_of_modification(unread_chats)]
    first, second = asked[:3], asked[3:]
    assert first == [[instant(began - 5_000 - INDEX_LAG), "*"]] * 3
    assert len(second) == 3
    assert set(map(tuple, second)) <= {
        (instant(began + 100 + lag - INDEX_LAG), "*") for lag in (-2, -1, 0, 1)
    }


def test_chats_that_were_modified_are_unread_though_they_look_unchanged(
    unread_chats: Staged,
) -> None:
    with opened_session(unread_chats) as session:
        list_unread_threads(session)
        with session.reading() as snapshot:
            assert snapshot.unread_thread_count() == 0
        assert read_until_settled(session, NOW, lambda: True)
        with session.reading() as snapshot:
            assert snapshot.unread_among(ids(unread_chats)) == set(ids(unread_chats))


def test_changes_of_several_pages_are_read_up_to_a_second_and_then_the_rest(
    unread_chats: Staged,
) -> None:
    for _ in range(40):
        unread_chats.clock.advance(10)
        unread_chats.account.add(NOW, type="email")
    with opened_session(unread_chats) as session:
        assert read_until_settled(session, NOW, lambda: True)
    asked = [each.split(" TO ") for each in times_of_modification(unread_chats)]
    since = instant(NOW - INDEX_LAG)
    bounded = [(first, last) for first, last in asked if last != "*"]
    assert {first for first, _ in bounded} == {since}
    assert len({last for _, last in bounded}) == 1
    assert len(unread_chats.rows()) == MINUTES + 40


def test_what_was_known_stays_known_if_merges_never_end(
    unread_chats: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    unread_chats.clock.advance(DAY)
    unread_chats.sync()
    known = known_until(unread_chats)
    assert known
    unread_chats.clock.advance(DAY)
    monkeypatch.setattr("compat.archive.sync.threads.list_unread_threads", lambda _: False)
    unread_chats.sync()
    assert known_until(unread_chats) == known
    monkeypatch.undo()
    unread_chats.sync()
    assert known_until(unread_chats) == until_now(unread_chats)


@pytest.mark.parametrize("first", [None, FIRST_SECOND + 1])
def test_threads_never_settle_where_not_all_conversations_are_covered(
    unread_chats: Staged, first: int | None
) -> None:
    with opened_archive(unread_chats) as archive:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.remove_coverage(EVER)
        if first is not None:
            cover(archive, Interval(first, NOW), NOW)
    with opened_session(unread_chats) as session:
        settle(session)
        with session.reading() as snapshot:
            assert snapshot.get_note(THREADS_KNOWN) is None
    assert unread_chats.asked() == 0


def test_threads_are_known_as_of_the_oldest_reading_and_recent_ones_are_forgotten(
    unread_chats: Staged,
) -> None:
    middle = NOW - 50 * DAY
    with opened_archive(unread_chats) as archive:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.remove_coverage(EVER)
            writer.set_note(RECENT_THREADS, {"since": middle, "as_of": NOW})
        cover(archive, Interval(FIRST_SECOND, middle), NOW - 100)
        cover(archive, Interval(middle + 1, NOW), NOW - 200)
    with opened_session(unread_chats) as session:
        settle(session)
        with session.reading() as snapshot:
            assert snapshot.get_note(THREADS_KNOWN) == NOW - 200
            assert snapshot.recent_threads() is None
    assert times_of_modification(unread_chats)[0] == f"{instant(NOW - 200 - INDEX_LAG)} TO *"


# What may have been rated late.

RATED_SINCE = NOW - 30 * DAY


@pytest.mark.parametrize(
    ("as_of", "modified"),
    [
        (None, None),
        (RATED_SINCE + INDEX_LAG, None),
        (RATED_SINCE + INDEX_LAG + 1, (RATED_SINCE, RATED_SINCE)),
        (NOW, (RATED_SINCE, NOW - INDEX_LAG - 1)),
    ],
)
def test_what_was_modified_in_30_days_is_read_again_up_to_what_the_run_has_read(
    unread_chats: Staged, as_of: int | None, modified: tuple[int, int] | None
) -> None:
    with opened_session(unread_chats) as session:
        session.started_at, session.as_of_at_start = NOW, as_of
        read_recent(session)
    # One second more than needed: the index may keep fractions of the last one.
    expected = [f"{instant(modified[0])} TO {instant(modified[1] + 1)}"] if modified else []
    assert times_of_modification(unread_chats) == expected


def test_what_may_have_been_rated_is_read_only_where_it_is_covered(unread_chats: Staged) -> None:
    first, middle, last = unread_chats.account.conversations()
    with opened_archive(unread_chats) as archive:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.remove([first.id, middle.id, last.id], 0)
            writer.remove_coverage(EVER)
        for row in (first, last):
            cover(archive, Interval(row.created, row.created))
    for row in (first, middle, last):
        unread_chats.account.retag(row.id, ["vip"])
    unread_chats.clock.advance(60)
    tags = {id_: row.tags for id_, row in unread_chats.rows().items()}
    with opened_session(unread_chats) as session:
        session.started_at = session.as_of_at_start = int(unread_chats.clock.now) + INDEX_LAG + 5
        read_recent(session)
        assert session.rows_read == 2
    held = {id_ for id_, row in unread_chats.rows().items() if row.tags != tags[id_]}
    assert held == {first.id, last.id}

"""What the steps of a run share: times, progress, and what is written for all of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from compat.archive.records import INDEX_LAG, LAYERS, ShownThreads
from compat.archive.sync import queries
from compat.archive.sync.session import SyncEvent
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.core.models import Thread
from compat.v2.models import FullConversation
from compat.v2.pagination import creation_second
from compat.v2.search import Selection, Window
from compat.v2.threads import ConversationWithThreads, ThreadList, ThreadPayload
from tests.unit.archive.samples import CREATED, cover, instant, record, save_all
from tests.unit.archive.sync.synced_account import QUIET, Staged, opened_archive, opened_session
from tests.unit.archive.sync.true_threads import held_threads, unread

STARTED = 1_500_000_000
UNTIL = STARTED - INDEX_LAG
LARGE = 2**63


def conversation(id_: int, created: int = CREATED, mailbox: int = 1) -> FullConversation:
    payload = {
        "id": id_,
        "createdAt": instant(created),
        "mailboxId": mailbox,
        "state": "published",
        "status": "closed",
    }
    return FullConversation.model_validate_json(json.dumps(payload))


def thread(id_: int, created: int) -> ThreadPayload:
    payload = {"id": id_, "type": "note", "createdAt": instant(created)}
    return ThreadPayload.model_validate_json(json.dumps(payload))


def with_threads(*threads: int, kind: str = "email") -> ConversationWithThreads:
    """Conversation 7 as a list shows it with threads."""
    shown = [
        {"id": id_, "type": "note", "state": "published", "createdAt": instant(CREATED)}
        for id_ in threads
    ]
    payload = {
        "id": 7,
        "createdAt": instant(CREATED),
        "type": kind,
        "state": "published",
        "status": "closed",
        "threads": len(threads),
        "_embedded": {"threads": shown},
    }
    return ConversationWithThreads.model_validate_json(json.dumps(payload))


def keep_threads(stage: Staged, *, kept: bool = True) -> None:
    with opened_archive(stage) as archive, archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=kept)


def stop() -> None:
    raise InterruptedError


# What is wanted, and what the archive was when the run began.


@pytest.mark.parametrize(
    ("within", "kept_since", "wanted"),
    [
        (Interval(FIRST_SECOND, LAST_SECOND), None, Interval(FIRST_SECOND, UNTIL)),
        (Interval(FIRST_SECOND - 1, LAST_SECOND), None, Interval(FIRST_SECOND, UNTIL)),
        (Interval(5, 10), None, Interval(5, 10)),
        (Interval(5, 10), 7, Interval(7, 10)),
        (Interval(5, 10), 10, Interval(10, 10)),
        (Interval(5, 10), 11, None),
        (Interval(UNTIL, LAST_SECOND), None, Interval(UNTIL, UNTIL)),
        (Interval(UNTIL + 1, LAST_SECOND), None, None),
    ],
)
def test_what_is_wanted_is_old_enough_for_the_index_and_young_enough_to_be_kept(
    stage: Staged, within: Interval, kept_since: int | None, wanted: Interval | None
) -> None:
    asked: list[int] = []

    def of_options(now: int) -> Interval:
        asked.append(now)
        return within

    with opened_archive(stage) as archive, archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_kept_since(kept_since)
    with opened_session(stage, within=of_options) as session:
        session.started_at = STARTED
        assert session.wanted == wanted
    assert asked == [STARTED]


def test_a_run_knows_what_the_archive_held_when_it_began(stage: Staged) -> None:
    with opened_session(stage) as session:
        assert (session.rows_at_start, session.as_of_at_start) == (0, None)
        assert (session.started_at, session.requested_at, session.rows_missing) == (0, 0, 0)
        assert (session.rows_read, session.rows_changed, session.rows_removed) == (0, 0, 0)
        assert (session.received, session.expected) == (0, 0)
    with opened_archive(stage) as archive:
        save_all(archive, [record(1), record(2)])
        cover(archive, Interval(0, 10), as_of=300)
        cover(archive, Interval(11, 20), as_of=200)
    with opened_session(stage) as session:
        assert (session.rows_at_start, session.as_of_at_start) == (2, 200)


def test_a_request_is_never_noted_before_an_earlier_one(stage: Staged) -> None:
    with opened_session(stage) as session:
        assert [session.note_time(second) for second in (7, 5, 9)] == [7, 7, 9]
        assert session.requested_at == 9


# Progress.


def test_each_page_and_each_list_of_threads_is_reported_with_how_far_the_step_is(
    stage: Staged,
) -> None:
    events: list[SyncEvent] = []
    stage.on_event = events.append
    with opened_session(stage) as session:
        session.begin_step("new")
        session.page_written(25, 60)
        session.page_written(25, 30)
        session.threads_written(7)
        session.begin_step("reread")
        session.page_written(10, 10)
        assert session.rows_read == 60
    assert [(each.name, dict(each.facts), each.received, each.expected) for each in events] == [
        ("step", {"step": "new"}, 0, 0),
        ("page", {"rows": 25}, 25, 60),
        ("page", {"rows": 25}, 50, 60),
        ("page", {"conversation": 7}, 51, 60),
        ("step", {"step": "reread"}, 0, 0),
        ("page", {"rows": 10}, 10, 10),
    ]
    assert {(each.requests, each.rate_left) for each in events} == {(0, None)}


def test_an_event_says_how_many_requests_were_made_and_how_many_are_left(stage: Staged) -> None:
    stage.simulator.behaviour = replace(QUIET, rate_limit=100)
    with opened_session(stage) as session:
        session.first_page(Selection(), Interval(5, 10))
        session.emit("step")
    (event,) = stage.events
    assert (event.requests, event.rate_left) == (2, 99), "a sign-in is not counted"


# Lists of conversations.


def test_a_first_page_has_the_oldest_conversations_and_the_total_of_all_pages(
    stage: Staged,
) -> None:
    listed = sorted(row.created for row in stage.account.conversations() if row.listed)
    few = listed[10:80]
    with opened_session(stage) as session:
        page = session.first_page(Selection(), Interval(few[0], few[-1]))
    assert [creation_second(row) for row in page.rows] == few[:25]
    assert page.page.total_elements == len(few)


@pytest.mark.parametrize("kept", [True, False])
def test_conversations_are_requested_with_threads_if_the_archive_keeps_them(
    stage: Staged, kept: bool
) -> None:
    row = next(row for row in stage.account.conversations() if row.listed)
    keep_threads(stage, kept=kept)
    with opened_session(stage) as session:
        session.look_up(row.id)
        next(session.paginator(Selection()).batches(Window(row.created, row.created)))
    asked = [target for target in stage.simulator.targets if "/conversations" in target]
    assert ["embed=threads" in target for target in asked] == [kept, kept]


def test_no_page_is_requested_after_a_run_was_stopped(stage: Staged) -> None:
    with opened_session(stage) as session:
        session.check_stopped = stop
        with pytest.raises(InterruptedError):
            next(session.paginator(Selection()).batches(Window(5, 10)))
    assert not stage.simulator.targets


# Requests side by side.


@pytest.mark.parametrize("wanted", [[], [3], [3, 1, 2]])
def test_what_is_fetched_side_by_side_comes_in_the_order_in_which_it_was_wanted(
    stage: Staged, wanted: list[int]
) -> None:
    done = [threading.Event() for _ in range(4)]
    done[0].set()

    def fetch(number: int) -> str:
        if len(wanted) > 1:
            assert done[number - 1].wait(20), "the last one is fetched first"
        done[number].set()
        return f"item {number}"

    with opened_session(stage) as session:
        session.parallel = 3
        assert session.side_by_side(fetch, wanted) == [f"item {number}" for number in wanted]


def test_no_more_is_fetched_at_a_time_than_the_setting_allows(stage: Staged) -> None:
    all_wanted = threading.Event()
    threads: set[int] = set()

    class Wanted(list[int]):
        def __iter__(self) -> Iterator[int]:
            yield from super().__iter__()
            all_wanted.set()

    def fetch(_: int) -> None:
        threads.add(threading.get_ident())
        assert all_wanted.wait(20), "no thread is free while there is more to begin"

    with opened_session(stage) as session:
        session.parallel = 2
        session.side_by_side(fetch, Wanted(range(5)))
    assert len(threads) <= 2


@pytest.mark.parametrize("wanted", [[1], [1, 2, 3]])
def test_nothing_is_fetched_after_a_run_was_stopped(stage: Staged, wanted: list[int]) -> None:
    fetched: list[int] = []
    with opened_session(stage) as session:
        session.check_stopped = stop
        with pytest.raises(InterruptedError):
            session.side_by_side(fetched.append, wanted)
    assert not fetched


def test_the_first_error_is_raised_and_what_was_not_begun_is_not_fetched(stage: Staged) -> None:
    fetched: list[int] = []
    waited = threading.Event()

    def fetch(number: int) -> None:
        fetched.append(number)
        if number == 2:
            raise ValueError(number)
        if number == 3:
            waited.wait(0.2)

    with opened_session(stage) as session, pytest.raises(ValueError, match="2"):
        session.side_by_side(fetch, range(1, 10))
    assert fetched[:2] == [1, 2]
    assert len(fetched) < 9


# What is written.


def test_what_is_written_is_counted_if_it_is_new_or_changed(stage: Staged) -> None:
    with opened_session(stage) as session:
        for rows in (
            [conversation(1), conversation(2)],
            [conversation(1), conversation(2, mailbox=2)],
        ):
            with session.writing() as writer:
                session.write_rows(writer, [(row, 50) for row in rows])
        assert session.rows_changed == 3


def test_conversations_of_lost_mailboxes_that_were_seen_are_remembered(stage: Staged) -> None:
    with opened_session(stage) as session:
        session.lost_mailboxes = frozenset({5})
        for rows in ([conversation(1, mailbox=5), conversation(2)], [conversation(3, mailbox=5)]):
            with session.writing() as writer:
                session.write_rows(writer, [(row, 50) for row in rows])
        assert session.seen_in_lost_mailboxes == {1, 3}


def test_the_second_of_a_conversation_with_too_large_an_id_is_not_covered(stage: Staged) -> None:
    seconds = {LARGE: 20, LARGE + 1: 10, -LARGE: 20}
    large = [(conversation(id_, created), 50) for id_, created in seconds.items()]
    with opened_session(stage) as session:
        with session.writing() as writer:
            for layer in LAYERS:
                session.add_coverage(writer, layer, Coverage(Interval(0, 30), 40))
        for _ in range(2):
            with session.writing() as writer:
                session.write_rows(writer, [*large, (conversation(LARGE - 1, 30), 50)])
        assert session.not_stored == seconds
        assert session.seconds_not_stored == [Interval(10, 10), Interval(20, 20)]
        with session.reading() as snapshot:
            covered = [known.interval for known in snapshot.coverage()]
            held = snapshot.conversation_ids(Interval(0, 30))
            assert queries.not_stored(snapshot) == seconds
        assert covered == [Interval(0, 9), Interval(11, 19), Interval(21, 30)]
        assert held == [LARGE - 1]
        with session.writing() as writer:
            session.add_coverage(writer, "another", Coverage(Interval(5, 15), 60))
        with session.reading() as snapshot:
            assert snapshot.layer_coverage("another") == [
                Coverage(Interval(5, 9), 60),
                Coverage(Interval(11, 15), 60),
            ]
    assert stage.reported("not stored") == [
        {"conversation": id_, "created": created} for id_, created in seconds.items()
    ]
    with opened_session(stage) as later, later.writing() as writer:
        later.write_rows(writer, [(conversation(LARGE + 2, 5), 90)])
    with opened_archive(stage) as archive, archive.reading() as snapshot:
        assert queries.not_stored(snapshot) == {**seconds, LARGE + 2: 5}


# Threads.


def test_a_list_takes_no_threads_from_a_conversation(stage: Staged) -> None:
    """It may show how the conversation was before another was merged into it."""
    keep_threads(stage)
    with opened_session(stage) as session:
        for row in (with_threads(1, 2), with_threads(1)):
            with session.writing() as writer:
                session.write_rows(writer, [(row, 50)])
    assert [each.id for each in held_threads(stage)[7]] == [1, 2]
    assert unread(stage) == {7}


def test_a_chat_that_a_list_shows_unchanged_keeps_its_threads(stage: Staged) -> None:
    keep_threads(stage)
    chat = with_threads(2, kind="chat")
    found = ThreadList((thread(1, CREATED), *chat.shown_threads), CREATED)
    with opened_session(stage) as session:
        with session.writing() as writer:
            session.write_rows(writer, [(chat, CREATED)])
            known = session.known_threads(7, found, CREATED)
            assert known is not None
            writer.save_threads(7, known)
        with session.writing() as writer:
            session.write_rows(writer, [(chat, CREATED)])
    assert unread(stage) == set()


def test_threads_that_are_younger_than_their_conversation_was_seen_are_left_out(
    stage: Staged,
) -> None:
    found = ThreadList((thread(1, 49), thread(2, 50), thread(3, 51)), 60)
    with opened_session(stage) as session:
        known = session.known_threads(7, found, 50)
    expected = tuple(Thread(second, id_, "note", "") for id_, second in ((1, 49), (2, 50)))
    assert known == ShownThreads(expected, complete=True, seen=50, current=True)
    assert not stage.reported("threads unreadable")


def test_threads_that_cannot_be_read_are_reported_and_are_none(stage: Staged) -> None:
    unreadable = ThreadPayload.model_validate_json('{"id": 1, "type": "note"}')
    with opened_session(stage) as session:
        assert session.known_threads(7, ThreadList((unreadable,), 60), 50) is None
    (facts,) = stage.reported("threads unreadable")
    assert facts["conversation"] == 7
    assert "createdAt" in str(facts["why"])
    assert "7" in str(facts["why"])


def test_a_conversation_is_looked_up_as_it_is_and_not_before_an_earlier_request(
    stage: Staged,
) -> None:
    row, gone, *_ = (each for each in stage.account.conversations() if each.listed)
    stage.account.delete(gone.id)
    checked: list[str] = []
    with opened_session(stage) as session:
        session.check_stopped = lambda: checked.append("checked")
        later = int(stage.clock.now) + 1000
        found: Any = session.look_up(row.id)
        assert found.value.id == row.id
        assert abs(found.requested_at - stage.clock.now) < 5
        session.note_time(later)
        assert session.look_up(row.id).requested_at == later
        assert session.look_up(gone.id).requested_at == later
    assert len(checked) == 3

"""A first fill reads recent threads before all others, and says what it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from compat.archive.database import open_archive
from compat.archive.records import INDEX_LAG, RECENT_THREADS, THREADS_KNOWN
from compat.archive.sync import backfill, deletions, recent_threads
from compat.archive.sync.session import SyncEvent, SyncOptions, SyncSession
from compat.archive.sync.threads import list_threads_of, set_threads_kept
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.core.models import ListQuery
from compat.simulator import Account
from compat.v2.lists import Missing
from tests.unit.archive.sync.synced_account import (
    DAY,
    EVER,
    QUIET,
    Clock,
    PowerCut,
    Staged,
    make_unreadable,
    opened_archive,
    opened_session,
    sample_account,
    staged,
)
from tests.unit.archive.sync.true_threads import (
    held_threads,
    known_time,
    true_threads,
    unread,
    within,
)

QUARTER = 92 * DAY
MONTH = 31 * DAY


@pytest.fixture
def stage(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> Staged:
    """An account of a year and a half, large enough for both steps, and an empty archive."""
    monkeypatch.setattr(recent_threads, "_FEWEST", 0)
    monkeypatch.setattr(recent_threads, "_SHARE", 2)
    monkeypatch.setattr(backfill, "ROWS", 60)
    clock = Clock()
    made = staged(stage.upstream_server, stage.url, sample_account(clock, 300, 5), clock)
    made.limit_requests(1)
    return made


def stopped(stage: Staged, at: Callable[[SyncEvent], bool], **options: Any) -> None:
    """Synchronise until an event, as by a power cut."""

    def on_event(event: SyncEvent) -> None:
        if at(event):
            raise PowerCut

    stage.on_event = on_event
    with pytest.raises(PowerCut):
        stage.sync(**{"threads": True, **options})
    stage.on_event = lambda _: None


def step(name: str) -> Callable[[SyncEvent], bool]:
    return lambda event: event.facts.get("step") == name


def windows(many: int) -> Callable[[SyncEvent], bool]:
    """True when so many windows were read, and another one begins."""
    left = many

    def at(event: SyncEvent) -> bool:
        nonlocal left
        left -= event.name == "window"
        return left < 0

    return at


def filled(stage: Staged) -> None:
    """Stop when all pages of the fill are written, before the threads of old chats are listed."""
    stopped(stage, step("threads"))


def known_since(stage: Staged) -> int | None:
    known = known_time(stage)
    return known.first if known else None


def assert_known_are_true(stage: Staged) -> Interval:
    """The threads of the time that is known are those of the account."""
    known = known_time(stage)
    assert known is not None
    held = within(known, held_threads(stage))
    assert held
    assert held == within(known, true_threads(stage.account))
    return known


def recent_chat(stage: Staged) -> int:
    """A chat of the last month, with more threads than lists show."""
    chat = stage.account.add(int(stage.clock.now) - 20 * DAY, type="chat")
    stage.account.write(chat.id)
    stage.clock.advance(3600)
    return chat.id


def test_recent_threads_are_known_before_the_fill_begins(stage: Staged) -> None:
    began = int(stage.clock.now)
    stopped(stage, step("new"))
    assert stage.coverage() == []
    assert len(stage.rows()) < len(stage.truth()) / 2
    known = assert_known_are_true(stage)
    assert known.last - known.first == QUARTER - INDEX_LAG
    assert known.last == pytest.approx(began - INDEX_LAG, abs=2)


def test_the_last_month_is_known_before_the_last_quarter(stage: Staged) -> None:
    steps: list[int | None] = []

    def on_event(event: SyncEvent) -> None:
        known = known_time(stage)
        length = known.last - known.first + INDEX_LAG if known else None
        steps.extend([] if length in steps else [length])

    stage.on_event = on_event
    stage.sync(threads=True)
    assert steps[:3] == [None, MONTH, QUARTER]


def test_old_chats_that_the_fill_stores_do_not_hide_what_is_known(stage: Staged) -> None:
    filled(stage)
    assert unread(stage)
    assert_known_are_true(stage)


def test_after_the_whole_fill_threads_of_any_time_are_known(stage: Staged) -> None:
    stage.sync(threads=True)
    assert known_since(stage) == FIRST_SECOND
    assert_known_are_true(stage)
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        assert snapshot.recent_threads() is None


def test_what_a_killed_run_knew_stays_known_until_all_is(stage: Staged) -> None:
    stopped(stage, windows(1))
    known = known_time(stage)
    stage.clock.advance(3 * DAY)
    stopped(stage, step("threads at last"))
    assert known_time(stage) == known
    stage.sync()
    assert known_since(stage) == FIRST_SECOND
    assert_known_are_true(stage)


def test_a_recent_chat_that_changes_is_known_again_after_the_next_window(
    stage: Staged,
) -> None:
    chat = recent_chat(stage)
    seen: list[bool] = []
    after_windows = windows(4)

    def at(event: SyncEvent) -> bool:
        if step("new")(event):
            stage.account.write(chat)
        if event.name == "page":
            seen.append(known_time(stage) is not None)
        return after_windows(event)

    stopped(stage, at)
    assert False in seen[seen.index(True) :]
    assert seen[-1]
    assert unread(stage)
    assert chat not in unread(stage)


def test_a_recent_chat_that_is_unread_again_hides_what_is_known(stage: Staged) -> None:
    chat = recent_chat(stage)
    stopped(stage, step("new"))
    assert known_time(stage)
    stage.account.write(chat)
    stage.clock.advance(3600)
    stopped(stage, lambda _: chat in unread(stage))
    assert known_time(stage) is None


def test_what_a_merge_moves_meanwhile_is_known_where_it_is(stage: Staged) -> None:
    account = stage.account
    old = min(row.id for row in account.conversations() if row.listed and row.type == "email")
    recent = account.add(int(stage.clock.now) - 5 * DAY, type="email").id
    stage.clock.advance(3600)
    moved = {each.id for each in true_threads(account)[recent]}

    pages = 0

    def at(event: SyncEvent) -> bool:
        nonlocal pages
        pages += event.name == "page"
        if event.name == "page" and pages == 1:
            account.merge(recent, old)
        return step("new")(event)

    stopped(stage, at)
    assert_known_are_true(stage)
    assert moved <= {each.id for each in held_threads(stage)[old]}


def test_what_a_killed_step_has_read_and_is_deleted_since_is_removed(stage: Staged) -> None:
    recent = stage.account.add(int(stage.clock.now) - 5 * DAY, type="email").id
    stage.clock.advance(3600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent_threads, "read_until_settled", _fails)
        with pytest.raises(PowerCut):
            stage.sync(threads=True)
    assert recent in stage.rows()
    stage.account.delete(recent)
    stage.clock.advance(3600)
    stopped(stage, step("new"))  # this run leaves the step to the next one
    assert known_time(stage) is None
    stopped(stage, step("new"))
    assert recent not in stage.rows()
    assert_known_are_true(stage)


def _fails(*_: object) -> bool:
    raise PowerCut


def test_after_a_run_was_stopped_in_a_step_the_next_one_goes_on_with_the_fill(
    stage: Staged,
) -> None:
    in_step = False

    def at(event: SyncEvent) -> bool:
        nonlocal in_step
        in_step |= step("recent threads")(event)
        return in_step and event.name == "page"

    stopped(stage, at)
    assert requests_of_step(stage) == 0
    assert known_time(stage) is None
    stopped(stage, step("new"))
    assert known_time(stage)


def test_nothing_is_said_while_recent_threads_cannot_be_read(stage: Staged) -> None:
    row = stage.account.add(int(stage.clock.now) - 400 * DAY, type="email")
    stage.account.write(row.id)
    stage.clock.advance(3600)
    make_unreadable(stage, row.id)
    stage.clock.advance(3600)
    stopped(stage, step("new"))
    assert unread(stage) == {row.id}
    assert known_time(stage) is None


def test_threads_that_are_kept_later_are_known_in_the_same_steps(stage: Staged) -> None:
    stage.sync()
    gone = max(stage.rows(), key=lambda id_: stage.rows()[id_].created)
    stage.account.delete(gone)
    stage.clock.advance(3600)
    stopped(stage, step("new"))
    assert gone not in stage.rows()
    assert_known_are_true(stage)
    assert known_since(stage) != FIRST_SECOND
    stage.sync()
    assert known_since(stage) == FIRST_SECOND
    assert_known_are_true(stage)


def test_what_is_deleted_before_the_fill_reads_it_does_not_stop_the_run(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_PAGE", 0)
    monkeypatch.setattr(deletions, "_SHARE", 10)

    def on_event(event: SyncEvent) -> None:
        if step("new")(event):
            stage.clock.advance(60)
            stage.account.delete(max(stage.rows(), key=lambda id_: stage.rows()[id_].created))

    stage.on_event = on_event
    stage.sync(threads=True)
    assert [each["why"] for each in stage.reported("gone")] == ["deleted"]


def test_users_are_read_with_recent_threads(stage: Staged) -> None:
    stopped(stage, step("new"))
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        for kind in ("users", "teams"):
            assert snapshot.list_items(ListQuery(kind))


@pytest.mark.parametrize("options", [{"start": 400}, {"end": 10}])
def test_a_run_that_reads_less_takes_no_steps(stage: Staged, options: dict[str, int]) -> None:
    def wanted(now: int) -> Interval:
        first = now - options["start"] * DAY if "start" in options else FIRST_SECOND
        return Interval(first, now - options.get("end", 0) * DAY)

    stage.sync(threads=True, within=wanted)
    assert "recent threads" not in [each["step"] for each in stage.reported("step")]
    assert known_time(stage) is None or known_since(stage) == FIRST_SECOND


def test_a_run_without_threads_takes_no_steps(stage: Staged) -> None:
    stage.sync()
    assert "recent threads" not in [each["step"] for each in stage.reported("step")]


def test_a_later_run_takes_no_steps(stage: Staged) -> None:
    stage.sync(threads=True)
    stage.clock.advance(DAY)
    stage.sync()
    assert "recent threads" not in [each["step"] for each in stage.reported("step")]


def requests_of_step(stage: Staged) -> int:
    """How many requests the step takes."""
    requests: dict[str, int] = {}

    def at(event: SyncEvent) -> bool:
        if event.name == "step":
            requests[str(event.facts["step"])] = event.requests
        return step("new")(event)

    stopped(stage, at)
    return requests["new"] - requests["recent threads"]


def test_a_small_account_costs_a_request_and_one_of_which_much_was_modified_three(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for row in stage.account.conversations() if row.listed]
    for row in rows[: len(rows) * 2 // 3]:
        stage.account.touch(row.id)
    stage.clock.advance(3600)
    assert requests_of_step(stage) == 3
    assert known_time(stage) is None
    monkeypatch.setattr(recent_threads, "_FEWEST", 10_000)
    assert requests_of_step(stage) == 1
    assert known_time(stage) is None


def test_steps_cost_the_pages_of_what_was_modified_and_a_few_requests_more(stage: Staged) -> None:
    """Three totals; for each step its pages on three lists, and what changed since on each; lists
    of chats; users and teams."""
    layout = stage.account.layout
    since = stage.clock.now - QUARTER
    read = [row for row in stage.account.conversations() if row.listed and row.modified >= since]
    pages = len(read) / 25 * 1.08 + 2 * sum(row.status == "spam" for row in read) / 25
    chats = sum(row.type == "chat" for row in read)
    users = 3 + len(layout.mailboxes) + len(layout.teams)
    assert 3 + 12 + chats + users <= requests_of_step(stage) <= 15 + pages + 6 + chats + users


def test_threads_kept_anew_are_not_known(stage: Staged) -> None:
    stopped(stage, step("new"))
    stopped(stage, step("menus"), threads=False)
    stopped(stage, step("menus"), threads=True)
    assert known_time(stage) is None


def test_recent_threads_are_not_known_again_after_old_conversations_were_erased(
    stage: Staged,
) -> None:
    stopped(stage, step("new"))
    for since in (int(stage.clock.now) - 300 * DAY, None):
        with (
            open_archive(stage.url) as archive,
            archive.lock() as lock,
            archive.writing(lock) as writer,
        ):
            writer.set_kept_since(since)
        assert known_time(stage) is None


def test_a_merge_into_a_conversation_that_cannot_be_read_hides_what_is_known(
    stage: Staged,
) -> None:
    account = stage.account
    old = min(row.id for row in account.conversations() if row.listed and row.type == "email")
    recent = account.add(int(stage.clock.now) - 5 * DAY, type="email").id
    stage.clock.advance(3600)
    stopped(stage, step("new"))
    account.merge(recent, old)
    make_unreadable(stage, old)
    stage.clock.advance(3600)
    filled(stage)
    assert recent not in stage.rows()
    assert known_time(stage) is None


@pytest.mark.parametrize("kind", ["threads", "bodies", "whole"])
def test_chats_are_listed_once(stage: Staged, kind: str) -> None:
    stage.simulator.behaviour = replace(QUIET, embedded_chats=kind)  # type: ignore[arg-type]
    stage.sync(threads=True)
    listed = [many for path, many in stage.simulator.requests.items() if "/threads" in path]
    assert listed
    assert set(listed) == {1}


def test_both_notes_are_not_there_at_once(stage: Staged) -> None:
    notes: list[tuple[bool, bool]] = []

    def on_event(_event: SyncEvent) -> None:
        with open_archive(stage.url) as archive, archive.reading() as snapshot:
            notes.append(
                (
                    snapshot.get_note(RECENT_THREADS) is not None,
                    snapshot.get_note(THREADS_KNOWN) is not None,
                )
            )

    stage.on_event = on_event
    stage.sync(threads=True)
    assert dict.fromkeys(notes) == {(False, False): None, (True, False): None, (False, True): None}


# Eight conversations: two were last modified in the last month, and one more in the last quarter.

NOW = int(Clock().now)
MONTH_AND_QUARTER = [
    (Interval(NOW - MONTH, NOW - INDEX_LAG), NOW),
    (Interval(NOW - QUARTER, NOW - MONTH), NOW),
]


@pytest.fixture
def eight(stage: Staged) -> Staged:
    clock = Clock()
    account = Account(clock=clock)
    for days in (400, 390, 380, 370, 360, 80, 20, 10):
        account.add(NOW - days * DAY, type="email")
    for row in account.conversations():
        account.change(row.id, modified=row.created)
    made = staged(stage.upstream_server, stage.url, account, clock)
    with opened_archive(made) as archive, archive.lock() as lock:
        set_threads_kept(archive, lock, kept=True)
    return made


@contextmanager
def begun_session(stage: Staged) -> Iterator[SyncSession]:
    """A run that has just asked for the time."""
    with opened_session(stage) as session:
        session.started_at = session.note_time(NOW)
        yield session


def note_recent_threads(stage: Staged, since: int, as_of: int) -> None:
    with opened_archive(stage) as archive, archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note(RECENT_THREADS, {"since": since, "as_of": as_of})


@pytest.mark.parametrize(
    ("fewest", "share", "steps"),
    [
        (7, 2, MONTH_AND_QUARTER),
        (8, 2, []),
        (7, 4, MONTH_AND_QUARTER[:1]),
        (7, 5, []),
    ],
)
def test_steps_are_worthwhile_in_accounts_of_some_size_of_which_a_share_was_modified(
    eight: Staged,
    monkeypatch: pytest.MonkeyPatch,
    fewest: int,
    share: int,
    steps: list[tuple[Interval, int]],
) -> None:
    monkeypatch.setattr(recent_threads, "_FEWEST", fewest)
    monkeypatch.setattr(recent_threads, "_SHARE", share)
    with begun_session(eight) as session:
        assert recent_threads._worthwhile_steps(session) == steps


@pytest.mark.parametrize(("length", "steps"), [(MONTH, 1), (MONTH + 1, 1), (QUARTER, 0)])
def test_a_step_that_was_taken_is_not_taken_again(eight: Staged, length: int, steps: int) -> None:
    as_of = NOW - DAY
    note_recent_threads(eight, as_of - length, as_of)
    with begun_session(eight) as session:
        expected = [(Interval(as_of - QUARTER, as_of - length), as_of)] if steps else []
        assert recent_threads._worthwhile_steps(session) == expected
    assert eight.asked() == 2 * steps, "nothing is asked for where no step is left"


def test_a_step_that_fails_is_the_last_one_and_no_users_are_read(
    eight: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[Interval, int]] = []

    def fails(_: SyncSession, *step: Any) -> bool:
        taken.append(step)
        return False

    monkeypatch.setattr(recent_threads, "_read_step", fails)
    with begun_session(eight) as session:
        recent_threads.read_recent_threads(session)
        with session.reading() as snapshot:
            assert snapshot.get_note(recent_threads._BEGUN) is None
    assert taken == MONTH_AND_QUARTER[:1]
    assert not any("/users" in each for each in eight.simulator.requests)


def test_a_month_that_is_known_has_users_though_the_quarter_fails(
    eight: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_step = recent_threads._read_step
    month, _ = MONTH_AND_QUARTER
    monkeypatch.setattr(
        recent_threads,
        "_read_step",
        lambda session, *step: step == month and read_step(session, *step),
    )
    with begun_session(eight) as session:
        recent_threads.read_recent_threads(session)
    assert known_since(eight) == NOW - MONTH
    assert any("/users" in each for each in eight.simulator.requests)


def test_chats_that_a_step_lists_are_unread_though_they_look_unchanged(eight: Staged) -> None:
    chat = eight.account.add(NOW - 5 * DAY, type="chat").id
    with begun_session(eight) as session:
        shown = session.look_up(chat)
        assert not isinstance(shown, Missing)
        with session.writing() as writer:
            session.write_rows(writer, [(shown.value, NOW)], current=True)
        list_threads_of(session, [chat])
        recent_threads._read_lists(session, MONTH_AND_QUARTER[0][0])
        recent_threads._read_lists(session, Interval(NOW - DAY, NOW))
        with session.reading() as snapshot:
            assert snapshot.unread_among([chat]) == {chat}


@pytest.mark.parametrize("stored", [True, False])
def test_users_that_are_stored_are_not_read_again_with_recent_threads(
    eight: Staged, stored: bool
) -> None:
    with opened_archive(eight) as archive, archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("users"), [] if stored else None, NOW)
    with begun_session(eight) as session:
        recent_threads.read_recent_threads(session)
    assert known_since(eight) == NOW - QUARTER
    assert any("/users" in each for each in eight.simulator.requests) is not stored


def test_a_step_with_a_conversation_that_is_not_stored_is_not_known(eight: Staged) -> None:
    (step, _) = MONTH_AND_QUARTER
    with begun_session(eight) as session:
        session.not_stored = {2**63: NOW - 5 * DAY}
        assert not recent_threads._read_step(session, *step)
        assert known_time(eight) is None
        session.not_stored = {}
        assert recent_threads._read_step(session, *step)
    assert known_since(eight) == NOW - MONTH


def test_a_step_that_does_not_settle_is_not_known(
    eight: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_threads, "read_until_settled", lambda *_: False)
    with begun_session(eight) as session:
        assert not recent_threads._read_step(session, *MONTH_AND_QUARTER[0])
    assert known_time(eight) is None


def test_threads_that_cannot_be_read_are_listed_once_in_a_run(eight: Staged) -> None:
    chat = eight.account.add(NOW - 5 * DAY, type="chat").id
    make_unreadable(eight, chat)
    note_recent_threads(eight, NOW - MONTH, NOW)
    with begun_session(eight) as session:
        found = session.look_up(chat)
        assert not isinstance(found, Missing)
        complete = recent_threads.completes_recent_threads(session)
        for _ in range(2):
            with session.writing() as writer:
                session.write_rows(writer, [(found.value, NOW)], modified=True)
            complete(EVER)
    assert len(eight.reported("threads unreadable")) == 1


@pytest.mark.parametrize(
    ("change", "is_first"),
    [
        ({}, True),
        ({"keeps_threads": False}, False),
        ({"lost_mailboxes": frozenset({5})}, False),
        ({"options": SyncOptions(lambda now: Interval(FIRST_SECOND + 1, now))}, False),
        ({"options": SyncOptions(lambda now: Interval(FIRST_SECOND, now - DAY))}, False),
        ({"options": SyncOptions(lambda _: Interval(1, 0))}, False),
    ],
    ids=["all", "no threads", "a lost mailbox", "not the oldest", "not the newest", "nothing"],
)
def test_a_first_fill_reads_all_conversations_with_threads(
    eight: Staged, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], is_first: bool
) -> None:
    with begun_session(eight) as session:
        for name, value in change.items():
            monkeypatch.setattr(session, name, value)
        assert recent_threads.is_first_fill(session) is is_first


def test_no_fill_is_the_first_one_after_all_threads_were_known(eight: Staged) -> None:
    with begun_session(eight) as session:
        with session.writing() as writer:
            writer.set_note(THREADS_KNOWN, NOW - DAY)
        assert not recent_threads.is_first_fill(session)


def test_steps_that_are_being_taken_are_noted_until_they_are_done(
    eight: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[object] = []

    def note_of(session: SyncSession, *_: object) -> bool:
        with session.reading() as snapshot:
            noted.append(snapshot.get_note(recent_threads._BEGUN))
        return True

    monkeypatch.setattr(recent_threads, "_read_step", note_of)
    with begun_session(eight) as session:
        recent_threads.read_recent_threads(session)
        note_of(session)
    assert noted == [True, True, None]


def test_steps_in_which_a_run_was_stopped_are_left_out_once(eight: Staged) -> None:
    with begun_session(eight) as session:
        with session.writing() as writer:
            writer.set_note(recent_threads._BEGUN, True)
        recent_threads.read_recent_threads(session)
        assert eight.asked() == 0
        recent_threads.read_recent_threads(session)
    assert known_since(eight) == NOW - QUARTER


def test_a_step_looks_up_what_it_did_not_see_of_its_time(eight: Staged) -> None:
    since, until = NOW - MONTH, NOW - INDEX_LAG
    before, first, last, after = (
        eight.account.add(second, type="email").id
        for second in (since - 1, since, until, until + 1)
    )
    with begun_session(eight) as session:
        for id_ in (before, first, last, after):
            shown = session.look_up(id_)
            assert not isinstance(shown, Missing)
            with session.writing() as writer:
                session.write_rows(writer, [(shown.value, NOW - DAY)])
            eight.account.delete(id_)
    with begun_session(eight) as session:
        assert recent_threads._read_step(session, *MONTH_AND_QUARTER[0])
    assert [each["conversation"] for each in eight.reported("gone")] == [first, last]
    assert eight.rows().keys() >= {before, after}

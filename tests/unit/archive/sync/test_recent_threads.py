"""A first fill reads recent threads before all others, and says what it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from compat.archive.database import open_archive
from compat.archive.records import INDEX_LAG, RECENT_THREADS, THREADS_KNOWN
from compat.archive.sync import backfill, deletions, recent_threads
from compat.archive.sync.session import SyncEvent
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Interval
from compat.core.models import ListQuery
from tests.unit.archive.sync.synced_account import (
    DAY,
    QUIET,
    Clock,
    PowerCut,
    Staged,
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


def make_unreadable(stage: Staged, conversation: int) -> None:
    """Let upstream show the threads of a conversation without their ids."""
    nameless: Any = {"id": None}
    history = tuple(each._replace(**nameless) for each in stage.account.threads(conversation))
    stage.account.change(conversation, history=history)


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

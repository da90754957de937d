"""What is missing is looked up, and removed if it is gone; how much may be missing."""

from __future__ import annotations

import pytest

from compat.archive.errors import LossAhead
from compat.archive.reader import Snapshot
from compat.archive.records import RECENT_THREADS
from compat.archive.sync import deletions
from compat.archive.sync.deletions import (
    check_loss,
    check_lost_mailboxes,
    look_up,
    remove_missing,
)
from compat.archive.sync.queries import Part
from compat.core.intervals import Interval
from compat.simulator import Account
from compat.v2.errors import InconsistentData
from compat.v2.lists import Missing
from compat.v2.threads import ThreadList, ThreadPayload
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import (
    DAY,
    Clock,
    Staged,
    make_unreadable,
    opened_archive,
    opened_session,
    staged,
)
from tests.unit.archive.sync.true_threads import held_threads, true_threads, unread

FIRST = int(Clock().now) - 40 * DAY
ROWS = 8


@pytest.fixture
def stage(upstream_server: Upstream, url: str) -> Staged:
    """Some conversations, one a minute, and an empty archive."""
    clock = Clock()
    account = Account(clock=clock)
    for number in range(ROWS):
        kind = "email" if number < 2 else "chat"
        account.add(FIRST + number * 60, status="closed", type=kind)
    return staged(upstream_server, url, account, clock)


def ids(stage: Staged) -> list[int]:
    return [row.id for row in stage.account.conversations()]


# What is removed.


def test_what_is_missing_is_removed_only_if_it_is_gone_by_itself(stage: Staged) -> None:
    stage.sync()
    gone, there, merged, target, *_ = ids(stage)
    stage.account.delete(gone)
    stage.account.merge(merged, target)
    stage.account.close(there)
    stage.account.retag(there, ["vip"])
    with opened_session(stage) as session:
        look_up(session, [gone, there, merged])
        assert (session.rows_missing, session.rows_removed) == (2, 2)
        assert session.rows_changed == 1
    assert stage.reported("gone") == [
        {"conversation": gone, "why": "deleted", "into": 0},
        {"conversation": merged, "why": "merged", "into": target},
    ]
    held = stage.rows()
    assert held.keys() == set(ids(stage)) - {gone, merged}
    assert held[there] == stage.truth()[there]


def test_only_what_was_not_seen_since_the_list_was_begun_is_looked_up(stage: Staged) -> None:
    stage.sync()
    seen = int(stage.clock.now)
    first, second, third, *_ = ids(stage)
    for id_ in (first, third):
        stage.account.delete(id_)
    stage.clock.advance(DAY)
    part = Part(Interval(FIRST, FIRST + 119))
    with opened_session(stage) as session:
        remove_missing(session, part, seen - 10)
        assert stage.asked() == 0
        remove_missing(session, part, seen + 10)
        assert stage.simulator.requests.total() == 3
        assert stage.asked() == 2
        assert (session.rows_missing, session.rows_removed) == (1, 1)
    assert stage.rows().keys() == set(ids(stage)) - {first}
    assert second in stage.rows()


# What was merged, where threads are kept.


@pytest.mark.parametrize("target", [1, 2], ids=["an email", "a chat"])
def test_a_merged_conversation_is_removed_together_with_the_reading_of_the_other(
    stage: Staged, target: int
) -> None:
    stage.sync(threads=True)
    merged, other = ids(stage)[0], ids(stage)[target]
    stage.account.merge(merged, other)
    stage.clock.advance(60)
    with opened_session(stage) as session:
        look_up(session, [merged])
        assert (session.rows_missing, session.rows_removed) == (1, 1)
        assert session.requested_at > stage.clock.now - 30
    assert merged not in stage.rows()
    assert held_threads(stage)[other] == true_threads(stage.account)[other]
    assert unread(stage) == set()


def test_a_conversation_that_was_merged_into_a_deleted_one_is_removed(stage: Staged) -> None:
    stage.sync(threads=True)
    merged, other, *_ = ids(stage)
    stage.account.merge(merged, other)
    stage.account.delete(other)
    with opened_session(stage) as session:
        look_up(session, [merged])
        assert (session.rows_missing, session.rows_removed) == (1, 1)
    assert merged not in stage.rows()
    assert other in stage.rows()


def test_a_thread_that_was_removed_is_removed_when_its_conversation_is_looked_up(
    stage: Staged,
) -> None:
    there, *_ = ids(stage)
    removed = stage.account.write(there).id
    stage.clock.advance(3600)
    stage.sync(threads=True)
    stage.account.remove_thread(there, removed)
    stage.clock.advance(60)
    with opened_session(stage) as session:
        look_up(session, [there])
    assert held_threads(stage)[there] == true_threads(stage.account)[there]
    assert unread(stage) == set()


def test_a_thread_that_was_removed_before_the_merge_is_removed_with_it(stage: Staged) -> None:
    merged, other, *_ = ids(stage)
    removed = stage.account.write(other).id
    stage.clock.advance(3600)
    stage.sync(threads=True)
    stage.account.remove_thread(other, removed)
    stage.account.merge(merged, other)
    stage.clock.advance(60)
    with opened_session(stage) as session:
        look_up(session, [merged])
    assert held_threads(stage)[other] == true_threads(stage.account)[other]
    assert unread(stage) == set()


def test_a_chat_that_looks_unchanged_after_a_merge_is_unread_until_its_threads_are_listed(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.sync(threads=True)
    merged, _, chat, *_ = ids(stage)
    unreadable = ThreadList((ThreadPayload.model_validate_json("{}"),), int(stage.clock.now))
    monkeypatch.setattr(deletions, "list_threads", lambda *_: unreadable)
    with opened_session(stage) as session:
        shown = session.look_up(chat)
        found = {merged: Missing("merged", shown.requested_at, chat), chat: shown}
        monkeypatch.setattr(session, "look_up", found.__getitem__)
        look_up(session, [merged])
    assert unread(stage) == {chat}


def merge_at_each_list(stage: Staged, times: int) -> list[int]:
    """Merge a chat into the next one, and that into the one after it when its threads are listed.

    Returns:
        The ids of the chats, in the order in which each was merged into the next.
    """
    chats = ids(stage)[2:]
    stage.account.merge(chats[0], chats[1])
    stage.clock.advance(60)
    merged = [chats[0]]

    def merge_another(account: Account, target: str) -> None:
        if "/threads" in target and len(merged) <= times:
            merged.append(chats[len(merged)])
            account.merge(merged[-1], chats[len(merged)])
            stage.clock.advance(60)

    stage.simulator.before_request = merge_another
    return chats


@pytest.mark.parametrize("times", [1, 3])
def test_a_conversation_is_followed_that_is_merged_again_while_its_threads_are_listed(
    stage: Staged, times: int
) -> None:
    stage.sync(threads=True)
    chats = merge_at_each_list(stage, times)
    last = chats[times + 1]
    with opened_session(stage) as session:
        look_up(session, chats[:1])
    assert held_threads(stage)[last] == true_threads(stage.account)[last]
    assert stage.reported("gone") == [{"conversation": chats[0], "why": "merged", "into": chats[1]}]


def test_conversations_that_are_merged_faster_than_they_are_read_are_kept(stage: Staged) -> None:
    stage.sync(threads=True)
    before = held_threads(stage)
    chats = merge_at_each_list(stage, 4)
    with opened_session(stage) as session, pytest.raises(InconsistentData, match="merged faster"):
        look_up(session, chats[:1])
    assert held_threads(stage) == before
    assert not stage.reported("gone")


def know_recent_threads(stage: Staged) -> None:
    with opened_archive(stage) as archive, archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note(RECENT_THREADS, {"since": FIRST, "as_of": FIRST + DAY})


def are_recent_threads_known(stage: Staged) -> bool:
    with opened_archive(stage) as archive, archive.reading() as snapshot:
        return snapshot.recent_threads() is not None


@pytest.mark.parametrize("target", [1, 2], ids=["an email", "a chat"])
@pytest.mark.parametrize("readable", [True, False])
def test_recent_threads_stay_known_if_those_of_a_merged_conversation_can_be_read(
    stage: Staged, target: int, readable: bool
) -> None:
    stage.sync(threads=True)
    know_recent_threads(stage)
    merged, other = ids(stage)[0], ids(stage)[target]
    stage.account.merge(merged, other)
    if not readable:
        make_unreadable(stage, other)
    stage.clock.advance(60)
    with opened_session(stage) as session:
        look_up(session, [merged])
    assert merged not in stage.rows()
    assert are_recent_threads_known(stage) is readable


@pytest.mark.parametrize(("target", "lists"), [(1, 0), (2, 1)], ids=["an email", "a chat"])
def test_threads_that_a_conversation_shows_are_not_listed(
    stage: Staged, target: int, lists: int
) -> None:
    stage.sync(threads=True)
    stage.account.merge(ids(stage)[0], ids(stage)[target])
    stage.clock.advance(60)
    with opened_session(stage) as session:
        look_up(session, ids(stage)[:1])
    assert stage.asked() == 2 + lists


def test_a_list_of_threads_that_cannot_be_read_is_reported_with_its_conversation(
    stage: Staged,
) -> None:
    stage.sync(threads=True)
    merged, _, chat, *_ = ids(stage)
    stage.account.merge(merged, chat)
    make_unreadable(stage, chat)
    stage.clock.advance(60)
    with opened_session(stage) as session:
        look_up(session, [merged])
    assert [each["conversation"] for each in stage.reported("threads unreadable")] == [chat]


def test_nothing_is_removed_if_a_run_is_stopped_before_threads_are_listed(stage: Staged) -> None:
    stage.sync(threads=True)
    merged, _, chat, *_ = ids(stage)
    stage.account.merge(merged, chat)
    stage.clock.advance(60)
    checks = iter([None, None])

    def stop_at_third() -> None:
        if next(checks, True):
            raise InterruptedError

    with opened_session(stage) as session:
        session.check_stopped = stop_at_third
        with pytest.raises(InterruptedError):
            look_up(session, [merged])
    assert stage.asked() == 2
    assert merged in stage.rows()


# How much may be missing.


@pytest.mark.parametrize(
    ("held", "missing", "more", "stops"),
    [
        (0, 0, 25, False),
        (0, 0, 26, True),
        (0, 10, 15, False),
        (0, 10, 16, True),
        (2_599, 0, 25, False),
        (2_599, 0, 26, True),
        (2_600, 0, 26, False),
        (2_600, 0, 27, True),
        (2_600, 27, -1, False),
    ],
)
@pytest.mark.parametrize("accept_loss", [False, True])
def test_a_page_or_one_in_a_hundred_may_be_missing_unless_more_is_accepted(  # noqa: PLR0917
    stage: Staged, held: int, missing: int, more: int, stops: bool, accept_loss: bool
) -> None:
    with opened_session(stage, accept_loss=accept_loss) as session:
        session.rows_at_start, session.rows_missing = held, missing
        if stops and not accept_loss:
            with pytest.raises(LossAhead, match=f"^{missing + more} of the archive's {held:,} "):
                check_loss(session, more)
        else:
            check_loss(session, more)
        assert session.rows_missing == missing


def test_what_is_looked_up_counts_as_missing_before_the_first_request(stage: Staged) -> None:
    stage.sync()
    with opened_session(stage) as session:
        session.rows_missing = 25 - 1
        with pytest.raises(LossAhead, match=r"^26 "):
            look_up(session, ids(stage)[:2])
        look_up(session, ids(stage)[:1])
        assert session.rows_missing == 25 - 1
    assert stage.asked() == 1


def test_what_a_first_fill_has_added_since_it_began_counts_as_held(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened_session(stage) as session:
        monkeypatch.setattr(Snapshot, "conversation_count", lambda _: 3_000)
        assert session.rows_at_start == 0
        check_loss(session, 30)
        with pytest.raises(LossAhead, match=r"^31 of the archive's 3,000 "):
            check_loss(session, 31)


@pytest.mark.parametrize("accept_loss", [False, True])
def test_a_lost_mailbox_stops_the_run_unless_that_is_accepted(
    stage: Staged, accept_loss: bool
) -> None:
    with opened_session(stage, accept_loss=accept_loss) as session:
        check_lost_mailboxes(session, {})
        if accept_loss:
            check_lost_mailboxes(session, {5: 1_200})
        else:
            with pytest.raises(LossAhead, match=r"more: 5 \(1,200 conversations\), 7 \(0 conv"):
                check_lost_mailboxes(session, {5: 1_200, 7: 0})

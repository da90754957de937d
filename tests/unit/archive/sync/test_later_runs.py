"""Later runs: the archive equals Help Scout afterwards, whatever was changed there."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from compat.archive import connections
from compat.archive.database import open_archive
from compat.archive.sync import reread
from compat.archive.sync.run import SyncEvent, SyncStopped
from compat.core.intervals import Interval
from compat.simulator import Account, Behaviour, Conversation
from tests.integration.exactness.simulated_upstream import Upstream, add
from tests.unit.archive.sync.synced_account import (
    DAY,
    QUIET,
    Clock,
    PowerCut,
    Staged,
    interrupted,
    sample_account,
    staged,
)

Change = Callable[[Account, Conversation], object]

CHANGES: dict[str, Change] = {
    "comes in": lambda account, _: account.add(tags=["bug"]),
    "is deleted": lambda account, row: account.delete(row.id),
    "is merged": lambda account, row: account.merge(row.id, other(account, row).id),
    "becomes spam": lambda account, row: account.spam(row.id),
    "is no spam": lambda account, row: account.unspam(row.id),
    "is retagged": lambda account, row: account.retag(row.id, ["vip", "new tag"]),
    "loses its tags": lambda account, row: account.retag(row.id, []),
    "is moved": lambda account, row: account.move(row.id, other(account, row).mailbox_id),
    "is closed": lambda account, row: account.close(row.id),
    "is assigned": lambda account, row: account.assign(row.id, account.layout.users[0].id),
    "is sent late": lambda account, row: account.publish(row.id),
    "is imported": lambda account, row: account.add(row.created + 1),
}


def other(account: Account, row: Conversation) -> Conversation:
    """A conversation of another mailbox."""
    return next(
        each
        for each in account.conversations()
        if each.listed and each.mailbox_id != row.mailbox_id
    )


def rows_of(stage: Staged, **facts: Any) -> list[Conversation]:
    """The account's listed conversations with these facts."""
    return [
        row
        for row in rows_of_account(stage.account)
        if all(getattr(row, name) == value for name, value in facts.items())
    ]


def rows_of_account(account: Account) -> list[Conversation]:
    return [row for row in account.conversations() if row.listed]


@pytest.mark.parametrize("all_lists_spam", [True, False])
@pytest.mark.parametrize("what", CHANGES)
def test_the_next_run_finds_it(
    upstream_server: Upstream, url: str, what: str, all_lists_spam: bool
) -> None:
    clock = Clock()
    account = sample_account(clock, 120, 0)
    account.add(rows_of_account(account)[7].created, state="draft")
    behaviour = replace(QUIET, all_lists_spam=all_lists_spam)
    stage = staged(upstream_server, url, account, clock, behaviour)
    stage.sync()
    facts = {"is no spam": {"status": "spam"}, "is sent late": {"state": "draft"}}.get(what, {})
    CHANGES[what](account, rows_of(stage, **facts)[0])
    clock.advance(DAY)
    stage.sync()
    assert stage.rows() == stage.truth()


def test_all_of_it_at_once_is_found_in_sqlite_and_in_postgresql(
    upstream_server: Upstream, any_url: str
) -> None:
    clock = Clock()
    account = sample_account(clock, 200, 40)
    stage = staged(upstream_server, any_url, account, clock)
    stage.sync()
    for row, happens in zip(rows_of(stage)[10::12], CHANGES.values(), strict=False):
        happens(account, row)
    clock.advance(DAY)
    stage.sync()
    assert stage.rows() == stage.truth()
    clock.advance(DAY)
    stage.sync(verify=True)
    assert stage.rows() == stage.truth()


def test_a_mailbox_that_becomes_visible_is_read_with_all_its_past(stage: Staged) -> None:
    back = stage.account.layout.mailboxes
    by_id = dict(stage.account.layout.mailbox_by_id)
    before = stage.account.conversations()
    stage.lose_mailbox()
    stage.sync()
    stage.account.layout.mailboxes = back
    stage.account.layout.mailbox_by_id = by_id
    stage.account._rows = {row.id: row for row in before}
    stage.simulator = type(stage.simulator)(stage.account, QUIET)
    stage.upstream_server.show(stage.simulator)
    stage.clock.advance(DAY)
    stage.sync()
    assert stage.rows() == stage.truth()


def test_a_thousand_changes_in_one_second_are_all_found(stage: Staged) -> None:
    stage.sync()
    rng = random.Random(3)
    for row in rng.choices(rows_of(stage), k=1000):
        stage.account.retag(row.id, [rng.choice(stage.account.layout.tags).id])
    stage.clock.advance(DAY)
    stage.sync()
    assert stage.rows() == stage.truth()


def test_a_thousand_that_are_created_in_one_second_are_all_found(stage: Staged) -> None:
    stage.sync()
    rng = random.Random(4)
    for _ in range(1000):
        add(stage.account, rng, int(stage.clock.now))
    stage.clock.advance(DAY)
    stage.sync()
    assert stage.rows() == stage.truth()


def test_what_was_modified_long_before_a_run_that_was_killed_is_found_by_the_next(
    stage: Staged,
) -> None:
    stage.sync()
    for row in rows_of(stage)[::3]:
        stage.account.retag(row.id, ["vip"])
    stage.clock.advance(DAY)
    with interrupted(stage, 3), pytest.raises(PowerCut):
        stage.sync()
    stage.clock.advance(DAY)
    stage.sync()
    assert stage.rows() == stage.truth()


@pytest.mark.parametrize("lag", [60, 890])
def test_an_index_that_lags_hides_nothing_permanently(
    upstream_server: Upstream, url: str, lag: int
) -> None:
    clock = Clock()
    account = sample_account(clock, 120, 0)
    stage = staged(upstream_server, url, account, clock, replace(QUIET, index_lag=lag))
    rng = random.Random(2)
    for _ in range(4):
        stage.sync()
        for row in rng.sample(rows_of(stage), 5):
            account.retag(row.id, [rng.choice(account.layout.tags).id])
        account.add()
        account.delete(rng.choice(rows_of(stage)).id)
        stage.sync()
        clock.advance(1_000)
    stage.sync()
    clock.advance(DAY)
    stage.sync()
    assert stage.rows() == stage.truth()


def test_the_local_clock_does_not_matter(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    for years in (-30, 0, 30):
        jump = years * 365 * DAY
        monkeypatch.setattr(time, "time", lambda jump=jump: 1_700_000_000.0 + jump)
        stage.account.add()
        stage.account.delete(rows_of(stage)[0].id)
        stage.clock.advance(DAY)
        stage.sync()
        assert stage.rows() == stage.truth()


def test_an_upstream_that_fails_for_the_whole_run_changes_nothing(stage: Staged) -> None:
    stage.sync()
    before, covered = stage.rows(), stage.coverage()
    stage.simulator.behaviour = Behaviour(rate_limit=None, fail_rate=1.0)
    stage.clock.advance(DAY)
    with pytest.raises(SyncStopped, match="run it again later") as stopped:
        stage.sync(verify=True)
    assert (stopped.value.status, stopped.value.later) == (3, True)
    assert (stage.rows(), stage.coverage()) == (before, covered)


def test_an_upstream_that_fails_in_the_middle_of_a_run_loses_nothing(stage: Staged) -> None:
    stage.sync()
    stage.clock.advance(DAY)
    pages = 0

    def on_event(event: SyncEvent) -> None:
        nonlocal pages
        pages += event.name == "page"
        if (event.name, pages) == ("page", 5):
            stage.simulator.behaviour = Behaviour(rate_limit=None, drop_rate=1.0)

    stage.on_event = on_event
    with pytest.raises(SyncStopped) as stopped:
        stage.sync(verify=True)
    assert stopped.value.status == 3
    assert stage.rows() == stage.truth()
    stage.simulator.behaviour = QUIET
    stage.sync()
    assert stage.rows() == stage.truth()


def test_a_disk_that_is_full_says_so_and_what_was_committed_stays(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = connections._set_pragmas

    def small(connection: Any, record: object) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA max_page_count = 60")

    with monkeypatch.context() as patch:
        patch.setattr(connections, "_set_pragmas", small)
        with pytest.raises(SyncStopped, match="no space is left") as stopped:
            stage.sync()
    assert stopped.value.status == 4
    held = stage.rows()
    assert 0 < len(held) < len(stage.truth())
    assert held.items() <= stage.truth().items()
    stage.sync()
    assert stage.rows() == stage.truth()


def lose(stage: Staged, many: int) -> None:
    """Delete so many conversations, of all mailboxes."""
    for row in random.Random(1).sample(rows_of(stage), many):
        stage.account.delete(row.id)


def test_more_than_a_page_and_one_in_a_hundred_missing_stops_the_run(stage: Staged) -> None:
    stage.sync()
    before = stage.rows()
    lose(stage, 60)
    stage.clock.advance(DAY)
    with pytest.raises(SyncStopped, match="--accept-loss") as stopped:
        stage.sync()
    assert (stopped.value.status, stopped.value.later) == (6, False)
    assert len(stage.rows()) >= len(before) - 25
    stage.sync(accept_loss=True)
    assert stage.rows() == stage.truth()


def test_a_few_missing_are_removed_without_asking(stage: Staged) -> None:
    stage.sync()
    lose(stage, 12)
    stage.clock.advance(DAY)
    assert stage.sync().removed == 12
    assert stage.rows() == stage.truth()


def test_what_lists_do_not_show_but_is_there_by_its_id_is_kept(stage: Staged) -> None:
    stage.sync()
    hidden = rows_of(stage, status="closed")[3]
    stage.upstream_server.app = OneHidden(stage.simulator, stage.account, hidden.id)
    for _ in range(3):
        stage.clock.advance(DAY)
        assert stage.sync().removed == 0
        assert hidden.id in stage.rows()
    assert not stage.reported("differs")  # by now that is how upstream counts


class OneHidden:
    """The API, but that lists leave one conversation out and totals do not count it."""

    def __init__(self, simulator: Any, account: Account, hidden: int) -> None:
        self._simulator = simulator
        self._account = account
        self._hidden = hidden

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not scope["path"].endswith("/conversations"):
            await self._simulator(scope, receive, send)
            return
        with self._account.lock:
            row = self._account[self._hidden]
            self._account.delete(row.id)
            try:
                await self._simulator(scope, receive, send)
            finally:
                self._account._store(row)


def test_a_total_that_never_agrees_is_accepted_after_its_rows_were_read_again(
    stage: Staged,
) -> None:
    layout = stage.account.layout
    mailbox = layout.mailboxes[0].id
    stage.upstream_server.app = TotalsTooHigh(stage.simulator, mailbox)
    stage.sync()
    assert [facts["rows"] for facts in stage.reported("differs")] == [3, 3]
    asked = []
    for _ in range(2):
        stage.clock.advance(DAY)
        stage.sync()
        asked.append(stage.asked())
        assert not stage.reported("differs")
    assert max(asked) < 40
    gone = next(row for row in rows_of(stage, mailbox_id=mailbox) if row.status != "spam")
    stage.account.delete(gone.id)
    stage.clock.advance(DAY)
    assert stage.sync().removed == 1
    assert stage.rows() == stage.truth()


class TotalsTooHigh:
    """The API, but that totals over all time of one mailbox are three too high."""

    def __init__(self, simulator: Any, mailbox: int) -> None:
        self._simulator = simulator
        self._mark = f"mailbox={mailbox}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        query = scope["query_string"]
        if self._mark not in query or b"5B%2A+TO" not in query:
            await self._simulator(scope, receive, send)
            return
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        await self._simulator(scope, receive, keep)
        start, body = sent
        page = json.loads(body["body"])
        page["page"]["totalElements"] += 3
        body["body"] = json.dumps(page).encode()
        start["headers"] = [
            (name, str(len(body["body"])).encode() if name == b"content-length" else value)
            for name, value in start["headers"]
        ]
        for message in (start, body):
            await send(message)


def change_unseen(account: Account, row: Conversation) -> None:
    """Change a conversation so that no search finds the change."""
    account._rows[row.id] = replace(row, tag_ids=(account.layout.tags[9].id,))


def test_verify_finds_what_nothing_else_shows(stage: Staged) -> None:
    stage.sync()
    for row in rows_of(stage)[::7]:
        change_unseen(stage.account, row)
    stage.clock.advance(DAY)
    stage.sync()
    assert stage.rows() != stage.truth()
    stage.sync(verify=True)
    assert stage.rows() == stage.truth()


def test_within_the_days_of_the_setting_everything_is_read_again(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reread, "_FEWEST_ROWS", 1)
    stage.sync(reread_days=10)
    for row in rows_of(stage)[::7]:
        change_unseen(stage.account, row)
    read = []
    for _ in range(11):
        stage.clock.advance(DAY)
        stage.sync(reread_days=10)
        read.append(stage.asked())
    assert stage.rows() == stage.truth()
    assert max(read) < 21 + 30


def test_what_was_never_read_completely_such_as_an_import_is_read_first(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reread, "_FEWEST_ROWS", 1)
    stage.sync(reread_days=10)
    newest = max(stage.rows().values())
    last = Interval(newest.created - DAY, newest.created)
    with (
        open_archive(stage.url) as archive,
        archive.lock() as lock,
        archive.writing(lock) as writer,
    ):
        writer.remove_coverage(last, ["read"])
    change_unseen(stage.account, stage.account[newest.id])
    stage.clock.advance(DAY)
    stage.sync(reread_days=10)
    assert stage.rows(last) == stage.truth(last)


def test_what_happens_during_a_run_is_found_by_the_next(stage: Staged) -> None:
    rng = random.Random(6)

    def change(account: Account, _target: str) -> None:
        stage.clock.advance(1)
        what = rng.choice(list(CHANGES))
        CHANGES[what](account, rng.choice(rows_of(stage)))

    stage.simulator.before_request = change
    stage.sync(accept_loss=True)
    stage.clock.advance(DAY)
    stage.sync(accept_loss=True)
    stage.simulator.before_request = None
    stage.clock.advance(DAY)
    stage.sync(accept_loss=True)
    stage.sync(accept_loss=True, verify=True)
    assert stage.rows() == stage.truth()

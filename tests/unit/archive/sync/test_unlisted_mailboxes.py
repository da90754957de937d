"""Mailboxes that the list of mailboxes leaves out: nothing is removed because of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compat.archive.database import open_archive
from compat.archive.sync.run import SyncStopped
from compat.core.models import ListQuery
from compat.simulator import Account, Conversation, Simulator
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import DAY, QUIET, Staged

LIST = "/v2/mailboxes"
LONG_AGO = 1_400_000_000


def held_of(stage: Staged, mailbox: int) -> set[int]:
    """The ids of the conversations of a mailbox that the archive holds."""
    return {row.id for row in stage.rows().values() if row.mailbox == mailbox}


def rows_of(stage: Staged, mailbox: int) -> list[Conversation]:
    """The listed conversations of a mailbox at Help Scout."""
    return [
        row for row in stage.account.conversations() if row.listed and row.mailbox_id == mailbox
    ]


def last_mailbox(stage: Staged) -> int:
    return stage.account.layout.mailboxes[-1].id


def lookups(stage: Staged, mailbox: int) -> int:
    """How often the latest run asked for a mailbox by its id."""
    return stage.simulator.requests[f"{LIST}/{mailbox}"]


def hide_conversations(stage: Staged, mailbox: int) -> None:
    """No list shows the conversations of a mailbox any more, and none is found by its id."""
    for row in rows_of(stage, mailbox):
        stage.account.delete(row.id)


# The list leaves a mailbox out.


def test_a_mailbox_that_was_never_listed_is_kept_by_every_run(stage: Staged) -> None:
    mailbox = last_mailbox(stage)
    stage.account.layout.unlisted.add(mailbox)
    for _ in range(3):
        assert stage.sync().removed == 0
        assert stage.rows() == stage.covered_truth()
        assert held_of(stage, mailbox)
        stage.clock.advance(DAY)


def test_a_mailbox_that_was_never_listed_is_kept_though_losses_are_accepted(
    stage: Staged,
) -> None:
    stage.account.layout.unlisted.add(last_mailbox(stage))
    for _ in range(2):
        assert stage.sync(accept_loss=True).removed == 0
        assert stage.rows() == stage.covered_truth()
        stage.clock.advance(DAY)


def test_a_mailbox_that_leaves_the_list_is_looked_up_and_kept(stage: Staged) -> None:
    stage.sync()
    mailbox = last_mailbox(stage)
    stage.account.layout.unlisted.add(mailbox)
    stage.clock.advance(DAY)
    assert stage.sync().removed == 0
    assert lookups(stage, mailbox)
    assert stage.rows() == stage.truth()


def test_a_list_of_mailboxes_that_is_empty_removes_nothing(stage: Staged) -> None:
    stage.sync()
    stage.account.layout.unlisted |= {mailbox.id for mailbox in stage.account.layout.mailboxes}
    stage.clock.advance(DAY)
    assert stage.sync(accept_loss=True).removed == 0
    assert stage.rows() == stage.truth()


def test_a_deletion_in_an_unlisted_mailbox_is_found_by_its_total(stage: Staged) -> None:
    mailbox = last_mailbox(stage)
    stage.account.layout.unlisted.add(mailbox)
    stage.sync()
    stage.account.delete(rows_of(stage, mailbox)[3].id)
    stage.clock.advance(DAY)
    assert stage.sync().removed == 1
    assert stage.rows() == stage.truth()


def test_an_unlisted_mailbox_that_becomes_visible_is_read_with_all_its_past(
    stage: Staged,
) -> None:
    mailbox = last_mailbox(stage)
    stage.account.layout.unlisted.add(mailbox)
    rows = rows_of(stage, mailbox)
    hide_conversations(stage, mailbox)
    stage.sync()
    assert not held_of(stage, mailbox)
    stage.account._rows |= {row.id: row for row in rows}
    stage.simulator = Simulator(stage.account, QUIET)
    stage.upstream_server.show(stage.simulator)
    stage.clock.advance(DAY)
    stage.sync()
    assert held_of(stage, mailbox) == {row.id for row in rows}
    assert stage.rows() == stage.truth()


def test_the_folders_of_an_unlisted_mailbox_are_known_after_the_first_run(stage: Staged) -> None:
    mailbox = last_mailbox(stage)
    stage.account.layout.unlisted.add(mailbox)
    stage.sync()
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        assert snapshot.folder_types().keys() == stage.account.layout.folder_by_id.keys()


@pytest.mark.parametrize("accept_loss", [False, True])
def test_a_mailbox_made_after_the_list_was_read_is_kept(stage: Staged, accept_loss: bool) -> None:
    made: list[int] = []

    def make(account: Account, _target: str) -> None:
        if not made:
            made.append(account.layout.add_mailbox("Newcomers").id)
            account.add(LONG_AGO, mailbox_id=made[0])

    stage.simulator.before_request = make
    assert stage.sync(accept_loss=accept_loss).removed == 0
    assert len(held_of(stage, made[0])) == 1
    assert stage.rows() == stage.covered_truth()
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        assert snapshot.list_items(ListQuery("folders", made[0]))


# A mailbox is gone, or hidden.


def remove(stage: Staged, mailbox: int) -> None:
    stage.account.layout.remove_mailbox(mailbox)


def hide(stage: Staged, mailbox: int) -> None:
    stage.account.layout.hidden.add(mailbox)


LOSSES = pytest.mark.parametrize("lose", [remove, hide], ids=["gone", "hidden"])
Lose = Callable[[Staged, int], None]


@LOSSES
def test_a_mailbox_that_is_not_shown_by_its_id_stops_the_run(stage: Staged, lose: Lose) -> None:
    stage.sync()
    before, covered, mailbox = stage.rows(), stage.coverage(), last_mailbox(stage)
    hide_conversations(stage, mailbox)
    lose(stage, mailbox)
    stage.clock.advance(DAY)
    with pytest.raises(SyncStopped, match=f"{mailbox} .*--accept-loss") as stopped:
        stage.sync()
    assert (stopped.value.status, stopped.value.later) == (6, False)
    assert (stage.rows(), stage.coverage()) == (before, covered)


@LOSSES
def test_a_mailbox_that_is_lost_is_removed_if_that_is_accepted(stage: Staged, lose: Lose) -> None:
    stage.sync()
    mailbox = last_mailbox(stage)
    many = len(held_of(stage, mailbox))
    hide_conversations(stage, mailbox)
    lose(stage, mailbox)
    assert stage.sync(accept_loss=True).removed == many
    assert stage.rows() == stage.truth()
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        assert snapshot.list_items(ListQuery("folders", mailbox)) is None


@LOSSES
@pytest.mark.parametrize("accept_loss", [False, True])
def test_what_lists_of_conversations_show_is_kept_though_its_mailbox_is_not_shown(
    stage: Staged, lose: Lose, accept_loss: bool
) -> None:
    lose(stage, last_mailbox(stage))
    for _ in range(3):
        assert stage.sync(accept_loss=accept_loss).removed == 0
        assert stage.rows() == stage.covered_truth()
        stage.clock.advance(DAY)


@LOSSES
def test_what_the_same_run_has_seen_is_kept_though_its_mailbox_was_lost(
    stage: Staged, lose: Lose
) -> None:
    """One conversation is shown while the run goes on, and not any more when it ends."""
    stage.sync()
    mailbox = last_mailbox(stage)
    seen, *others = rows_of(stage, mailbox)
    hide_conversations(stage, mailbox)
    lose(stage, mailbox)
    stage.clock.advance(DAY)

    def show_it_among_modified_only(account: Account, target: str) -> None:
        shown = "modifiedAt" in target and "mailbox=" not in target
        if shown is not account[seen.id].listed:
            (account.restore if shown else account.delete)(seen.id)

    stage.simulator.before_request = show_it_among_modified_only
    assert stage.sync(accept_loss=True).removed == len(others)
    assert held_of(stage, mailbox) == {seen.id}


@LOSSES
def test_a_mailbox_that_is_shown_again_during_the_run_is_kept(stage: Staged, lose: Lose) -> None:
    stage.sync()
    layout, mailbox = stage.account.layout, last_mailbox(stage)
    kept, by_id = layout.mailboxes, dict(layout.mailbox_by_id)
    rows = rows_of(stage, mailbox)
    hide_conversations(stage, mailbox)
    lose(stage, mailbox)
    stage.clock.advance(DAY)

    def bring_back(account: Account, target: str) -> None:
        if "modifiedAt" in target:
            layout.mailboxes, layout.mailbox_by_id = kept, by_id
            layout.hidden.clear()
            account._rows |= {row.id: row for row in rows}

    stage.simulator.before_request = bring_back
    assert stage.sync(accept_loss=True).removed == 0
    assert stage.rows() == stage.truth()


def test_a_mailbox_whose_address_fails_is_not_taken_for_lost(
    stage: Staged, upstream_server: Upstream
) -> None:
    stage.sync()
    before, mailbox = stage.rows(), last_mailbox(stage)
    stage.account.layout.unlisted.add(mailbox)
    upstream_server.app = Failing(stage.simulator, f"{LIST}/{mailbox}")
    stage.clock.advance(DAY)
    with pytest.raises(SyncStopped) as stopped:
        stage.sync(accept_loss=True)
    assert stopped.value.status == 3
    assert stage.rows() == before


class Failing:
    """The API, but that one path answers 500."""

    def __init__(self, simulator: Simulator, path: str) -> None:
        self._simulator = simulator
        self._path = path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != self._path:
            await self._simulator(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

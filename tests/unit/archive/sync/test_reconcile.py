"""Comparing totals: where intervals are cut, what is noted about spam, and changes meanwhile."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from compat.archive.database import open_archive
from compat.archive.sync import queries, reconcile
from compat.archive.sync.queries import Offset
from compat.archive.sync.run import SyncEvent
from compat.simulator import Account, Conversation
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import DAY, QUIET, Clock, Staged, sample_account, staged

CREATED = re.compile(r"createdAt:\[(\S+) TO (\S+)\]")


@pytest.mark.parametrize("index_fractions", [True, False])
def test_no_total_is_asked_with_a_limit_in_a_second_that_has_conversations(
    upstream_server: Upstream, url: str, index_fractions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit there would leave open on which side of it the conversations are."""
    monkeypatch.setattr(reconcile, "FEW", 5)
    clock = Clock()
    account = crowded_account(clock)
    behaviour = replace(QUIET, index_fractions=index_fractions)
    stage = staged(upstream_server, url, account, clock, behaviour)
    stage.sync()
    account.delete(account.conversations()[70].id)
    clock.advance(DAY)
    assert stage.sync().removed == 1
    assert stage.rows() == stage.truth()
    taken = {row.created for row in account.conversations()}
    limits = limits_of_totals(stage)
    assert len(limits) > 4, "the interval was halved"
    assert not limits & taken


def crowded_account(clock: Clock) -> Account:
    """Two hundred conversations, most of which share a second with others, or follow at once."""
    account = Account(clock=clock)
    mailbox = account.layout.mailboxes[0].id
    for group in range(40):
        first = int(clock.now) - 40 * DAY + group * 600
        for after in (0, 0, 1, 2, 2):
            account.add(first + after, mailbox_id=mailbox, status="closed", millis=group * 20)
    clock.advance(DAY)
    return account


def limits_of_totals(stage: Staged) -> set[int]:
    """The last seconds of the intervals whose totals of the list `all` the latest run asked for.

    Reading an interval again asks for one second more than its total did; that is left out.
    """
    limits = set()
    for target in stage.simulator.targets:
        params = parse_qs(urlsplit(target).query)
        query = params.get("query", [""])[0]
        if "modifiedAt" not in query and params.get("status") == ["all"]:
            found = CREATED.search(query)
            if found is not None and found[2] != "*":
                limits.add(int(datetime.fromisoformat(found[2]).astimezone(UTC).timestamp()))
    return limits - {limit + 1 for limit in limits}


# Whether the list of `all` shows spam.


@pytest.fixture
def spam_apart(upstream_server: Upstream, url: str) -> Staged:
    """An account whose list of `all` shows no spam, and an archive that is up to date."""
    clock = Clock()
    account = sample_account(clock, 120, 0)
    for day in range(1, 4):
        account.add(int(clock.now) - day * DAY, mailbox_id=spam_mailbox(account), status="spam")
    clock.advance(DAY)
    stage = staged(upstream_server, url, account, clock, replace(QUIET, all_lists_spam=False))
    stage.sync()
    clock.advance(DAY)
    return stage


def spam_mailbox(account: Account) -> int:
    return account.layout.mailboxes[0].id


def noted(stage: Staged) -> tuple[bool | None, list[Offset]]:
    """What the archive has noted: whether `all` shows spam, and the accepted offsets."""
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        return queries.all_lists_spam(snapshot), queries.accepted_offsets(snapshot)


def test_spam_on_the_list_of_spam_says_nothing_about_the_list_of_all(spam_apart: Staged) -> None:
    account = spam_apart.account
    spam = [
        row.id
        for row in account.conversations()
        if row.status == "spam" and row.mailbox_id == spam_mailbox(account)
    ]
    account.delete(spam[0])
    assert spam_apart.sync().removed == 1
    assert spam_apart.reported("differs")[0]["spam"] is True
    assert noted(spam_apart) == (False, [])


def test_spam_on_the_list_of_all_is_noted_and_is_no_offset(spam_apart: Staged) -> None:
    spam_apart.simulator.behaviour = replace(QUIET, all_lists_spam=True)
    spam_apart.sync()
    assert spam_apart.reported("differs")[0]["spam"] is False
    assert noted(spam_apart) == (True, [])
    assert spam_apart.rows() == spam_apart.truth()


# Changes while totals are compared.


@pytest.mark.parametrize("pages_before", [0, 1, 2])
def test_what_is_deleted_while_totals_are_compared_is_no_offset(
    upstream_server: Upstream, url: str, pages_before: int
) -> None:
    clock = Clock()
    account = sample_account(clock, 120, 0)
    stage = staged(upstream_server, url, account, clock)
    stage.sync()
    clock.advance(DAY)
    first, second = (row.id for row in list_of_all(account)[3:5])
    account.delete(first)
    pages: list[SyncEvent] = []

    def delete_another(event: SyncEvent) -> None:
        differs = bool(stage.reported("differs"))
        pages.extend([event] if differs and event.name == "page" else [])
        if differs and len(pages) == pages_before and second in stage.truth():
            account.delete(second)

    stage.on_event = delete_another
    stage.sync()
    stage.on_event = lambda _: None
    clock.advance(DAY)
    stage.sync()
    assert second not in stage.truth()
    assert stage.rows() == stage.truth()
    assert noted(stage)[1] == []


def test_what_comes_in_while_totals_are_compared_is_no_offset(
    upstream_server: Upstream, url: str
) -> None:
    """It comes between the reading of what differs and the total that is compared last."""
    clock = Clock()
    account = sample_account(clock, 120, 0)
    stage = staged(upstream_server, url, account, clock)
    stage.sync()
    clock.advance(DAY)
    first, *_ = list_of_all(account)
    account.delete(first.id)
    totals: list[str] = []

    def add_one(account: Account, target: str) -> None:
        if f"mailbox={first.mailbox_id}" in target and "status=all" in target:
            totals.append(target)
            if totals.count(target) == 4:
                account.add(first.created, mailbox_id=first.mailbox_id, status="closed")

    stage.simulator.before_request = add_one
    assert stage.sync().removed == 1
    assert max(map(totals.count, totals)) > 4
    assert stage.rows() == stage.truth()
    assert noted(stage)[1] == []


def test_what_is_deleted_in_the_second_in_which_it_was_read_is_no_offset(
    upstream_server: Upstream, url: str
) -> None:
    clock = Clock()
    account = sample_account(clock, 120, 0)
    stage = staged(upstream_server, url, account, clock)

    def delete_one(event: SyncEvent) -> None:
        if event.facts.get("step") == "totals":
            account.delete(list_of_all(account)[3].id)

    stage.on_event = delete_one
    assert stage.sync().removed == 0, "what a run has seen is kept until the next run"
    stage.on_event = lambda _: None
    clock.advance(DAY)
    assert stage.sync().removed == 1
    assert stage.rows() == stage.truth()
    assert noted(stage)[1] == []


def list_of_all(account: Account) -> list[Conversation]:
    """The conversations of a mailbox that its list of `all` shows and that are no spam."""
    mailbox = spam_mailbox(account)
    return [
        row
        for row in account.conversations()
        if row.listed and row.mailbox_id == mailbox and row.status != "spam"
    ]

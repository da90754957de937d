"""Comparing totals: what is accepted, what is noted about spam, and where intervals are cut."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.archive.database import open_archive
from compat.archive.sync import queries, reconcile
from compat.archive.sync.queries import Offset
from compat.archive.sync.reconcile import ComparedList
from compat.archive.sync.run import SyncEvent
from compat.core.intervals import Interval
from compat.simulator import Account, Conversation
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.synced_account import DAY, QUIET, Clock, Staged, sample_account, staged

LIST = ComparedList(7, spam=False)
ALL = Interval(0, 100)


# Offsets that are accepted.


def test_only_offsets_of_the_list_and_within_the_interval_are_added_up() -> None:
    accepted = [
        Offset(7, False, 10, 20, 3),
        Offset(7, False, 90, 110, 5),
        Offset(7, True, 10, 20, 7),
        Offset(8, False, 10, 20, 11),
        Offset(7, False, 0, None, 13),
    ]
    assert reconcile.sum_of_parts(accepted, LIST, ALL) == 3
    assert reconcile.remainder(accepted, LIST, ALL) == 13
    assert reconcile.remainder(accepted, LIST, Interval(1, 100)) == 0


def test_a_new_offset_replaces_those_within_it() -> None:
    accepted = reconcile.with_part([], LIST, Interval(10, 20), 3)
    accepted = reconcile.with_part(accepted, LIST, Interval(5, 30), 2)
    assert accepted == [Offset(7, False, 5, 30, 2)]
    assert reconcile.with_part(accepted, LIST, ALL, 0) == []


def test_the_remainder_is_kept_apart_from_parts() -> None:
    accepted = reconcile.with_remainder([Offset(7, False, 5, 30, 2)], LIST, ALL, 4)
    assert reconcile.sum_of_parts(accepted, LIST, ALL) == 2
    assert reconcile.remainder(accepted, LIST, ALL) == 4
    assert reconcile.with_remainder(accepted, LIST, ALL, 0) == [Offset(7, False, 5, 30, 2)]


def test_offsets_are_the_same_after_a_round_trip_through_json() -> None:
    accepted = [Offset(7, False, 5, 30, 2), Offset(7, True, 0, None, -4)]
    assert queries.offsets_from_note(json.loads(json.dumps(accepted))) == accepted
    assert queries.offsets_from_note(None) == []


# Where an interval is cut.


@pytest.mark.parametrize(
    ("cut", "beside"),
    [
        (-1, None),
        (0, 0),
        (9, 9),
        (10, 9),
        (15, 9),
        (19, 9),
        (20, 20),
        (21, 21),
        (99, 99),
        (100, None),
    ],
)
def test_a_cut_is_moved_before_a_part_with_an_offset_and_leaves_a_second_on_both_sides(
    cut: int, beside: int | None
) -> None:
    assert reconcile.cut_beside_parts([Offset(7, False, 10, 20, 3)], LIST, ALL, cut) == beside


@pytest.mark.parametrize(("last", "beside"), [(20, 20), (99, 99), (100, None)])
def test_a_cut_is_moved_behind_a_part_that_begins_with_the_interval(
    last: int, beside: int | None
) -> None:
    assert reconcile.cut_beside_parts([Offset(7, False, 0, last, 3)], LIST, ALL, 5) == beside


@pytest.mark.parametrize(
    "offset",
    [
        Offset(8, False, 10, 20, 3),
        Offset(7, True, 10, 20, 3),
        Offset(7, False, 10, 101, 3),
        Offset(7, False, 0, None, 3),
    ],
    ids=["another mailbox", "another list", "not within the interval", "of the total alone"],
)
def test_a_cut_is_not_moved_for_other_offsets(offset: Offset) -> None:
    assert reconcile.cut_beside_parts([offset], LIST, ALL, 15) == 15


SPANS = st.tuples(st.integers(0, 60), st.integers(0, 40)).map(
    lambda each: Interval(each[0], sum(each))
)


@given(st.lists(SPANS, max_size=4), st.integers(0, 99))
def test_a_cut_leaves_each_part_with_an_offset_on_one_side(spans: list[Interval], cut: int) -> None:
    accepted: list[Offset] = []
    for span in spans:
        if not any(span.first <= (each.last or 0) and each.first <= span.last for each in accepted):
            accepted.append(Offset(*LIST, *span, 1))
    cut_after = reconcile.cut_beside_parts(accepted, LIST, ALL, cut)
    if cut_after is not None:
        assert ALL.first <= cut_after < ALL.last
        for each in accepted:
            assert each.last is not None
            assert each.last <= cut_after or each.first > cut_after


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

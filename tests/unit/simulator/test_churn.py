"""Random changes of an account, and an index that lags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.simulator import Account, Behaviour, Conversation, Simulator, Thread
from compat.simulator.behaviour import ChangeKind
from compat.simulator.churn import apply_random_change
from compat.simulator.thread import waiting_since
from tests.unit.simulator.clients import (
    all_ids,
    get_page,
    ids,
    listed,
    rows,
    signed_in,
    small_account,
)

CHANGE_KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)


def after(kind: ChangeKind, seed: int) -> tuple[Account, Conversation | None, Conversation | None]:
    """An account after one change, and the conversation before and after it."""
    account = small_account(40)
    was = {row.id: row for row in account.conversations()}
    row = apply_random_change(account, Random(seed), (kind,))
    return account, was.get(row.id) if row else None, row


@pytest.mark.parametrize("kind", CHANGE_KINDS)
def test_each_kind_of_change_is_one_visible_change(kind: ChangeKind) -> None:
    holds: dict[str, Callable[[Any, Any], object]] = {
        "arrive": lambda was, row: was is None and row.listed,
        "vanish": lambda was, row: was.listed and not row.listed,
        "merge": lambda was, row: was.listed and row.merged_into,
        "return": lambda was, row: not was.listed and row.listed,
        "spam": lambda was, row: row.status == "spam",
        "unspam": lambda was, row: row.status == "active",
        "close": lambda was, row: row.status == "closed" and row.closed,
        "reopen": lambda was, row: row.status in {"active", "pending"} and not row.closed,
        "assign": lambda was, row: row.assignee_id in {0, 4101, 4104, 4107, 4110, 4113, 4116},
        "move": lambda was, row: row.mailbox_id in {8501, 8508, 8515, 8522},
        "retag": lambda was, row: len(row.tag_ids) <= 2,
        "publish": lambda was, row: row.state == "published",
        "touch": lambda was, row: row.modified >= was.modified,
        "write": lambda was, row: row.status in {"active", "spam"},
        "reply": lambda was, row: row.threads == was.threads + 1,
        "note": lambda was, row: row.history,
        "edit": lambda was, row: row.history,
        "send": lambda was, row: row.threads == was.threads + 1,
        "erase": lambda was, row: row.threads <= was.threads,
        "rate": lambda was, row: any(each.rating for each in row.history),
    }
    for seed in range(5):
        account, was, row = after(kind, seed)
        if row is not None:
            assert holds[kind](was, row), (was, row)
            assert account.changes[-1].id == row.id


@given(seed=st.integers(0, 2**32), changes=st.integers(1, 80))
def test_all_kinds_of_changes_together_leave_histories_that_agree(seed: int, changes: int) -> None:
    account, rng = small_account(20, seed), Random(seed)
    for _ in range(changes):
        apply_random_change(account, rng)
    seen: Counter[int] = Counter()
    for row, threads in account.histories():
        seen.update(each.id for each in threads)
        assert (row.threads, row.waiting_since) == agreeing(row, threads)
        assert row.state != "published" or statuses(threads)[-1:] in ([], [row.status])
        assert max((each.created for each in threads), default=0) <= row.modified
    assert set(seen.values()) == {1}


def agreeing(row: Conversation, threads: tuple[Thread, ...]) -> tuple[int, int]:
    return sum(each.counted for each in threads), waiting_since(threads, row.created)


def statuses(threads: tuple[Thread, ...]) -> list[str]:
    return [
        each.status
        for each in threads
        if each.status != "nochange" and each.state in {"published", None}
    ]


def test_a_change_of_a_thread_needs_one_that_suits() -> None:
    account = Account()
    account.add()
    for kind in ("edit", "send", "erase", "rate"):
        assert apply_random_change(account, Random(1), (kind,)) is None


def test_an_account_changes_between_pages_of_threads() -> None:
    account = small_account(60)
    row = listed(account)[0]
    simulator = Simulator(account, Behaviour(churn=1, churn_of=("write",)))
    with signed_in(simulator) as client:
        for _ in range(20):
            client.get(f"/conversations/{row.id}/threads")
    assert len(account.changes) == 20


def test_an_empty_account_has_nothing_to_change() -> None:
    assert apply_random_change(Account(), Random(1), ("vanish",)) is None
    assert apply_random_change(Account(), Random(1), ("arrive",)) is not None


def test_an_account_changes_between_pages_as_often_as_configured() -> None:
    account = small_account(60)
    with signed_in(Simulator(account, Behaviour(churn=2.5))) as client:
        for _ in range(40):
            get_page(client)
    assert 80 <= len(account.changes) <= 140


def test_equal_seeds_make_equal_changes() -> None:
    def ended() -> list[tuple[object, ...]]:
        account = small_account(60)
        kinds: tuple[ChangeKind, ...] = ("vanish", "move", "spam", "close", "arrive")
        with signed_in(Simulator(account, Behaviour(churn=1, churn_of=kinds, seed=5))) as client:
            for _ in range(20):
                get_page(client)
        return [(row.id, row.state, row.status, row.mailbox_id) for row in account.conversations()]

    assert ended() == ended()


def test_only_the_configured_kinds_of_changes_are_made() -> None:
    account = small_account(60)
    before = len(listed(account))
    with signed_in(Simulator(account, Behaviour(churn=1, churn_of=("vanish",)))) as client:
        totals = [get_page(client, status="all")["page"]["totalElements"] for _ in range(5)]
    assert totals == [before - gone for gone in range(1, 6)]


@pytest.mark.parametrize("lists", [1, 3])
def test_lists_can_show_changes_only_some_lists_later(lists: int) -> None:
    account = small_account(30)
    with signed_in(Simulator(account, Behaviour(index_lag_lists=lists))) as client:
        before = set(all_ids(client, status="all"))
        new, gone = account.add(), account.delete(min(before))
        for _ in range(lists):
            assert set(ids(get_page(client, status="all", page=1))) <= before
        now = set(all_ids(client, status="all"))
    assert now == before - {gone.id} | {new.id}


def test_lists_can_show_changes_only_some_seconds_later() -> None:
    now = [1_500_000_000.0]
    account = Account(clock=lambda: now[0])
    row = account.add(tags=["vip"])
    simulator = Simulator(account, Behaviour(index_lag=30, rate_limit=None))
    with signed_in(simulator) as client:
        now[0] += 60
        assert ids(get_page(client)) == [row.id]
        account.close(row.id)
        account.retag(row.id, ["bug"])
        now[0] += 29
        (shown,) = rows(get_page(client, status="active", tag="vip"))
        assert (shown["status"], simulator.indexed) == ("active", 1)
        now[0] += 1
        assert ids(get_page(client, status="active")) == []
        assert ids(get_page(client, status="closed", tag="bug")) == [row.id]
        assert simulator.indexed == len(account.changes)


def test_a_conversation_by_its_id_is_current_while_lists_lag() -> None:
    account = small_account(30)
    with signed_in(Simulator(account, Behaviour(index_lag=1_000))) as client:
        row = account.close(ids(get_page(client, status="all"))[0])
        late = account.add()
        gone = account.delete(ids(get_page(client, status="all"))[1])
        assert client.get(f"/conversations/{row.id}").json()["status"] == "closed"
        assert client.get(f"/conversations/{late.id}").status_code == 200
        assert client.get(f"/conversations/{gone.id}").status_code == 404
        shown = all_ids(client, status="all")
    assert gone.id in shown
    assert late.id not in shown


def test_a_lag_can_come_and_go() -> None:
    account = small_account(30)
    simulator = Simulator(account, Behaviour())

    def now(client: httpx.Client) -> set[int]:
        return set(all_ids(client, status="all"))

    with signed_in(simulator) as client:
        before = now(client)
        late = account.add()
        assert now(client) == before | {late.id}
        simulator.behaviour = Behaviour(index_lag=1_000)
        assert now(client) == before
        simulator.behaviour = Behaviour()
        assert now(client) == before | {late.id}

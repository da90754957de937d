"""An account that changes while it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.simulator import Account, Behaviour, Conversation, Simulator
from compat.simulator.conversation import format_timestamp
from compat.simulator.conversation_list import ConversationList
from compat.simulator.query_parameters import parse_list_request
from tests.unit.simulator.clients import get_page, ids, listed, rows, signed_in, small_account

FIRST = 1_420_070_400
QUIET = Behaviour(rate_limit=None)


def page_of(count: int) -> Account:
    account = Account()
    for at in range(count):
        account.add(FIRST + 60 * at)
    return account


def test_a_removal_between_numbered_pages_hides_a_row() -> None:
    account = page_of(30)
    victim, hidden = listed(account)[0].id, listed(account)[25].id
    with signed_in(Simulator(account, QUIET)) as client:
        first = ids(get_page(client, sortOrder="asc", page=1))
        account.delete(victim)
        second = ids(get_page(client, sortOrder="asc", page=2))
    assert hidden not in first + second


def test_the_hook_is_called_before_every_list_is_answered() -> None:
    account = page_of(3)
    seen: list[str] = []

    def delete_one(account: Account, target: str) -> None:
        seen.append(target)
        account.delete(listed(account)[0].id)

    with signed_in(Simulator(account, QUIET, before_request=delete_one)) as client:
        client.get("/mailboxes")
        left = [len(rows(get_page(client, status="all", page=1))) for _ in range(3)]
    assert left == [2, 1, 0]
    assert seen == ["/v2/conversations?status=all&page=1"] * 3


def paginate(client: httpx.Client, low: int, high: int) -> dict[int, dict[str, Any]]:
    """Every row of a window, by keyset pagination: always page one, from the last row's second."""
    found: dict[int, dict[str, Any]] = {}
    key, more = format_timestamp(low), True
    while more:
        query = f"(createdAt:[{key} TO {format_timestamp(high)}])"
        payload = get_page(client, status="all", query=query, sortOrder="asc")
        found |= {row["id"]: row for row in rows(payload)}
        more = payload["page"]["totalPages"] > 1
        key = rows(payload)[-1]["createdAt"] if more else key
    return found


def test_keyset_pagination_returns_all_that_stays_during_changes() -> None:
    account = page_of(120)
    before = listed(account)
    doomed = [row.id for row in before[::3]]

    def churn(account: Account, _target: str) -> None:
        for _ in range(4):
            if doomed:
                account.delete(doomed.pop(0))
        account.add(FIRST + 60 * 119)

    with signed_in(Simulator(account, QUIET, before_request=churn)) as client:
        found = paginate(client, FIRST, FIRST + 60 * 200)
    stayed = {row.id for row in before} & {row.id for row in listed(account)}
    assert stayed <= set(found)


def test_a_burst_fills_several_pages_of_one_second() -> None:
    account = Account()
    burst = [account.add(FIRST).id for _ in range(80)]
    query = f"createdAt:[{format_timestamp(FIRST)} TO {format_timestamp(FIRST)}]"
    found: list[int] = []
    with signed_in(Simulator(account, QUIET)) as client:
        for page in (4, 3, 2, 1):
            found += ids(
                get_page(client, query=query, sortField="number", sortOrder="asc", page=page)
            )
    assert sorted(found) == burst


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add", "delete", "spam", "unspam", "close", "reopen", "tag", "move"]),
        st.integers(0, 30),
    ),
    max_size=12,
)
PARAMETERS = st.sampled_from(
    [
        {"status": "all", "sortOrder": "asc"},
        {"status": "spam"},
        {"status": "closed", "sortField": "number"},
        {"status": "all", "tag": "vip"},
        {"status": "all", "mailbox": "8508"},
        {"status": "all", "query": "(createdAt:[2015-01-01T00:05:00Z TO 2015-01-01T00:15:00Z])"},
        {"status": "all", "query": "(modifiedAt:[2015-01-01T00:05:00Z TO *] AND tag:new)"},
    ]
)


def change(account: Account, what: str, at: int) -> None:
    known = listed(account)
    if what == "add" or not known:
        account.add(FIRST + 60 * at, status="active")
        return
    row_id = known[at % len(known)].id
    table: dict[str, Callable[[int], Conversation]] = {
        "delete": account.delete,
        "spam": account.spam,
        "unspam": account.unspam,
        "close": account.close,
        "reopen": account.reopen,
        "tag": lambda row_id: account.retag(row_id, ["vip", "new"]),
        "move": lambda row_id: account.move(row_id, 8508),
    }
    table[what](row_id)


@settings(deadline=None)
@given(st.lists(st.tuples(CHANGES, PARAMETERS), max_size=8))
def test_an_updated_index_answers_as_a_new_one(
    rounds: list[tuple[list[tuple[str, int]], dict[str, str]]],
) -> None:
    account = page_of(15)
    kept = ConversationList(account, lambda: QUIET)
    for changes, parameters in rounds:
        for what, at in changes:
            change(account, what, at)
        fresh = ConversationList(account, lambda: QUIET)
        assert kept.page(parse_list_request(parameters)) == fresh.page(
            parse_list_request(parameters)
        )


def test_a_tag_that_appears_later_is_found() -> None:
    account = small_account(20)
    with signed_in(Simulator(account, QUIET)) as client:
        assert ids(get_page(client, status="all", tag="brand new")) == []
        row = account.add(tags=["brand new"])
        assert ids(get_page(client, status="all", tag="brand new")) == [row.id]

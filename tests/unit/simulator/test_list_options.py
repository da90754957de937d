"""List requests with invalid parameters, and the options of lists."""

from __future__ import annotations

import httpx
import pytest

from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.conversation import format_timestamp
from tests.unit.simulator.clients import (
    all_ids,
    get_page,
    ids,
    listed,
    rows,
    signed_in,
    small_account,
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "shut"),
        ("status", "active,closed"),
        ("mailbox", "1,two"),
        ("folder", "1,2"),
        ("query", "status:active"),
        ("query", "createdAt:[2015-01-01T00:00:00.000Z TO *]"),
        ("query", "(modifiedAt:[2015-01-01 TO *])"),
        ("query", "createdAt:{2015-01-01T00:00:00Z TO *}"),
        ("modifiedSince", "2015-01-01T00:00:00.123Z"),
        ("modifiedSince", "2015-01-01"),
        ("sortField", "createdat"),
        ("sortOrder", "up"),
        ("embed", "everything"),
        ("page", "0"),
        ("page", "-1"),
        ("page", "one"),
        ("assigned_to", "me"),
        ("number", "1.5"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(client: httpx.Client, name: str, value: str) -> None:
    answer = client.get("/conversations", params={name: value})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/vnd.error+json"
    (error,) = answer.json()["_embedded"]["errors"]
    assert error["path"] == name
    assert {"message", "source", "_links"} <= set(error)


def test_every_bad_parameter_is_named_at_once(client: httpx.Client) -> None:
    answer = client.get("/conversations", params={"page": "0", "status": "x", "query": "("})
    errors = answer.json()["_embedded"]["errors"]
    assert {error["path"] for error in errors} == {"page", "status", "query"}


def test_spam_can_be_left_out_of_all() -> None:
    account = small_account(60)
    behaviour = Behaviour(all_lists_spam=False)
    with signed_in(Simulator(account, behaviour)) as client:
        found = set(all_ids(client, status="all"))
        assert found == {row.id for row in listed(account) if row.status != "spam"}


def test_an_empty_list_can_lack_its_array_and_a_page_past_the_end_can_be_missing() -> None:
    behaviour = Behaviour(empty="absent", past_end="not_found")
    with signed_in(Simulator(small_account(5), behaviour)) as client:
        assert "_embedded" not in get_page(client, number=10**9)
        assert client.get("/conversations", params={"page": 9}).status_code == 404


def test_the_page_size_can_be_chosen() -> None:
    account = small_account(60)
    with signed_in(Simulator(account, Behaviour(page_size=50))) as client:
        payload = get_page(client, status="all")
        assert len(ids(payload)) == payload["page"]["size"] == 50
        assert payload["page"]["totalPages"] == 2


def test_an_index_with_fractions_uses_what_payloads_do_not_show() -> None:
    account = Account()
    second = 1_420_070_400
    early = account.add(second, millis=0)
    late = account.add(second, millis=700)
    middle = account.add(second, millis=300)
    exactly = f"createdAt:[{format_timestamp(second)} TO {format_timestamp(second)}]"
    longer = f"createdAt:[{format_timestamp(second)} TO {format_timestamp(second + 1)}]"
    with signed_in(Simulator(account, Behaviour(index_fractions=True))) as client:
        assert ids(get_page(client, query=exactly)) == [early.id]
        payload = get_page(client, query=longer, sortOrder="asc")
        assert ids(payload) == [early.id, middle.id, late.id]
        assert {row["createdAt"] for row in rows(payload)} == {"2015-01-01T00:00:00Z"}

"""The list of conversations: its parameters, its order, its pages and its payloads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from compat.simulator import Account, Conversation
from compat.simulator.conversation import format_timestamp
from compat.simulator.people import customer_email, customer_name
from tests.unit.simulator.clients import all_ids, get_page, listed, rows

Holds = Callable[[Conversation], bool]
STATUS_SETS = {
    "active": {"active"},
    "pending": {"pending"},
    "closed": {"closed"},
    "spam": {"spam"},
    "open": {"active", "pending"},
    "all": {"active", "pending", "closed", "spam"},
}


def truth(account: Account, holds: Holds) -> set[int]:
    return {row.id for row in listed(account) if holds(row)}


def everything(client: httpx.Client, **parameters: object) -> set[int]:
    found = all_ids(client, **{"status": "all", **parameters})
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("status", STATUS_SETS)
def test_a_status_selects_its_conversations(
    client: httpx.Client, account: Account, status: str
) -> None:
    expected = truth(account, lambda row: row.status in STATUS_SETS[status])
    assert expected
    assert everything(client, status=status) == expected


def test_without_a_status_only_active_ones_are_listed(
    client: httpx.Client, account: Account
) -> None:
    assert set(all_ids(client)) == truth(account, lambda row: row.status == "active")


def test_deleted_and_merged_ones_are_in_no_list(client: httpx.Client, account: Account) -> None:
    gone = {row.id for row in account.conversations() if row.state == "deleted"}
    assert gone
    assert not gone & everything(client)


def test_mailboxes_are_joined_by_commas(client: httpx.Client, account: Account) -> None:
    wanted = [mailbox.id for mailbox in account.layout.mailboxes[1:3]]
    expected = truth(account, lambda row: row.mailbox_id in wanted)
    assert everything(client, mailbox=f"{wanted[0]}, {wanted[1]}") == expected


@pytest.mark.parametrize("home", ["open", "assigned", "closed", "spam", "drafts"])
def test_a_home_folder_shows_the_payloads_that_name_it(
    client: httpx.Client, account: Account, home: str
) -> None:
    folder_id = account.layout.folder_id(account.layout.mailboxes[0].id, home)
    expected = truth(account, lambda row: row.folder_id == folder_id)
    assert everything(client, folder=folder_id) == expected


def _view(account: Account, kind: str) -> int:
    mailbox_id = account.layout.mailboxes[0].id
    return next(f.id for f in account.layout.folders_of(mailbox_id) if f.type == kind)


VIEWS: dict[str, Holds] = {
    "mytickets": lambda row: row.assignee_id == 4101 and row.status in {"active", "pending"},
    "needs_attn": lambda row: row.assignee_id == 0 and row.status == "active",
    "team": lambda row: row.assignee_id in {4101, 4104, 4107} and row.status != "spam",
}


@pytest.mark.parametrize("kind", VIEWS)
def test_a_view_shows_conversations_of_other_home_folders(
    client: httpx.Client, account: Account, kind: str
) -> None:
    first = account.layout.mailboxes[0].id
    expected = truth(
        account,
        lambda row: row.mailbox_id == first and row.state == "published" and VIEWS[kind](row),
    )
    view = _view(account, kind)
    assert everything(client, folder=view) == expected
    assert view not in {
        row["folderId"] for row in rows(get_page(client, status="all", folder=view))
    }


def test_a_folder_that_does_not_exist_is_empty(client: httpx.Client) -> None:
    assert everything(client, folder=1) == set()


def _tagged(account: Account, *names: str) -> set[int]:
    wanted = {account.layout.tag_by_name[name].id for name in names}
    return truth(account, lambda row: bool(wanted & set(row.tag_ids)))


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        ("billing", ("billing",)),
        ("BILLING", ("billing",)),
        ("billing, invoices", ("billing, invoices",)),
        ("billing,vip", ("billing", "vip")),
        ("bug,billing, invoices,vip", ("bug", "billing, invoices", "vip")),
        ("nosuch,feature request", ("feature request",)),
        ("nosuch", ()),
    ],
)
def test_tags_are_given_by_name(
    client: httpx.Client, account: Account, sent: str, names: tuple[str, ...]
) -> None:
    assert everything(client, tag=sent) == _tagged(account, *names)


def test_modified_since_includes_its_second(client: httpx.Client, account: Account) -> None:
    since = sorted(row.modified for row in listed(account))[-20]
    expected = truth(account, lambda row: row.modified >= since)
    assert everything(client, modifiedSince=format_timestamp(since)) == expected


def test_a_number_selects_one_conversation(client: httpx.Client, account: Account) -> None:
    row = listed(account)[10]
    assert everything(client, number=row.number) == {row.id}


def test_assigned_to_selects_by_user(client: httpx.Client, account: Account) -> None:
    expected = truth(account, lambda row: row.assignee_id == 4104)
    assert everything(client, assigned_to=4104) == expected


def test_parameters_are_joined_by_and(client: httpx.Client, account: Account) -> None:
    mailbox = account.layout.mailboxes[0].id
    expected = _tagged(account, "billing") & truth(
        account, lambda row: row.mailbox_id == mailbox and row.status == "closed"
    )
    assert everything(client, status="closed", mailbox=mailbox, tag="billing") == expected


def test_a_range_of_creation_includes_both_ends(client: httpx.Client, account: Account) -> None:
    known = listed(account)
    low, high = known[40].created, known[90].created
    query = f"(createdAt:[{format_timestamp(low)} TO {format_timestamp(high)}])"
    assert everything(client, query=query) == truth(account, lambda r: low <= r.created <= high)


def test_several_ranges_of_creation_intersect(client: httpx.Client, account: Account) -> None:
    low, high = (
        format_timestamp(listed(account)[40].created),
        format_timestamp(listed(account)[90].created),
    )
    query = f"createdAt:[{low} TO *] AND (createdAt:[* TO {high}] AND number:[* TO 9999])"
    assert everything(client, query=query) == everything(
        client, query=f"createdAt:[{low} TO {high}]"
    )


def test_creation_and_modification_time_can_be_combined(
    client: httpx.Client, account: Account
) -> None:
    since = sorted(row.modified for row in listed(account))[-50]
    start = listed(account)[-30].created
    modified, created = format_timestamp(since), format_timestamp(start)
    query = f"(modifiedAt:[{modified} TO *] AND createdAt:[{created} TO *])"
    expected = truth(account, lambda row: row.modified >= since and row.created >= start)
    assert everything(client, query=query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "query=(createdAt:[2016-01-01T00:00:00Z+TO+2016-12-31T23:59:59Z])",
        "query=(createdAt:[2016-01-01T00:00:00Z%20TO%202016-12-31T23:59:59Z])",
        "query=%28createdAt%3A%5B2016-01-01T00%3A00%3A00Z+TO+2016-12-31T23%3A59%3A59Z%5D%29",
    ],
)
def test_a_query_may_be_encoded_or_raw(client: httpx.Client, account: Account, query: str) -> None:
    raw = client.base_url.raw_path + b"conversations?status=all&" + query.encode()
    answer = client.get(client.base_url.copy_with(raw_path=raw))
    expected = truth(account, lambda row: row.created_at.year == 2016)
    assert answer.json()["page"]["totalElements"] == len(expected) > 0


SORT_KEYS: dict[str, Callable[[Conversation], Any]] = {
    "createdAt": lambda row: row.created,
    "customerEmail": lambda row: customer_email(row.customer_id),
    "customerName": lambda row: customer_name(row.customer_id),
    "mailboxid": lambda row: row.mailbox_id,
    "modifiedAt": lambda row: row.modified,
    "number": lambda row: row.number,
    "score": lambda row: row.threads,
    "status": lambda row: row.status,
    "subject": lambda row: row.subject,
    "waitingSince": lambda row: row.waiting_since,
}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("field", SORT_KEYS)
def test_a_list_is_sorted_by_any_field(
    client: httpx.Client, account: Account, field: str, order: str
) -> None:
    found = all_ids(client, status="open", sortField=field, sortOrder=order)
    keys = [SORT_KEYS[field](account[row_id]) for row_id in found]
    assert keys == sorted(keys, reverse=order == "desc")
    assert set(found) == truth(account, lambda row: row.status in {"active", "pending"})


def test_the_latest_created_comes_first_by_default(client: httpx.Client) -> None:
    found = [row["createdAt"] for row in rows(get_page(client, status="all"))]
    assert found == sorted(found, reverse=True)


def test_a_page_has_its_numbers(client: httpx.Client, account: Account) -> None:
    total = len(listed(account))
    assert get_page(client, status="all", page=2)["page"] == {
        "size": 25,
        "totalElements": total,
        "totalPages": -(-total // 25),
        "number": 2,
    }


def test_a_size_is_ignored(client: httpx.Client) -> None:
    assert len(rows(get_page(client, status="all", size=2))) == 25


def test_a_page_past_the_end_is_empty(client: httpx.Client) -> None:
    payload = get_page(client, status="all", page=999)
    assert rows(payload) == []
    assert payload["page"]["totalElements"] > 0


def test_an_empty_list_has_no_pages(client: httpx.Client) -> None:
    payload = get_page(client, number=10**9)
    assert payload["_embedded"]["conversations"] == []
    assert payload["page"]["totalPages"] == 0


def test_links_are_not_encoded(client: httpx.Client) -> None:
    query = "(number:[1 TO 200])"
    links = get_page(client, status="all", query=query, page=2)["_links"]
    assert query in links["self"]["href"]
    assert {"self", "first", "previous", "next", "last", "page"} == set(links)


def test_the_first_of_a_repeated_parameter_counts(client: httpx.Client) -> None:
    answer = client.get("/conversations", params=[("status", "spam"), ("status", "closed")])
    assert {row["status"] for row in rows(answer.json())} == {"spam"}


def test_a_list_is_hal(client: httpx.Client) -> None:
    assert client.get("/conversations").headers["content-type"] == "application/hal+json"


def test_optional_keys_without_a_value_are_absent(client: httpx.Client, account: Account) -> None:
    for payload in rows(get_page(client, status="all")):
        row = account[payload["id"]]
        assert ("assignee" in payload) == bool(row.assignee_id)
        assert ("closedAt" in payload) == (row.closed is not None)
        assert ("closedByUser" in payload) == bool(row.closed_by)
        assert None not in payload.values()


def test_a_payload_agrees_with_its_record(client: httpx.Client, account: Account) -> None:
    row = next(row for row in listed(account) if row.tag_ids and row.status == "closed")
    (payload,) = rows(get_page(client, status="all", number=row.number))
    assert payload["createdAt"] == format_timestamp(row.created)
    assert payload["userUpdatedAt"] == format_timestamp(row.modified)
    assert payload["threads"] == row.threads
    assert payload["folderId"] == row.folder_id
    assert [tag["id"] for tag in payload["tags"]] == list(row.tag_ids)
    assert set(payload["tags"][0]) == {"id", "color", "tag"}
    assert set(payload["primaryCustomer"]) == {"id", "type", "first", "last", "email", "photoUrl"}

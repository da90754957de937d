"""Payloads have the keys that recordings and the documentation have, and their links lead on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from compat.simulator import Account, Conversation
from tests.unit.simulator.clients import get_page, listed, rows

RECORDED_PERSON = ["id", "type", "first", "last", "email", "photoUrl"]
THREAD = ["id", "type", "status", "state", "action", "body", "source", "customer", "createdBy"]
RECIPIENTS = ["to", "cc", "bcc"]

Json = dict[str, Any]


def get(client: httpx.Client, path: str) -> Json:
    """The body of an answer with status 200."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    body: Json = answer.json()
    return body


def links(client: httpx.Client, payload: Json) -> dict[str, str]:
    """The links of a payload, each without the base URL."""
    return {
        name: link["href"].removeprefix(str(client.base_url).rstrip("/"))
        for name, link in payload["_links"].items()
    }


def find(account: Account, **wanted: bool) -> Conversation:
    """A conversation whose fields have a value, or have none."""
    return next(
        row
        for row in listed(account)
        if all(bool(getattr(row, name)) is value for name, value in wanted.items())
    )


def threads(client: httpx.Client, row: Conversation) -> list[Json]:
    """The first page of the threads of a conversation."""
    found: list[Json] = get(client, f"/conversations/{row.id}/threads")["_embedded"]["threads"]
    return found


def all_threads(client: httpx.Client, account: Account) -> list[Json]:
    """The threads of a hundred conversations."""
    return [each for row in listed(account)[:100] for each in threads(client, row)]


def test_a_conversation_of_a_customer_that_was_never_closed_has_these_links(
    client: httpx.Client, account: Account
) -> None:
    row = find(account, assignee_id=False, closed_by=False, created_by=False)
    assert links(client, get(client, f"/conversations/{row.id}")) == {
        "closedBy": "/users/0",
        "createdByCustomer": f"/customers/{row.customer_id}",
        "mailbox": f"/mailboxes/{row.mailbox_id}",
        "primaryCustomer": f"/customers/{row.customer_id}",
        "self": f"/conversations/{row.id}",
        "threads": f"/conversations/{row.id}/threads/",
        "web": f"https://secure.helpscout.net/conversation/{row.id}/{row.number}",
    }


def test_a_closed_conversation_of_a_user_links_to_its_users(
    client: httpx.Client, account: Account
) -> None:
    row = find(account, assignee_id=True, closed_by=True, created_by=True)
    found = links(client, get(client, f"/conversations/{row.id}"))
    assert found["assignee"] == f"/users/{row.assignee_id}"
    assert found["closedBy"] == f"/users/{row.closed_by}"
    assert found["createdByUser"] == f"/users/{row.created_by}"
    assert "createdByCustomer" not in found


def test_a_list_shows_the_same_links_as_a_conversation_alone(client: httpx.Client) -> None:
    for row in rows(get_page(client, status="all")):
        assert row["_links"] == get(client, f"/conversations/{row['id']}")["_links"]


def test_a_mailbox_links_to_its_fields_and_folders(client: httpx.Client) -> None:
    for mailbox in get(client, "/mailboxes")["_embedded"]["mailboxes"]:
        path = f"/mailboxes/{mailbox['id']}"
        expected = {"fields": f"{path}/fields/", "folders": f"{path}/folders/", "self": path}
        assert links(client, mailbox) == expected


def test_a_user_has_the_documented_keys_and_a_link_to_itself(client: httpx.Client) -> None:
    user = get(client, "/users")["_embedded"]["users"][1]
    assert list(user) == [
        *("id", "firstName", "lastName", "email", "role", "timezone", "photoUrl"),
        *("createdAt", "updatedAt", "type", "mention", "initials", "jobTitle", "phone"),
        *("alternateEmails", "_links"),
    ]
    assert links(client, user) == {"self": f"/users/{user['id']}"}
    assert get(client, f"/users/{user['id']}") == user


def test_a_team_has_the_documented_keys(client: httpx.Client) -> None:
    (team, _) = get(client, "/teams")["_embedded"]["teams"]
    assert list(team) == [
        *("id", "name", "timezone", "photoUrl", "createdAt", "updatedAt", "mention", "initials"),
        "_links",
    ]
    members = get(client, links(client, team)["members"])["_embedded"]["users"]
    assert [get(client, f"/users/{each['id']}") for each in members] == members


def test_links_lead_to_what_they_name(client: httpx.Client, account: Account) -> None:
    row = find(account, assignee_id=True, closed_by=True, created_by=True)
    found = get(client, f"/conversations/{row.id}")["_links"]
    bodies = {name: get(client, found[name]["href"]) for name in found if name != "web"}
    ids = {name: body["id"] for name, body in bodies.items() if name != "threads"}
    assert ids == {
        "assignee": row.assignee_id,
        "closedBy": row.closed_by,
        "createdByUser": row.created_by,
        "mailbox": row.mailbox_id,
        "primaryCustomer": row.customer_id,
        "self": row.id,
    }
    assert bodies["threads"]["page"]["totalElements"] == row.threads
    mailbox = bodies["mailbox"]["_links"]
    folders = get(client, mailbox["folders"]["href"])["_embedded"]["folders"]
    assert row.folder_id in {folder["id"] for folder in folders}


def test_custom_fields_of_conversations_are_fields_of_their_mailbox(client: httpx.Client) -> None:
    (mailbox, *_) = get(client, "/mailboxes")["_embedded"]["mailboxes"]
    (field,) = get(client, mailbox["_links"]["fields"]["href"])["_embedded"]["fields"]
    options = {str(option["id"]): option["label"] for option in field["options"]}
    filled = [row["customFields"] for row in rows(get_page(client, status="all"))]
    (used, *_) = [values[0] for values in filled if values]
    assert (used["id"], used["name"]) == (field["id"], field["name"])
    assert options[used["value"]] == used["text"]


def test_there_is_no_user_with_an_unknown_id(client: httpx.Client) -> None:
    assert client.get("/users/0").status_code == 404


@pytest.mark.parametrize(
    "path", ["/conversations", "/mailboxes", "/tags", "/teams", "/users", "/users/me"]
)
def test_a_slash_at_the_end_of_a_path_makes_no_difference(client: httpx.Client, path: str) -> None:
    with_slash, without = get(client, f"{path}/"), get(client, path)
    assert with_slash.get("_embedded") == without.get("_embedded")
    assert with_slash.get("id") == without.get("id")


def test_a_token_is_issued_at_a_path_with_a_slash(client: httpx.Client) -> None:
    answer = client.post("/oauth2/token/", data={"grant_type": "password"})
    assert answer.json()["error"] == "unsupported_grant_type"


def test_a_thread_has_the_documented_keys_in_their_order(
    client: httpx.Client, account: Account
) -> None:
    optional = ["assignedTo", "savedReplyId", "rating"]
    order = [*THREAD, *optional[:2], *RECIPIENTS, "createdAt", optional[2], "_links"]
    for thread in all_threads(client, account):
        assert list(thread) == [key for key in order if key in thread]
        assert set(order) - set(thread) <= set(optional)
        assert thread["action"] == {"type": "default"}
        assert list(thread["createdBy"]) == RECORDED_PERSON
        assert list(thread["customer"]) == [key for key in RECORDED_PERSON if key != "type"]


def test_threads_are_assigned_as_their_conversation_is(
    client: httpx.Client, account: Account
) -> None:
    assigned, free = find(account, assignee_id=True), find(account, assignee_id=False)
    assert {each["assignedTo"]["id"] for each in threads(client, assigned)} == {
        assigned.assignee_id
    }
    assert not any("assignedTo" in each for each in threads(client, free))


def test_only_messages_have_recipients_saved_replies_and_ratings(
    client: httpx.Client, account: Account
) -> None:
    found = all_threads(client, account)
    messages = [each for each in found if each["type"] == "message"]
    others = [each for each in found if each["type"] != "message"]
    assert all(each["to"] == [each["customer"]["email"]] for each in messages)
    assert {len(each["cc"]) for each in messages} == {0, 1}
    assert {"savedReplyId" in each for each in messages} == {True, False}
    assert {each["rating"]["rating"] for each in messages if "rating" in each} == {
        *("great", "okay", "not_good")
    }
    for each in messages:
        if "rating" in each:
            assert list(each["rating"]) == ["customerId", "rating", "comments"]
            assert each["rating"]["customerId"] == each["customer"]["id"]
    assert not any(each["to"] or each["cc"] or each["bcc"] for each in others)
    assert not any({"savedReplyId", "rating"} & set(each) for each in others)


def test_a_thread_links_to_its_author_and_its_customer(
    client: httpx.Client, account: Account
) -> None:
    row = next(row for row in listed(account) if row.threads > 2 and row.assignee_id)
    for thread in threads(client, row):
        author = thread["createdBy"]
        name = "createdByUser" if author["type"] == "user" else "createdByCustomer"
        assert links(client, thread) == {
            name: f"/{author['type']}s/{author['id']}",
            "customer": f"/customers/{row.customer_id}",
        }


def test_embedded_threads_are_those_of_the_list_of_threads(
    client: httpx.Client, account: Account
) -> None:
    page = get_page(client, status="all", embed="threads")
    for embedding in rows(page):
        row = account[embedding["id"]]
        embedded = embedding["_embedded"]["threads"]
        assert embedded == threads(client, row)[: 1 if row.type == "chat" else None]

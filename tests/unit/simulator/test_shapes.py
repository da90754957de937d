"""Payloads have the keys that recordings and the documentation have, and their links lead on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from compat.simulator import Account, Conversation
from tests.unit.simulator.clients import get_page, listed, rows

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
    assert bodies["threads"]["page"]["totalElements"] == len(account.threads(row.id))
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

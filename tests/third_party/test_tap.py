"""A tap that others wrote copies a simulated account, and checks all of it with its own schemas.

It signs in with a refresh token, and it refuses what does not fit its JSON schemas.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from compat.simulator import Behaviour, Simulator, make_account, running
from tests.integration.exactness.simulated_upstream import NOW, SINCE
from tests.third_party import true_values
from tests.third_party.environments import run

pytestmark = pytest.mark.thorough  # installing the clients takes a minute

ACCOUNT = make_account(40, 3, NOW, SINCE)
ROWS = true_values.listed(ACCOUNT)
STREAMS = [
    *("conversations", "conversation_threads", "mailboxes", "mailbox_folders", "mailbox_fields"),
    *("users", "teams", "team_members"),
]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def brought() -> Json:
    """What the tap's program brought."""
    with running(Simulator(ACCOUNT, Behaviour(rate_limit=None))) as base_url:
        asked = {
            "base_url": base_url,
            "streams": STREAMS,
            "since": true_values.text(0),
            "config": {
                "client_id": "demo-app",
                "client_secret": "demo-secret",
                "refresh_token": "demo-refresh",
                "user_agent": "a program",
            },
        }
        found: Json = run("tap-helpscout", "tap_helpscout", asked)
        return found


def test_it_signs_in_with_a_refresh_token_and_later_with_the_next_one(brought: Json) -> None:
    assert brought["kept"] != "demo-refresh"
    assert brought["me"] == ACCOUNT.layout.users[0].id


def test_it_understands_that_a_wrong_secret_is_refused(brought: Json) -> None:
    assert brought["stranger"] == "Http401Error"


def test_it_copies_every_conversation(brought: Json) -> None:
    copied = {
        row["id"]: (row["number"], row["status"]) for row in brought["streams"]["conversations"]
    }
    assert copied == {row.id: (row.number, row.status) for row in ROWS}


def test_it_copies_every_thread_with_its_assignee_and_recipients(brought: Json) -> None:
    threads = brought["streams"]["conversation_threads"]
    copied = [
        (
            *(thread["conversation_id"], thread["id"], thread["type"], thread["state"]),
            *(thread["status"], thread["action"]["type"]),
            thread.get("assigned_to", {}).get("id", 0),
        )
        for thread in threads
    ]
    true = [
        (row.id, each.id, each.type, each.state, each.status, each.action, each.assignee_id)
        for row, history in ACCOUNT.histories()
        for each in history
    ]
    assert sorted(copied) == sorted(true)
    assert all(bool(thread["to"]) == (thread["type"] == "message") for thread in threads)
    assert any("saved_reply_id" in thread for thread in threads)


def test_a_conversation_s_number_of_threads_counts_neither_drafts_nor_line_items(
    brought: Json,
) -> None:
    counted = Counter(
        thread["conversation_id"]
        for thread in brought["streams"]["conversation_threads"]
        if thread["state"] == "published" and thread["type"] != "lineitem"
    )
    rows = brought["streams"]["conversations"]
    assert {row["id"]: row["threads"] for row in rows} == {
        row["id"]: counted[row["id"]] for row in rows
    }


def test_it_copies_mailboxes_with_their_folders_and_fields(brought: Json) -> None:
    streams, layout = brought["streams"], ACCOUNT.layout
    mailboxes = {mailbox.id for mailbox in layout.mailboxes}
    assert {each["id"] for each in streams["mailboxes"]} == mailboxes
    assert {each["id"] for each in streams["mailbox_folders"]} == {
        folder.id for folder in layout.folders
    }
    assert {each["mailbox_id"] for each in streams["mailbox_fields"]} == mailboxes


def test_it_copies_users_with_and_without_a_picture(brought: Json) -> None:
    users = brought["streams"]["users"]
    layout = ACCOUNT.layout
    listed = [user.id for user in (*layout.users, *layout.invited)]
    assert [each["id"] for each in users] == listed
    assert {bool(each["photo_url"]) for each in users} == {True, False}


def test_it_copies_teams_with_their_members(brought: Json) -> None:
    teams, members = brought["streams"]["teams"], brought["streams"]["team_members"]
    layout = ACCOUNT.layout
    assert [each["id"] for each in teams] == [team.id for team in layout.teams]
    assert {(each["team_id"], each["user_id"]) for each in members} == {
        (team.id, user_id) for team in layout.teams for user_id in team.user_ids
    }

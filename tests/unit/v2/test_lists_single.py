"""Requests for one conversation or mailbox: what each response means."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from compat.v2.client import ApiResponse, Client
from compat.v2.errors import InconsistentData, Overloaded, Redirected, RequestRefused
from compat.v2.lists import Missing, follow_merges, get_conversation, get_entry, get_mailbox
from compat.v2.models import Conversation, ConversationWithDocument
from tests.unit.v2.upstream import FIRST, Asked, Reply, Upstream, answer, conversation, in_turn

DATE = {"Date": "Thu, 01 Jan 2015 00:00:10 GMT"}
GONE = 99
"""The id of a conversation that is deleted."""


def test_an_existing_conversation_is_returned(upstream: Upstream, client: Client) -> None:
    shown = conversation(7) | {"subject": "Wörter", "extra": [1, {"a": None}]}
    upstream.script = in_turn(answer(shown))
    found = get_conversation(client, 7, ConversationWithDocument)
    assert isinstance(found, ApiResponse)
    assert found.value.id == 7
    assert json.loads(found.value.document) == shown
    assert upstream.asked[0].path == "/v2/conversations/7"


@pytest.mark.parametrize(("threads", "params"), [(True, {"embed": "threads"}), (False, {})])
def test_a_conversation_is_shown_with_its_threads_if_they_are_asked_for(
    upstream: Upstream, client: Client, threads: bool, params: dict[str, str]
) -> None:
    asked: list[dict[str, str]] = []

    def script(request: Asked) -> Reply:
        asked.append(dict(request.params))
        return answer(conversation(7))

    upstream.script = script
    get_conversation(client, 7, Conversation, threads=threads)
    assert asked == [params]


def test_a_conversation_is_shown_without_its_threads_by_default(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(answer(conversation(7)))
    get_conversation(client, 7, Conversation)
    assert upstream.asked[0].params == {}


def test_a_merged_conversation_has_the_id_it_was_merged_into(
    upstream: Upstream, client: Client
) -> None:
    place = {"Location": "https://api.helpscout.net/v2/conversations/12", **DATE}
    upstream.script = in_turn(Reply(301, b"", place))
    found = get_conversation(client, 7, Conversation)
    assert isinstance(found, Missing)
    assert (found.reason, found.merged_into) == ("merged", 12)
    assert found.requested_at in range(FIRST, FIRST + 11)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(404, headers=DATE), "deleted"),
        (Reply(403, headers=DATE), "hidden"),
        (answer(conversation(7, state="deleted"), headers=DATE), "deleted"),
    ],
)
def test_a_missing_conversation_has_a_reason(
    upstream: Upstream, client: Client, reply: Reply, why: str
) -> None:
    upstream.script = in_turn(reply)
    found = get_conversation(client, 7, Conversation)
    assert isinstance(found, Missing)
    assert (found.reason, found.merged_into) == (why, 0)
    assert found.requested_at in range(FIRST, FIRST + 11)


@pytest.mark.parametrize(
    ("status", "place"),
    [
        (301, "https://proxy.example.com/login"),
        (301, "https://proxy.example.com/login?next=/conversations/7x"),
        (301, ""),
        (302, "https://api.helpscout.net/v2/conversations/12"),
    ],
)
def test_a_redirect_to_anything_else_is_no_merge(
    upstream: Upstream, client: Client, status: int, place: str
) -> None:
    upstream.script = in_turn(Reply(status, b"", {"Location": place}))
    with pytest.raises(Redirected):
        get_conversation(client, 7, Conversation)


def look_up_in(
    upstream: Upstream, client: Client, merged: dict[int, int]
) -> Callable[[int], ApiResponse[Conversation] | Missing]:
    """Requests conversations of which some are merged into others."""

    def script(asked: Asked) -> Reply:
        row_id = int(asked.path.rpartition("/")[2])
        if row_id in merged:
            return Reply(301, headers={"Location": f"/v2/conversations/{merged[row_id]}"})
        return Reply(404) if row_id == GONE else answer(conversation(row_id))

    upstream.script = script
    return lambda row_id: get_conversation(client, row_id, Conversation)


def test_merges_are_followed_to_the_conversation_that_is_there_now(
    upstream: Upstream, client: Client
) -> None:
    look_up = look_up_in(upstream, client, {7: 8, 8: 9})
    first = look_up(7)
    assert isinstance(first, Missing)
    found = follow_merges(first, look_up)
    assert isinstance(found, ApiResponse)
    assert found.value.id == 9
    assert [asked.path for asked in upstream.asked] == [
        f"/v2/conversations/{row_id}" for row_id in (7, 8, 9)
    ]


def test_merges_are_followed_to_one_that_is_missing_itself(
    upstream: Upstream, client: Client
) -> None:
    look_up = look_up_in(upstream, client, {7: 8, 8: GONE})
    first = look_up(7)
    assert isinstance(first, Missing)
    found = follow_merges(first, look_up)
    assert isinstance(found, Missing)
    assert found.reason == "deleted"


def test_a_conversation_that_is_deleted_was_not_merged(upstream: Upstream, client: Client) -> None:
    look_up = look_up_in(upstream, client, {})
    deleted = look_up(GONE)
    assert isinstance(deleted, Missing)
    assert follow_merges(deleted, look_up) is deleted
    assert len(upstream.asked) == 1


def test_conversations_that_are_merged_in_a_circle_are_an_error() -> None:
    merged = {7: Missing("merged", FIRST, 8), 8: Missing("merged", FIRST, 7)}
    with pytest.raises(InconsistentData, match="in a circle"):
        follow_merges(merged[7], merged.__getitem__)


@pytest.mark.parametrize(("status", "kind"), [(400, RequestRefused), (500, Overloaded)])
def test_an_error_does_not_mean_that_a_conversation_is_missing(
    upstream: Upstream, client: Client, status: int, kind: type[Exception]
) -> None:
    upstream.script = in_turn(Reply(status))
    with pytest.raises(kind):
        get_conversation(client, 7, Conversation)


def test_a_user_is_a_list_of_one(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(answer({"id": 7, "firstName": "Ada"}, headers=DATE))
    found = get_entry(client, "/users/me")
    assert [(row.id, row.first_name) for row in found.rows] == [(7, "Ada")]
    assert found.requested_at in range(FIRST, FIRST + 11)
    (asked,) = upstream.asked
    assert (asked.path, asked.params) == ("/v2/users/me", {})


def test_a_user_who_is_not_there_is_an_error(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(Reply(404))
    with pytest.raises(RequestRefused) as caught:
        get_entry(client, "/users/7")
    assert caught.value.status == 404


def test_an_existing_mailbox_is_returned(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(answer({"id": 7, "name": "Support"}))
    found = get_mailbox(client, 7)
    assert isinstance(found, ApiResponse)
    assert found.value.id == 7
    assert upstream.asked[0].path == "/v2/mailboxes/7"


@pytest.mark.parametrize(("status", "why"), [(404, "deleted"), (403, "hidden")])
def test_a_missing_mailbox_has_a_reason(
    upstream: Upstream, client: Client, status: int, why: str
) -> None:
    upstream.script = in_turn(Reply(status, headers=DATE))
    found = get_mailbox(client, 7)
    assert isinstance(found, Missing)
    assert found.reason == why
    assert found.requested_at in range(FIRST, FIRST + 11)


@pytest.mark.parametrize(("status", "kind"), [(400, RequestRefused), (500, Overloaded)])
def test_an_error_does_not_mean_that_a_mailbox_is_missing(
    upstream: Upstream, client: Client, status: int, kind: type[Exception]
) -> None:
    upstream.script = in_turn(Reply(status))
    with pytest.raises(kind):
        get_mailbox(client, 7)

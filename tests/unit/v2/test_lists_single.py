"""Requests for one conversation or mailbox: what each response means."""

from __future__ import annotations

import json

import pytest

from compat.v2.client import ApiResponse, Client
from compat.v2.errors import Overloaded, Redirected, RequestRefused
from compat.v2.lists import Missing, get_conversation, get_mailbox
from compat.v2.models import Conversation, ConversationWithDocument
from tests.unit.v2.upstream import Asked, Reply, Upstream, answer, conversation, in_turn

DATE = {"Date": "Thu, 01 Jan 2015 00:00:10 GMT"}


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


def test_a_merged_conversation_has_the_id_it_was_merged_into(
    upstream: Upstream, client: Client
) -> None:
    place = {"Location": "https://api.helpscout.net/v2/conversations/12", **DATE}
    upstream.script = in_turn(Reply(301, b"", place))
    found = get_conversation(client, 7, Conversation)
    assert isinstance(found, Missing)
    assert (found.reason, found.merged_into) == ("merged", 12)
    assert found.requested_at in range(1_420_070_400, 1_420_070_411)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(404), "deleted"),
        (Reply(403), "hidden"),
        (answer(conversation(7, state="deleted")), "deleted"),
    ],
)
def test_a_missing_conversation_has_a_reason(
    upstream: Upstream, client: Client, reply: Reply, why: str
) -> None:
    upstream.script = in_turn(reply)
    found = get_conversation(client, 7, Conversation)
    assert isinstance(found, Missing)
    assert (found.reason, found.merged_into) == (why, 0)


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


@pytest.mark.parametrize(("status", "kind"), [(400, RequestRefused), (500, Overloaded)])
def test_an_error_does_not_mean_that_a_conversation_is_missing(
    upstream: Upstream, client: Client, status: int, kind: type[Exception]
) -> None:
    upstream.script = in_turn(Reply(status))
    with pytest.raises(kind):
        get_conversation(client, 7, Conversation)


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
    upstream.script = in_turn(Reply(status))
    found = get_mailbox(client, 7)
    assert isinstance(found, Missing)
    assert found.reason == why


@pytest.mark.parametrize(("status", "kind"), [(400, RequestRefused), (500, Overloaded)])
def test_an_error_does_not_mean_that_a_mailbox_is_missing(
    upstream: Upstream, client: Client, status: int, kind: type[Exception]
) -> None:
    upstream.script = in_turn(Reply(status))
    with pytest.raises(kind):
        get_mailbox(client, 7)

"""Asking for one conversation or mailbox: what each answer means, and which mean nothing."""

from __future__ import annotations

import json

import pytest

from compat.v2.client import Answer, Client
from compat.v2.errors import Overloaded, Redirected, RequestRefused
from compat.v2.lists import Gone, look_up, look_up_mailbox
from compat.v2.models import Conversation, DocumentedConversation
from tests.unit.v2.upstream import Reply, Upstream, answer, conversation, in_turn

DATE = {"Date": "Thu, 01 Jan 2015 00:00:10 GMT"}


def test_a_conversation_that_is_there_is_read(upstream: Upstream, client: Client) -> None:
    shown = conversation(7) | {"subject": "Wörter", "extra": [1, {"a": None}]}
    upstream.script = in_turn(answer(shown))
    found = look_up(client, 7, DocumentedConversation)
    assert isinstance(found, Answer)
    assert found.value.id == 7
    assert json.loads(found.value.document) == shown
    assert upstream.asked[0].path == "/v2/conversations/7"


def test_a_merged_one_says_into_what(upstream: Upstream, client: Client) -> None:
    place = {"Location": "https://api.helpscout.net/v2/conversations/12", **DATE}
    upstream.script = in_turn(Reply(301, b"", place))
    found = look_up(client, 7, Conversation)
    assert isinstance(found, Gone)
    assert (found.why, found.into) == ("merged", 12)
    assert found.asked_at in range(1_420_070_400, 1_420_070_411)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(404), "deleted"),
        (Reply(403), "hidden"),
        (answer(conversation(7, state="deleted")), "deleted"),
    ],
)
def test_one_that_is_gone_says_why(
    upstream: Upstream, client: Client, reply: Reply, why: str
) -> None:
    upstream.script = in_turn(reply)
    found = look_up(client, 7, Conversation)
    assert isinstance(found, Gone)
    assert (found.why, found.into) == (why, 0)


@pytest.mark.parametrize(
    ("status", "place"),
    [
        (301, "https://proxy.example.com/login"),
        (301, "https://proxy.example.com/login?next=/conversations/7x"),
        (301, ""),
        (302, "https://api.helpscout.net/v2/conversations/12"),
    ],
)
def test_a_redirect_to_anything_else_is_no_merger(
    upstream: Upstream, client: Client, status: int, place: str
) -> None:
    upstream.script = in_turn(Reply(status, b"", {"Location": place}))
    with pytest.raises(Redirected):
        look_up(client, 7, Conversation)


@pytest.mark.parametrize(("status", "kind"), [(400, RequestRefused), (500, Overloaded)])
def test_trouble_is_not_taken_for_absence(
    upstream: Upstream, client: Client, status: int, kind: type[Exception]
) -> None:
    upstream.script = in_turn(Reply(status))
    with pytest.raises(kind):
        look_up(client, 7, Conversation)


def test_a_mailbox_that_is_there_is_read(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(answer({"id": 7, "name": "Support"}))
    found = look_up_mailbox(client, 7)
    assert isinstance(found, Answer)
    assert found.value.id == 7
    assert upstream.asked[0].path == "/v2/mailboxes/7"


@pytest.mark.parametrize(("status", "why"), [(404, "deleted"), (403, "hidden")])
def test_a_mailbox_that_is_not_shown_says_why(
    upstream: Upstream, client: Client, status: int, why: str
) -> None:
    upstream.script = in_turn(Reply(status))
    found = look_up_mailbox(client, 7)
    assert isinstance(found, Gone)
    assert found.why == why


@pytest.mark.parametrize(("status", "kind"), [(400, RequestRefused), (500, Overloaded)])
def test_trouble_is_not_taken_for_the_absence_of_a_mailbox(
    upstream: Upstream, client: Client, status: int, kind: type[Exception]
) -> None:
    upstream.script = in_turn(Reply(status))
    with pytest.raises(kind):
        look_up_mailbox(client, 7)

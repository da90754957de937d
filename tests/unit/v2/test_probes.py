"""Probes: a page without the rows of its total proves nothing."""

from __future__ import annotations

import json

import pytest

from compat.v2.client import Client
from compat.v2.errors import Unreachable
from compat.v2.models import Conversation
from compat.v2.probes import (
    OneSecondProbe,
    all_includes_spam,
    check_access,
    one_per_second,
    probe_home_folder,
    probe_one_second_lists,
)
from compat.v2.search import FIRST_SECOND, created_between
from tests.unit.v2.upstream import (
    FIRST,
    Asked,
    Json,
    Reply,
    Script,
    Upstream,
    answer,
    conversation,
    page_of,
)

SPAM = conversation(7, status="spam")


def parsed(payload: Json) -> Conversation:
    return Conversation.model_validate_json(json.dumps(payload))


def lists(beside: Reply) -> Script:
    """One conversation is spam; this is what the list of all shows of its second."""

    def script(asked: Asked) -> Reply:
        if asked.path == "/v2/conversations/7":
            return answer(SPAM)
        return page_of([SPAM]) if asked.params["status"] == "spam" else beside

    return script


def test_a_list_of_all_that_shows_spam_is_detected(upstream: Upstream, client: Client) -> None:
    upstream.script = lists(page_of([SPAM]))
    assert all_includes_spam(client, FIRST + 60) is True


def test_a_list_of_all_that_hides_spam_is_detected(upstream: Upstream, client: Client) -> None:
    upstream.script = lists(page_of([]))
    assert all_includes_spam(client, FIRST + 60) is False


def test_a_page_without_the_rows_of_its_total_proves_nothing(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = lists(page_of([], total=1))
    assert all_includes_spam(client, FIRST + 60) is None


@pytest.mark.parametrize("mailbox", [3, None])
def test_the_list_of_all_is_asked_for_the_second_of_the_spam_and_its_mailbox(
    upstream: Upstream, client: Client, mailbox: int | None
) -> None:
    spam = conversation(7, FIRST + 5, status="spam", mailboxId=mailbox)
    asked: list[Asked] = []

    def script(request: Asked) -> Reply:
        asked.append(request)
        return page_of([spam])

    upstream.script = script
    assert all_includes_spam(client, FIRST + 60) is True
    assert {each.path for each in asked} == {"/v2/conversations"}
    common = {"sortField": "createdAt", "sortOrder": "asc", "page": "1"}
    assert [dict(each.params) for each in asked] == [
        {**common, "status": "spam", "query": created_between(FIRST_SECOND, FIRST + 60)},
        {
            **common,
            "status": "all",
            "query": created_between(FIRST + 5, FIRST + 6),
            **({"mailbox": "3"} if mailbox else {}),
        },
    ]


@pytest.mark.parametrize(("status", "listed"), [("spam", "spam"), ("active", "all")])
@pytest.mark.parametrize(
    ("exact", "longer", "pages", "result"),
    [
        (True, True, 1, OneSecondProbe(shown=1, hidden=0)),
        (False, True, 1, OneSecondProbe(shown=0, hidden=1)),
        (False, False, 1, OneSecondProbe(shown=0, hidden=0)),
        (False, True, 2, OneSecondProbe(shown=0, hidden=0)),
    ],
)
def test_a_conversation_is_hidden_if_only_a_list_of_a_second_more_shows_it(
    upstream: Upstream,
    client: Client,
    status: str,
    listed: str,
    *,
    exact: bool,
    longer: bool,
    pages: int,
    result: OneSecondProbe,
) -> None:
    payload = conversation(7, FIRST, status=status)
    asked: list[Asked] = []

    def script(request: Asked) -> Reply:
        asked.append(request)
        is_exact = request.params["query"] == created_between(FIRST, FIRST)
        return page_of([payload] if (exact if is_exact else longer) else [], total=1, pages=pages)

    upstream.script = script
    assert probe_one_second_lists(client, [parsed(payload)]) == result
    assert {each.params["status"] for each in asked} == {listed}
    assert {each.params["mailbox"] for each in asked} == {"1"}


def test_one_conversation_of_each_second_is_probed() -> None:
    rows = [parsed(conversation(number, FIRST + number // 2)) for number in range(6)]
    assert [row.id for row in one_per_second(rows, 2)] == [1, 3]


def test_a_check_of_access_is_one_request_without_retries(
    upstream: Upstream, client: Client
) -> None:
    asked: list[Asked] = []

    def script(request: Asked) -> Reply:
        asked.append(request)
        return Reply(500)

    upstream.script = script
    with pytest.raises(Unreachable):
        check_access(client)
    assert [each.params["query"] for each in asked] == [
        created_between(FIRST_SECOND, FIRST_SECOND + 1)
    ]


def in_folder(listed: list[Json], others: list[Json], pages: int = 1) -> Script:
    """What the list of folder 11 shows, and the list of its mailbox."""

    def script(asked: Asked) -> Reply:
        rows = listed if asked.params.get("folder") == "11" else others
        return page_of(rows, total=len(rows), pages=pages)

    return script


@pytest.mark.parametrize(
    ("listed", "others", "pages", "result"),
    [
        ([], [], 1, (0, [], [])),
        ([(1, 11)], [(1, 11), (2, 12)], 1, (1, [], [])),
        ([(1, 11), (2, 12)], [(1, 11), (2, 12)], 1, (2, [2], [])),
        ([(1, None)], [(1, None)], 1, (1, [], [])),
        ([(1, 11)], [(1, 11), (2, 11)], 1, (2, [], [2])),
        ([(1, 11), (3, 11)], [(1, 11), (2, 11), (3, 11)], 2, (3, [], [2])),
        ([(1, 11)], [(1, 11), (2, 11)], 2, (1, [], [])),
    ],
)
def test_the_list_of_a_home_folder_is_compared_with_payloads(
    upstream: Upstream,
    client: Client,
    listed: list[tuple[int, int | None]],
    others: list[tuple[int, int | None]],
    *,
    pages: int,
    result: tuple[int, list[int], list[int]],
) -> None:
    """Each conversation is created in the second of its id; a page may not be the last."""
    shown, beside = (
        [conversation(id_, FIRST + id_, folderId=folder) for id_, folder in rows]
        for rows in (listed, others)
    )
    upstream.script = in_folder(shown, beside, pages)
    found = probe_home_folder(client, 11, 1, "all", FIRST + 60)
    assert (found.compared, list(found.unexpected), list(found.unlisted)) == result

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
OTHER = conversation(8)


def parsed(payload: Json) -> Conversation:
    return Conversation.model_validate_json(json.dumps(payload))


def lists(beside: Reply, now: Reply | None = None) -> Script:
    """One conversation is spam; this is what the list of all shows of its second.

    Args:
        beside: That list.
        now: What a request for the conversation itself shows; that it is spam if None.
    """

    def script(asked: Asked) -> Reply:
        if asked.path == "/v2/conversations/7":
            return now or answer(SPAM)
        return page_of([SPAM]) if asked.params["status"] == "spam" else beside

    return script


def test_a_list_of_all_that_shows_spam_is_detected(upstream: Upstream, client: Client) -> None:
    upstream.script = lists(page_of([SPAM]))
    assert all_includes_spam(client, FIRST + 60) is True


@pytest.mark.parametrize("beside", [page_of([]), page_of([OTHER])])
def test_a_list_of_all_that_hides_spam_is_detected(
    upstream: Upstream, client: Client, beside: Reply
) -> None:
    upstream.script = lists(beside)
    assert all_includes_spam(client, FIRST + 60) is False


@pytest.mark.parametrize(
    "beside", [page_of([], total=1), page_of([OTHER], total=2), page_of([OTHER], total=2, pages=2)]
)
def test_a_page_without_the_rows_of_its_total_proves_nothing(
    upstream: Upstream, client: Client, beside: Reply
) -> None:
    upstream.script = lists(beside)
    assert all_includes_spam(client, FIRST + 60) is None


@pytest.mark.parametrize("now", [Reply(404), answer(OTHER), answer({**SPAM, "state": "deleted"})])
def test_spam_that_was_removed_or_is_no_spam_any_more_proves_nothing(
    upstream: Upstream, client: Client, now: Reply
) -> None:
    upstream.script = lists(page_of([]), now)
    assert all_includes_spam(client, FIRST + 60) is None


def test_rows_of_a_list_of_spam_that_are_no_spam_prove_nothing(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = lambda _: page_of([OTHER])
    assert all_includes_spam(client, FIRST + 60) is None
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(("shown", "result"), [([9], True), ([10], None), ([], None)])
def test_spam_is_tried_until_some_shows_it_three_times_at_most(
    upstream: Upstream, client: Client, shown: list[int], result: bool | None
) -> None:
    spam = [conversation(id_, FIRST + id_, status="spam") for id_ in (7, 8, 9, 10)]

    def script(asked: Asked) -> Reply:
        if asked.params.get("status") == "spam":
            return page_of(spam)
        seconds = {created_between(FIRST + row["id"], FIRST + row["id"] + 1): row for row in spam}
        row = seconds[asked.params["query"]]
        return page_of([row] if row["id"] in shown else [], total=1)

    upstream.script = script
    assert all_includes_spam(client, FIRST + 60) is result
    assert len(upstream.asked) == 1 + 3


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


def test_conversations_are_probed_until_one_is_hidden(upstream: Upstream, client: Client) -> None:
    rows = [conversation(number, FIRST + 10 * number) for number in range(4)]
    queries: list[str] = []

    def script(asked: Asked) -> Reply:
        """The third is shown only if the list is one second longer."""
        queries.append(asked.params["query"])
        number = (len(queries) - 1) if len(queries) < 4 else 2
        return page_of([] if len(queries) == 3 else [rows[number]], total=1)

    upstream.script = script
    assert probe_one_second_lists(client, map(parsed, rows)) == OneSecondProbe(2, 1)
    assert queries == [
        created_between(FIRST, FIRST),
        created_between(FIRST + 10, FIRST + 10),
        created_between(FIRST + 20, FIRST + 20),
        created_between(FIRST + 20, FIRST + 21),
    ]


def test_one_conversation_of_each_second_is_probed() -> None:
    rows = [parsed(conversation(number, FIRST + number // 2)) for number in range(6)]
    assert [row.id for row in one_per_second(rows, 2)] == [1, 3]


def test_a_check_of_access_is_one_request_without_retries(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = lambda _: Reply(500)
    with pytest.raises(Unreachable):
        check_access(client)
    (asked,) = upstream.asked
    assert asked.path == "/v2/conversations"
    assert asked.params == {
        "status": "all",
        "query": created_between(FIRST_SECOND, FIRST_SECOND + 1),
        "sortField": "createdAt",
        "sortOrder": "asc",
        "page": "1",
    }


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
        ([(1, 11), (9, 11)], [(1, 11), (2, 11), (3, 11)], 2, (3, [], [2])),
        ([], [(1, 11), (2, 11)], 2, (0, [], [])),
        ([], [(1, 11), (2, 11)], 1, (2, [], [1, 2])),
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


@pytest.mark.parametrize("status", ["all", "spam"])
@pytest.mark.parametrize(("listed", "since"), [([(5, 11), (9, 11)], FIRST + 5), ([], FIRST_SECOND)])
def test_payloads_are_listed_from_where_the_list_of_the_folder_begins(
    upstream: Upstream,
    client: Client,
    status: str,
    listed: list[tuple[int, int | None]],
    since: int,
) -> None:
    shown = [conversation(id_, FIRST + id_, folderId=folder) for id_, folder in listed]
    upstream.script = in_folder(shown, shown)
    probe_home_folder(client, 11, 3, status, FIRST + 60)
    common = {"status": status, "mailbox": "3", "page": "1"}
    common |= {"sortField": "createdAt", "sortOrder": "asc"}
    assert [dict(asked.params) for asked in upstream.asked] == [
        {**common, "folder": "11", "query": created_between(FIRST_SECOND, FIRST + 60)},
        {**common, "query": created_between(since, FIRST + 60)},
    ]

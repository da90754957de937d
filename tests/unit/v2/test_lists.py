"""Mailboxes, folders and tags, page by page."""

from __future__ import annotations

import pytest

from compat.simulator import Account, Simulator
from compat.simulator.layout import Layout
from compat.v2 import lists
from compat.v2.client import Client
from compat.v2.errors import InconsistentData, RequestRefused
from tests.unit.v2.upstream import FIRST, QUIET, Json, Reply, Stage, Upstream, answer, in_turn


def facts(pages: int, total: int = 99) -> Json:
    return {"size": 50, "totalElements": total if pages else 0, "totalPages": pages, "number": 1}


def mailboxes_page(*ids: int, pages: int, total: int = 99) -> Reply:
    rows = [{"id": each, "name": "Support", "slug": "support"} for each in ids]
    return answer({"_embedded": {"mailboxes": rows}, "page": facts(pages, total)})


def test_all_pages_of_mailboxes_are_read(stage_and_client: tuple[Stage, Client]) -> None:
    stage, client = stage_and_client
    layout = Layout(tuple(f"Mailbox {number}" for number in range(120)))
    stage.playing = Simulator(Account(layout), QUIET)
    found = [mailbox.id for mailbox in lists.mailboxes(client).rows]
    assert found == [mailbox.id for mailbox in layout.mailboxes]


def test_pages_are_requested_by_number(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(mailboxes_page(1, 2, pages=2), mailboxes_page(3, pages=2))
    assert [mailbox.id for mailbox in lists.mailboxes(client).rows] == [1, 2, 3]
    assert [(asked.path, asked.page) for asked in upstream.asked] == [
        ("/v2/mailboxes", 1),
        ("/v2/mailboxes", 2),
    ]


def test_pages_that_disappear_meanwhile_are_not_requested(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = in_turn(mailboxes_page(1, pages=3), mailboxes_page(2, pages=2))
    assert [mailbox.id for mailbox in lists.mailboxes(client).rows] == [1, 2]


@pytest.mark.parametrize(
    "payload",
    [
        {"page": facts(0)},
        {"_embedded": {"mailboxes": []}, "page": facts(0)},
        {"_embedded": {}},
    ],
)
def test_an_empty_list_of_mailboxes_has_several_forms(
    upstream: Upstream, client: Client, payload: object
) -> None:
    upstream.script = in_turn(answer(payload))
    assert lists.mailboxes(client).rows == ()


@pytest.mark.parametrize(
    "payload",
    [
        {"_embedded": {"mailboxes": []}, "page": facts(3)},
        {"page": facts(3)},
        {"_embedded": {"mailboxes": [{"id": 1}]}, "page": facts(3) | {"size": 1, "totalPages": 1}},
    ],
)
def test_a_list_that_contradicts_its_total_is_an_error(
    upstream: Upstream, client: Client, payload: object
) -> None:
    upstream.script = lambda _: answer(payload)
    with pytest.raises(InconsistentData, match="list /mailboxes"):
        lists.mailboxes(client)


@pytest.mark.parametrize("payload", [{}, {"_embedded": None, "page": None}, {"error": "sorry"}])
def test_an_answer_without_entries_and_without_a_total_is_no_empty_list(
    upstream: Upstream, client: Client, payload: object
) -> None:
    upstream.script = lambda _: answer(payload)
    with pytest.raises(InconsistentData, match="list /mailboxes shows neither entries nor a total"):
        lists.mailboxes(client)


def test_a_list_that_shows_the_same_page_whatever_the_number_is_an_error(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = lambda _: mailboxes_page(*range(1, 51), pages=2)
    with pytest.raises(InconsistentData, match="/mailboxes repeat entries, and lack others"):
        lists.mailboxes(client)


def test_an_entry_that_comes_twice_on_a_page_is_listed_once(
    upstream: Upstream, client: Client
) -> None:
    rows = [{"id": 1}, {"id": 1}]
    info = {"size": 50, "totalElements": 2, "totalPages": 1}
    upstream.script = in_turn(answer({"_embedded": {"mailboxes": rows}, "page": info}))
    assert [each.id for each in lists.mailboxes(client).rows] == [1]


def test_a_list_in_which_an_entry_is_added_while_it_is_read_is_read_again(
    upstream: Upstream, client: Client
) -> None:
    def page(*ids: int, total: int) -> Reply:
        rows = [{"id": each} for each in ids]
        info = {"size": 2, "totalElements": total, "totalPages": -(-total // 2)}
        return answer({"_embedded": {"mailboxes": rows}, "page": info})

    upstream.script = in_turn(
        *(page(1, 2, total=3), page(2, 3, total=4)),  # 9 was added in front
        *(page(9, 1, total=4), page(2, 3, total=4)),
    )
    assert [each.id for each in lists.mailboxes(client).rows] == [9, 1, 2, 3]


def test_folders_have_a_type(upstream: Upstream, client: Client) -> None:
    rows = [{"id": 11, "type": "open", "name": "Unassigned"}, {"id": 12, "type": "new kind"}]
    upstream.script = in_turn(answer({"_embedded": {"folders": rows}}))
    folders = lists.folders(client, 8501).rows
    assert [(folder.id, folder.type) for folder in folders] == [(11, "open"), (12, "new kind")]
    assert [asked.path for asked in upstream.asked] == ["/v2/mailboxes/8501/folders"]


@pytest.mark.parametrize("nothing", [{}, {"type": None}])
def test_a_folder_may_have_no_type(upstream: Upstream, client: Client, nothing: Json) -> None:
    upstream.script = in_turn(answer({"_embedded": {"folders": [{"id": 11, **nothing}]}}))
    assert [folder.type for folder in lists.folders(client, 8501).rows] == [None]


def test_a_folder_without_an_id_is_inconsistent(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(answer({"_embedded": {"folders": [{"type": "open"}]}}))
    with pytest.raises(InconsistentData, match=r"folders\.0\.id"):
        lists.folders(client, 8501)


def test_all_pages_of_tags_are_read(stage_and_client: tuple[Stage, Client]) -> None:
    stage, client = stage_and_client
    account = Account()
    for number in range(120):
        account.layout.tag_named(f"tag {number}")
    stage.playing = Simulator(account, QUIET)
    found = [tag.id for tag in lists.all_entries(client, "/tags").rows]
    assert found == [tag.id for tag in account.layout.tags]


def test_a_row_that_moves_from_page_to_page_is_listed_once(
    upstream: Upstream, client: Client
) -> None:
    pages = (mailboxes_page(*ids, pages=2, total=3) for ids in ((1, 2), (2, 3)))
    upstream.script = in_turn(*pages)
    assert [mailbox.id for mailbox in lists.mailboxes(client).rows] == [1, 2, 3]


def test_the_request_time_of_a_list_is_that_of_its_first_page(
    upstream: Upstream, client: Client
) -> None:
    dates = ("Thu, 01 Jan 2015 00:00:10 GMT", "Thu, 01 Jan 2015 00:00:50 GMT")
    payload = {"_embedded": {"mailboxes": [{"id": 1}]}, "page": facts(2, 1)}
    upstream.script = in_turn(*[answer(payload, 200, {"Date": date}) for date in dates])
    assert FIRST < lists.mailboxes(client).requested_at <= FIRST + 10


def test_a_mailbox_that_does_not_exist_has_no_folders(
    stage_and_client: tuple[Stage, Client],
) -> None:
    stage, client = stage_and_client
    stage.playing = Simulator(Account(), QUIET)
    with pytest.raises(RequestRefused) as caught:
        lists.folders(client, 999_999)
    assert caught.value.status == 404

"""Mailboxes and folders, page by page."""

from __future__ import annotations

import pytest

from compat.simulator import Account, Simulator
from compat.simulator.layout import Layout
from compat.v2 import catalogue
from compat.v2.client import Client
from compat.v2.errors import Incoherent
from tests.v2.upstream import QUIET, Json, Reply, Stage, Upstream, answer, in_turn


def facts(pages: int) -> Json:
    return {"size": 50, "totalElements": 99, "totalPages": pages, "number": 1}


def mailboxes_page(*ids: int, pages: int) -> Reply:
    rows = [{"id": each, "name": "Support", "slug": "support"} for each in ids]
    return answer({"_embedded": {"mailboxes": rows}, "page": facts(pages)})


def test_all_pages_of_mailboxes_are_read(theatre: tuple[Stage, Client]) -> None:
    stage, client = theatre
    layout = Layout(tuple(f"Mailbox {number}" for number in range(120)))
    stage.playing = Simulator(Account(layout), QUIET)
    found = [mailbox.id for mailbox in catalogue.mailboxes(client)]
    assert found == [mailbox.id for mailbox in layout.mailboxes]


def test_pages_are_asked_for_by_number(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(mailboxes_page(1, 2, pages=2), mailboxes_page(3, pages=2))
    assert [mailbox.id for mailbox in catalogue.mailboxes(client)] == [1, 2, 3]
    assert [(asked.path, asked.page) for asked in upstream.asked] == [
        ("/v2/mailboxes", 1),
        ("/v2/mailboxes", 2),
    ]


def test_pages_that_go_away_meanwhile_are_not_asked_for(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(mailboxes_page(1, pages=3), mailboxes_page(2, pages=2))
    assert [mailbox.id for mailbox in catalogue.mailboxes(client)] == [1, 2]


@pytest.mark.parametrize(
    "payload",
    [
        {"page": facts(0)},
        {"_embedded": {"mailboxes": []}, "page": facts(0)},
        {"_embedded": {}},
    ],
)
def test_no_mailboxes_come_in_several_shapes(
    upstream: Upstream, client: Client, payload: object
) -> None:
    upstream.script = in_turn(answer(payload))
    assert catalogue.mailboxes(client) == ()


def test_folders_know_their_type(upstream: Upstream, client: Client) -> None:
    rows = [{"id": 11, "type": "open", "name": "Unassigned"}, {"id": 12, "type": "new kind"}]
    upstream.script = in_turn(answer({"_embedded": {"folders": rows}}))
    folders = catalogue.folders(client, 8501)
    assert [(folder.id, folder.type) for folder in folders] == [(11, "open"), (12, "new kind")]
    assert [asked.path for asked in upstream.asked] == ["/v2/mailboxes/8501/folders"]


def test_a_folder_without_its_type_is_incoherent(upstream: Upstream, client: Client) -> None:
    upstream.script = in_turn(answer({"_embedded": {"folders": [{"id": 11}]}}))
    with pytest.raises(Incoherent, match=r"folders\.0\.type"):
        catalogue.folders(client, 8501)

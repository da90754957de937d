"""Home folders, views and unknown folders, by the lists of folders."""

from __future__ import annotations

import pytest

from compat.sources.folders import Folders, SortedFolders
from compat.v2.client import Client
from compat.v2.errors import AccessRefused, RequestRefused
from tests.unit.v2.upstream import Asked, Json, Reply, Upstream, answer

HIDDEN, HERE, DELETED, FAILING = 1, 2, 3, 4
HOME, VIEW, WITHOUT_TYPE, UNKNOWN = 21, 22, 23, 99


def script(asked: Asked) -> Reply:
    """Mailbox 1 is hidden, 2 has folders, 3 does not exist any more, and 4 is refused."""
    folders: dict[int, list[Json]] = {
        HERE: [
            {"id": HOME, "type": "closed"},
            {"id": VIEW, "type": "mytickets"},
            {"id": WITHOUT_TYPE, "type": None},
        ]
    }
    if asked.path == "/v2/mailboxes":
        listed: list[Json] = [{"id": HIDDEN}, {"id": HERE}]
        return rows("mailboxes", listed)
    mailbox = int(asked.path.split("/")[3])
    if mailbox in folders:
        return rows("folders", folders[mailbox])
    return Reply({HIDDEN: 403, DELETED: 404, FAILING: 405}[mailbox])


def rows(name: str, items: list[Json]) -> Reply:
    facts = {"size": 50, "totalElements": len(items), "totalPages": 1, "number": 1}
    return answer({"_embedded": {name: items}, "page": facts})


@pytest.fixture
def folders(upstream: Upstream, client: Client) -> Folders:
    upstream.script = script
    return Folders(client)


def test_folders_are_sorted_by_their_type(folders: Folders) -> None:
    wanted = frozenset({HOME, VIEW, WITHOUT_TYPE, UNKNOWN})
    assert folders.sort(wanted, frozenset({HERE})) == SortedFolders(
        homes=frozenset({HOME}),
        home_mailboxes=frozenset({HERE}),
        views=frozenset({VIEW, WITHOUT_TYPE}),
        unknown=frozenset({UNKNOWN}),
    )


@pytest.mark.parametrize("mailboxes", [frozenset[int](), frozenset({HIDDEN, HERE})])
def test_folders_are_found_behind_a_hidden_mailbox(
    folders: Folders, mailboxes: frozenset[int]
) -> None:
    assert folders.sort(frozenset({HOME}), mailboxes).homes == {HOME}


def test_a_folder_that_may_be_in_a_hidden_mailbox_is_an_error(folders: Folders) -> None:
    with pytest.raises(AccessRefused):
        folders.sort(frozenset({HOME, UNKNOWN}), frozenset({HIDDEN, HERE}))


def test_a_mailbox_that_does_not_exist_has_no_folders(folders: Folders) -> None:
    found = folders.sort(frozenset({HOME}), frozenset({DELETED}))
    assert found.unknown == {HOME}


def test_a_list_of_folders_that_is_refused_is_an_error(folders: Folders) -> None:
    with pytest.raises(RequestRefused):
        folders.sort(frozenset({HOME}), frozenset({HERE, FAILING}))

"""Which lists a run reads, what it stores of them, and which mailboxes are lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import pytest

from compat.archive.errors import LossAhead
from compat.archive.sync import lists
from compat.archive.sync.lists import (
    read_lists,
    read_new_folders,
    read_users,
    remove_lost_mailboxes,
)
from compat.core.models import ListItem, ListQuery
from compat.simulator import Account
from compat.simulator.layout import Layout
from compat.v2.errors import AccessRefused, InconsistentData, RequestRefused
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.samples import instant, record, save_all
from tests.unit.archive.sync.synced_account import (
    DAY,
    Clock,
    Staged,
    opened_archive,
    opened_session,
    staged,
)

FIRST = int(Clock().now) - 40 * DAY
UNLISTED = 8515
"""The third mailbox."""

NOTHING = {"page": {"number": 1, "size": 50, "totalElements": 0, "totalPages": 0}}
REPEATING = {
    "_embedded": {"users": [{"id": 1}]},
    "page": {"number": 1, "size": 1, "totalElements": 2, "totalPages": 2},
}
"""A list that shows the same page whatever the number."""

Answer = Callable[[str, dict[str, str]], tuple[int, Any] | None]


@pytest.fixture
def stage(upstream_server: Upstream, url: str) -> Staged:
    """Three mailboxes with a conversation each, and an empty archive."""
    clock = Clock()
    account = Account(layout=Layout(("Support", "Sales", "Partners")), clock=clock)
    for mailbox in account.layout.mailboxes:
        account.add(FIRST, mailbox_id=mailbox.id)
    return staged(upstream_server, url, account, clock)


class Overlaid:
    """The API, but that some requests are answered by a function."""

    def __init__(self, stage: Staged, answer: Answer) -> None:
        self._simulator = stage.simulator
        self._clock = stage.clock
        self._answer = answer
        stage.upstream_server.app = self

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix("/v2")
        answer = self._answer(path, dict(parse_qsl(scope["query_string"].decode())))
        if answer is None:
            await self._simulator(scope, receive, send)
            return
        status, payload = answer
        headers = [
            (b"content-type", b"application/json"),
            (b"date", formatdate(self._clock(), usegmt=True).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(payload).encode()})


def answered(stage: Staged, **answers: tuple[int, Any]) -> None:
    """Let some lists be answered so; their paths have `_` in place of `/`."""
    paths = {"/" + name.replace("_", "/"): answer for name, answer in answers.items()}
    Overlaid(stage, lambda path, params: None if "mailbox" in params else paths.get(path))


def items(stage: Staged, kind: Any, parent: int = 0) -> list[int] | None:
    """The ids of a list that the archive holds; None if it does not know the list."""
    with opened_archive(stage) as archive, archive.reading() as snapshot:
        found = snapshot.list_items(ListQuery(kind, parent))
    return None if found is None else [each.id for each in found]


def store(stage: Staged, kind: Any, parent: int, *ids: int) -> None:
    with opened_archive(stage) as archive, archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery(kind, parent), [ListItem(id_, "x") for id_ in ids], 1)


def store_conversations(stage: Staged, mailbox: int, *ids: int) -> None:
    with opened_archive(stage) as archive:
        save_all(archive, [record(id_, mailbox=mailbox, seen=1) for id_ in ids])


# Mailboxes, folders and tags.


def test_mailboxes_their_folders_and_tags_are_read_and_the_first_answer_says_the_time(
    stage: Staged,
) -> None:
    with opened_session(stage) as session:
        read_lists(session)
        assert session.started_at == pytest.approx(stage.clock.now, abs=2)
        assert session.lost_mailboxes == frozenset()
    layout = stage.account.layout
    mailboxes = [mailbox.id for mailbox in layout.mailboxes]
    assert items(stage, "mailboxes") == mailboxes
    for mailbox in mailboxes:
        assert items(stage, "folders", mailbox) == [each.id for each in layout.folders_of(mailbox)]
    assert items(stage, "tags") == [tag.id for tag in layout.tags]
    assert stage.asked() == 2 + len(mailboxes)


def test_only_mailboxes_that_are_held_and_not_listed_are_looked_up(stage: Staged) -> None:
    stage.account.layout.unlisted.add(UNLISTED)
    store_conversations(stage, UNLISTED, 1)
    store_conversations(stage, stage.account.layout.mailboxes[0].id, 2)
    with opened_session(stage) as session:
        read_lists(session)
        assert session.lost_mailboxes == frozenset()
    lookups = [path for path in stage.simulator.requests if path.startswith("/v2/mailboxes/")]
    assert [path for path in lookups if not path.endswith("/folders")] == [
        f"/v2/mailboxes/{UNLISTED}"
    ]
    assert items(stage, "folders", UNLISTED)


@pytest.mark.parametrize("accept_loss", [True, False])
def test_a_mailbox_that_nothing_shows_is_lost(stage: Staged, accept_loss: bool) -> None:
    for row in stage.account.conversations():
        if row.mailbox_id == UNLISTED:
            stage.account.delete(row.id)
    stage.account.layout.remove_mailbox(UNLISTED)
    store_conversations(stage, UNLISTED, 1, 2)
    with opened_session(stage, accept_loss=accept_loss) as session:
        if accept_loss:
            read_lists(session)
            assert session.lost_mailboxes == {UNLISTED}
        else:
            with pytest.raises(LossAhead, match=rf"{UNLISTED} \(2 conversations\)"):
                read_lists(session)
    assert f"/v2/mailboxes/{UNLISTED}/folders" not in stage.simulator.requests


@pytest.mark.parametrize("status", [400, 403])
def test_only_the_folders_of_mailboxes_that_are_not_listed_may_be_refused(
    stage: Staged, status: int
) -> None:
    stage.account.layout.unlisted.add(UNLISTED)
    store_conversations(stage, UNLISTED, 1)
    store(stage, "folders", UNLISTED, 77)
    listed = stage.account.layout.mailboxes[0].id
    Overlaid(
        stage, lambda path, _: (status, {}) if path == f"/mailboxes/{UNLISTED}/folders" else None
    )
    with opened_session(stage) as session:
        read_lists(session)
    assert stage.reported("list refused") == [{"list": "folders", "of": UNLISTED, "status": status}]
    assert items(stage, "folders", UNLISTED) == [77], "what is known stays"
    assert items(stage, "folders", listed)
    Overlaid(
        stage, lambda path, _: (status, {}) if path == f"/mailboxes/{listed}/folders" else None
    )
    with opened_session(stage) as session, pytest.raises((RequestRefused, AccessRefused)):
        read_lists(session)


def test_tags_may_not_be_refused(stage: Staged) -> None:
    answered(stage, tags=(403, {}))
    with opened_session(stage) as session, pytest.raises(AccessRefused):
        read_lists(session)
    assert items(stage, "folders", stage.account.layout.mailboxes[0].id) is None


def test_a_list_of_mailboxes_that_cannot_be_read_stops_the_run(stage: Staged) -> None:
    answered(stage, mailboxes=(200, REPEATING))
    with opened_session(stage) as session, pytest.raises(InconsistentData):
        read_lists(session)


def test_a_list_that_cannot_be_read_is_reported_and_stays_as_it_was(stage: Staged) -> None:
    store(stage, "tags", 0, 77)
    answered(stage, tags=(200, REPEATING))
    with opened_session(stage) as session:
        read_lists(session)
        assert session.requested_at == pytest.approx(stage.clock.now, abs=2)
    (facts,) = stage.reported("list unreadable")
    assert (facts["list"], facts["of"]) == ("tags", 0)
    assert "/tags" in str(facts["why"])
    assert not stage.reported("list refused")
    assert items(stage, "tags") == [77]


# Users and teams.


def test_users_and_teams_are_read_with_those_of_each_mailbox_and_team(stage: Staged) -> None:
    layout = stage.account.layout
    with opened_session(stage) as session:
        read_lists(session)
        read_users(session)
    users = {user.id for user in (*layout.users, *layout.invited)}
    assert set(items(stage, "users") or ()) == users
    assert set(items(stage, "me") or ()) <= users
    assert items(stage, "me")
    assert items(stage, "teams") == [team.id for team in layout.teams]
    for mailbox in layout.mailboxes:
        assert items(stage, "mailbox_users", mailbox.id)
    for team in layout.teams:
        assert set(items(stage, "members", team.id) or ()) == team.user_ids


def test_users_of_mailboxes_and_teams_that_are_gone_are_removed(stage: Staged) -> None:
    store(stage, "mailbox_users", 5, 77)
    store(stage, "members", 6, 77)
    with opened_session(stage) as session:
        read_lists(session)
        read_users(session)
    assert items(stage, "mailbox_users", 5) is None
    assert items(stage, "members", 6) is None


@pytest.mark.parametrize("status", [400, 403])
def test_users_that_are_refused_are_reported_and_stay_as_they_were(
    stage: Staged, status: int
) -> None:
    store(stage, "users", 0, 77)
    answered(stage, users=(status, {}))
    with opened_session(stage) as session:
        read_lists(session)
        read_users(session)
    assert stage.reported("list refused") == [{"list": "users", "of": 0, "status": status}]
    assert not stage.reported("list unreadable")
    assert items(stage, "users") == [77]
    assert items(stage, "me")


def test_members_are_neither_read_nor_removed_if_teams_are_refused(stage: Staged) -> None:
    store(stage, "members", 6, 77)
    answered(stage, teams=(403, {}))
    with opened_session(stage) as session:
        read_lists(session)
        read_users(session)
    assert items(stage, "members", 6) == [77]
    assert not any("members" in path for path in stage.simulator.requests)


def test_members_of_all_teams_are_removed_if_there_are_none_any_more(stage: Staged) -> None:
    store(stage, "members", 6, 77)
    answered(stage, teams=(200, NOTHING))
    with opened_session(stage) as session:
        read_lists(session)
        read_users(session)
    assert items(stage, "teams") == []
    assert items(stage, "members", 6) is None


def test_users_may_not_be_refused_with_any_other_status(stage: Staged) -> None:
    answered(stage, users=(405, {}))
    with opened_session(stage) as session:
        read_lists(session)
        with pytest.raises(RequestRefused):
            read_users(session)


# Folders of mailboxes that are new.


def test_only_folders_that_were_never_read_are_read_except_those_of_lost_mailboxes(
    stage: Staged,
) -> None:
    known, new, lost = (mailbox.id for mailbox in stage.account.layout.mailboxes)
    for number, mailbox in enumerate((known, new, lost), 1):
        store_conversations(stage, mailbox, number)
    store(stage, "folders", known, 77)
    with opened_session(stage) as session:
        session.lost_mailboxes = frozenset({lost})
        read_new_folders(session)
    assert items(stage, "folders", known) == [77]
    assert items(stage, "folders", new)
    assert items(stage, "folders", lost) is None
    assert stage.asked() == 1


def test_new_folders_may_be_refused(stage: Staged) -> None:
    mailbox = stage.account.layout.mailboxes[0].id
    store_conversations(stage, mailbox, 1)
    Overlaid(stage, lambda path, _: (403, {}) if path.endswith("/folders") else None)
    with opened_session(stage) as session:
        read_new_folders(session)
    assert [each["of"] for each in stage.reported("list refused")] == [mailbox]


# Mailboxes that are lost.


def test_conversations_of_lost_mailboxes_are_removed_except_those_that_the_run_has_seen(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_BATCH", 2)
    store_conversations(stage, 5, 1, 2, 3, 4, 5, 6)
    store_conversations(stage, 6, 7)
    store(stage, "folders", 5, 77)
    checks: list[int] = []
    with opened_session(stage) as session:
        session.lost_mailboxes, session.seen_in_lost_mailboxes = frozenset({5}), {3}
        session.rows_removed = 10
        session.note_time(100)
        session.check_stopped = lambda: checks.append(1)
        remove_lost_mailboxes(session)
        assert session.rows_removed == 15
    assert stage.reported("mailbox gone") == [{"mailbox": 5, "conversations": 5}]
    assert stage.rows().keys() == {3, 7}
    assert items(stage, "folders", 5) is None
    # Before the mailbox, two lists of its conversations, and each batch.
    assert len(checks) == 3 + 3


def test_other_lost_mailboxes_are_removed_though_one_is_shown_again(stage: Staged) -> None:
    shown = stage.account.layout.mailboxes[0].id
    store_conversations(stage, shown, 1)
    store_conversations(stage, 9000, 2)
    with opened_session(stage) as session:
        session.started_at = session.note_time(100)
        session.lost_mailboxes = frozenset({shown, 9000})
        remove_lost_mailboxes(session)
    assert stage.rows().keys() == {1}
    assert [each["mailbox"] for each in stage.reported("mailbox gone")] == [9000]


def page(total: int, *mailboxes: int) -> tuple[int, Any]:
    """A page of conversations of some mailboxes."""
    shown = [
        {"id": number, "createdAt": instant(FIRST), "mailboxId": mailbox, "state": "published"}
        | {"status": "active"}
        for number, mailbox in enumerate(mailboxes, 1)
    ]
    info = {"number": 1, "size": 25, "totalElements": total, "totalPages": min(total, 1)}
    return 200, {"_embedded": {"conversations": shown}, "page": info}


@pytest.mark.parametrize(
    ("of_all", "of_spam", "is_shown"),
    [
        (page(0), page(0), False),
        (page(1, 5), page(0), True),
        (page(0), page(1, 5), True),
        (page(1, 6), page(0), False),
        (page(2, 6, 5), page(0), True),
        (page(3), page(0), True),
        (page(0), page(1), True),
        ((400, {}), (400, {}), False),
        ((403, {}), (403, {}), False),
        ((404, {}), (404, {}), False),
        ((404, {}), page(1, 5), True),
        ((405, {}), page(1, 5), None),
    ],
)
def test_a_mailbox_without_an_address_is_shown_if_a_list_has_a_conversation_of_it(
    stage: Staged,
    of_all: tuple[int, Any],
    of_spam: tuple[int, Any],
    is_shown: bool | None,
) -> None:
    asked: list[dict[str, str]] = []

    def answer(path: str, params: dict[str, str]) -> tuple[int, Any] | None:
        if path != "/conversations":
            return (404, {}) if path.startswith("/mailboxes/") else None
        asked.append(params)
        return of_spam if params["status"] == "spam" else of_all

    Overlaid(stage, answer)
    with opened_session(stage) as session:
        session.started_at = FIRST
        if is_shown is None:
            with pytest.raises(RequestRefused):
                lists._is_shown(session, 5)
        else:
            assert lists._is_shown(session, 5) is is_shown
        assert session.requested_at == pytest.approx(stage.clock.now, abs=2)
    assert [params["status"] for params in asked] == ["all", "spam"][: len(asked)]
    assert {params["mailbox"] for params in asked} == {"5"}
    assert {params["query"] for params in asked} == {f"(createdAt:[* TO {instant(FIRST)}])"}


def test_a_mailbox_with_an_address_is_shown_and_no_list_is_asked_for(stage: Staged) -> None:
    with opened_session(stage) as session:
        assert lists._is_shown(session, stage.account.layout.mailboxes[0].id)
        assert session.requested_at == pytest.approx(stage.clock.now, abs=2)
    assert stage.asked() == 1

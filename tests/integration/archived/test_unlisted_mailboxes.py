"""Offline counts of a mailbox that the list of mailboxes leaves out."""

from __future__ import annotations

import json

import pytest

from compat.archive.database import open_archive
from compat.core.models import ListQuery
from compat.simulator import Account
from tests.integration.archived.offline_service import (
    answer_of,
    ask,
    expected_answer,
    service,
    staged_with_one_clock,
)
from tests.integration.archived.test_answers import FIRST, everything
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.conftest import url  # noqa: F401 - a fixture, used by its name
from tests.unit.archive.sync.synced_account import Clock, Staged, sample_account, staged

UNKNOWN = 999_999


@pytest.fixture
def stage(upstream_server: Upstream, url: str, monkeypatch: pytest.MonkeyPatch) -> Staged:  # noqa: F811
    """An account with a mailbox that is in no list, and an archive of it in SQLite."""
    made = staged_with_one_clock(upstream_server, url, monkeypatch)
    made.account.layout.unlisted.add(unlisted(made))
    made.sync()
    return made


def unlisted(stage: Staged) -> int:
    return stage.account.layout.mailboxes[-1].id


def home(stage: Staged, mailbox: int) -> int:
    return stage.account.layout.folder_id(mailbox, "closed")


def folders_path(mailbox: int) -> str:
    return f"/v1/mailboxes/{mailbox}/folders.json"


@pytest.mark.parametrize("filtered", ["nothing", "mailboxes", "folders"])
def test_the_offline_count_is_the_live_count(stage: Staged, filtered: str) -> None:
    mailbox = unlisted(stage)
    filters = {
        "nothing": {},
        "mailboxes": {"mailboxes": (mailbox,)},
        "folders": {"folders": (home(stage, mailbox),)},
    }[filtered]
    asked = everything(filters=filters)
    with service(stage, archive=None) as live:
        counted = answer_of(live, asked)
    with service(stage, offline=True) as offline:
        assert answer_of(offline, asked) == counted == expected_answer(stage.account, asked)
    assert any(bucket["count"] for bucket in counted["current"])


def test_a_mailbox_made_after_the_list_was_read_is_counted_offline(
    upstream_server: Upstream,
    url: str,  # noqa: F811
) -> None:
    clock = Clock()
    stage = staged(upstream_server, url, sample_account(clock), clock)
    made: list[int] = []

    def make(account: Account, _target: str) -> None:
        if not made:
            made.append(account.layout.add_mailbox("Newcomers").id)
            account.add(FIRST + 1000, mailbox_id=made[0])

    stage.simulator.before_request = make
    stage.sync()
    for filters in ({}, {"mailboxes": (made[0],)}):
        asked = everything(filters=filters)
        with service(stage, archive=None) as live, service(stage, offline=True) as offline:
            assert (
                answer_of(offline, asked)
                == answer_of(live, asked)
                == expected_answer(stage.account, asked)
            )


def test_its_folders_are_listed_offline(stage: Staged) -> None:
    with service(stage, offline=True) as reports:
        answer = ask(reports, folders_path(unlisted(stage)))
    shown = {each["id"] for each in json.loads(answer.body)["items"]}
    assert shown == {each.id for each in stage.account.layout.folders_of(unlisted(stage))}


def test_folders_that_were_never_read_are_no_proof_that_there_is_no_mailbox(stage: Staged) -> None:
    with (
        open_archive(stage.url) as archive,
        archive.lock() as lock,
        archive.writing(lock) as writer,
    ):
        for mailbox in stage.account.layout.mailboxes:
            writer.set_list_items(ListQuery("folders", mailbox.id), None, int(stage.clock()) + 1)
    listed = stage.account.layout.mailboxes[0].id
    with service(stage, offline=True) as reports:
        for id_ in (listed, unlisted(stage)):
            assert ask(reports, folders_path(id_)).status == 503
        assert ask(reports, folders_path(UNKNOWN)).status == 404

"""Synchronisation keeps the threads of conversations, if the archive is to keep them."""

from __future__ import annotations

import json

import pytest

from compat.archive.database import open_archive
from tests.unit.archive.sync.synced_account import EVER, Clock, Staged, sample_account, staged
from tests.unit.archive.sync.true_threads import held_threads, true_threads, unread


@pytest.fixture
def stage(stage: Staged) -> Staged:
    """A small account and an empty archive."""
    clock = Clock()
    return staged(stage.upstream_server, stage.url, sample_account(clock, 80, 5), clock)


def chats(stage: Staged) -> set[int]:
    return {row.id for row in stage.account.conversations() if row.type == "chat"}


@pytest.mark.parametrize("slim", [False, True])
def test_threads_are_read_with_the_conversations(stage: Staged, slim: bool) -> None:
    stage.sync(threads=True, slim=slim)
    rows, incomplete = stage.rows(), chats(stage)
    assert (
        held_threads(stage).items()
        >= {
            id_: threads
            for id_, threads in true_threads(stage.account).items()
            if id_ in rows and id_ not in incomplete
        }.items()
    )


def test_documents_are_stored_without_threads(stage: Staged) -> None:
    stage.sync(threads=True)
    ids = list(stage.rows(EVER))
    with open_archive(stage.url) as archive, archive.reading() as snapshot:
        documents = [json.loads(each) for each in snapshot.raw_documents(ids).values()]
    assert len(documents) == len(ids)
    assert all({"id", "subject", "preview"} <= each.keys() for each in documents)
    assert not any("_embedded" in each or "body" in json.dumps(each) for each in documents)


def test_a_new_archive_keeps_no_threads(stage: Staged) -> None:
    stage.sync()
    assert (held_threads(stage), unread(stage)) == ({}, set())


def test_an_archive_remembers_that_it_keeps_threads(stage: Staged) -> None:
    stage.sync(threads=True)
    row = next(row for row in stage.account.conversations() if row.type == "email" and row.listed)
    stage.account.write(row.id)
    stage.clock.advance(3600)
    stage.sync()
    assert held_threads(stage)[row.id] == true_threads(stage.account)[row.id]


def test_threads_are_erased_when_none_are_to_be_kept(stage: Staged) -> None:
    stage.sync(threads=True)
    stage.sync(threads=False)
    assert (held_threads(stage), unread(stage)) == ({}, set())

"""Each conversation of an archive is exported as one line, the oldest first."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from compat.archive.admin import export
from compat.archive.database import Archive
from compat.archive.records import ConversationRecord, ShownThreads
from compat.core.models import Thread
from tests.unit.archive.samples import CREATED, SEEN, record, save_all


def lines(archive: Archive) -> list[dict[str, Any]]:
    """All lines of an export, decoded."""
    with archive.reading() as snapshot:
        found = list(islice(export(snapshot), 100))
    assert all(each.count(b"\n") == 1 and each.endswith(b"}\n") for each in found)
    return [json.loads(each) for each in found]


def bare(id_: int = 1, **columns: Any) -> ConversationRecord:
    """A record without a document."""
    row = {
        name: columns.pop(name)
        for name in ("mailbox", "folder", "type", "tags", "created")
        if name in columns
    }
    return replace(record(id_, **row), document=None, **columns)


def line(archive: Archive, saved: ConversationRecord) -> dict[str, Any]:
    """The line of the only conversation."""
    save_all(archive, [saved])
    (found,) = lines(archive)
    return found


def test_conversations_are_exported_by_creation_and_then_by_id(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.archive.admin._BATCH", 2)
    created = {1: 9, 2: 5, 3: 5, 4: 5, 6: 7}
    statuses = {2: "spam", 3: "closed"}  # not in the order of the ids
    save_all(
        archive,
        [
            record(id_, created=CREATED + each, status=statuses.get(id_, "active"))
            for id_, each in created.items()
        ],
    )
    save_all(archive, [bare(5, created=-62_135_596_800)])
    assert [each["id"] for each in lines(archive)] == [5, 2, 3, 4, 6, 1]


def test_a_document_is_exported_as_it_was_received(archive: Archive) -> None:
    saved = record(1)
    assert line(archive, saved) == json.loads(saved.document or b"")


def test_without_a_document_the_columns_are_exported_with_the_keys_of_the_list(
    archive: Archive,
) -> None:
    saved = bare(
        1,
        tags=(3, 4),
        number=12,
        threads=5,
        closed_by=6,
        created_by=7,
        customer=8,
        assignee=9,
        by_user=1,
        closed=CREATED + 60,
        updated=CREATED + 120,
        waiting_since=CREATED + 180,
    )
    assert line(archive, saved) == {
        "id": 1,
        "number": 12,
        "threads": 5,
        "type": "email",
        "folderId": 11,
        "status": "active",
        "state": "published",
        "mailboxId": 1,
        "createdAt": "2015-01-01T00:00:01Z",
        "closedBy": 6,
        "tags": [{"id": 3}, {"id": 4}],
        "createdBy": {"id": 7, "type": "user"},
        "primaryCustomer": {"id": 8},
        "assignee": {"id": 9},
        "closedAt": "2015-01-01T00:01:00Z",
        "userUpdatedAt": "2015-01-01T00:02:00Z",
        "customerWaitingSince": {"time": "2015-01-01T00:03:00Z"},
    }


def test_what_is_unknown_of_columns_is_left_out(archive: Archive) -> None:
    saved = bare(1, mailbox=None, folder=None, type=None, tags=None, customer=0)
    assert line(archive, saved) == {
        "id": 1,
        "number": 1001,
        "threads": 0,
        "status": "active",
        "state": "published",
        "createdAt": "2015-01-01T00:00:01Z",
        "closedBy": 0,
    }


def test_lines_have_no_blanks_between_keys_and_values(archive: Archive) -> None:
    save_all(archive, [bare()])
    with archive.reading() as snapshot:
        (found,) = export(snapshot)
    assert b'"type":"email","folderId":11' in found


def test_that_there_are_no_tags_is_exported(archive: Archive) -> None:
    assert line(archive, bare())["tags"] == []


def test_that_a_user_without_a_known_id_began_a_conversation_is_exported(archive: Archive) -> None:
    assert line(archive, bare(by_user=1))["createdBy"] == {"type": "user"}


@pytest.mark.parametrize("threads", [(Thread(CREATED, 5, "customer", by="customer"),), ()])
def test_known_threads_are_exported_with_the_note_that_they_are_all(
    archive: Archive, threads: tuple[Thread, ...]
) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
    found = line(archive, replace(record(1), shown=ShownThreads(threads, complete=True, seen=SEEN)))
    assert [each["id"] for each in found["_embedded"]["threads"]] == [each.id for each in threads]
    assert found["_threads"] == "all"


def test_threads_that_are_not_all_known_are_not_exported(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
    assert not {"_embedded", "_threads"} & line(archive, record(1)).keys()


def test_an_archive_that_keeps_no_threads_exports_none(archive: Archive) -> None:
    assert not {"_embedded", "_threads"} & line(archive, record(1)).keys()


def test_what_else_a_document_embeds_is_exported_with_the_threads(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
    saved = record(1)
    document = json.loads(saved.document or b"") | {"_embedded": {"other": [1]}}
    shown = ShownThreads((), complete=True, seen=SEEN)
    found = line(archive, replace(saved, document=json.dumps(document).encode(), shown=shown))
    assert found["_embedded"] == {"other": [1], "threads": []}

"""Rows of conversations are written and read in batches, with what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from compat.archive import repository, schema
from compat.archive.database import Archive, open_archive
from compat.archive.records import ShownThreads
from compat.core.counting import UNTAGGED
from compat.core.models import Thread
from compat.v2.models import LARGEST_ID
from tests.unit.archive.databases import place
from tests.unit.archive.samples import CREATED, SEEN, record, save_all


def stored(archive: Archive, table: sa.Table) -> list[tuple[Any, ...]]:
    """The rows of a table, sorted."""
    with archive.reading() as snapshot:
        return sorted(map(tuple, snapshot.execute(sa.select(table)).all()))


def remove(archive: Archive, ids: Iterable[int], seen: int = SEEN) -> list[int]:
    """Remove conversations; returns when they were created."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        return repository.remove(writer._connection, list(ids), seen)


def test_batches_have_as_many_ids_as_a_statement_can_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "_BATCH", 2)
    assert list(repository.batches(iter([5, 1, 4, 2, 3]))) == [[5, 1], [4, 2], [3]]
    assert list(repository.batches([])) == []


def test_ids_that_no_database_stores_are_in_no_batch() -> None:
    ids = [LARGEST_ID, -LARGEST_ID, LARGEST_ID + 1, -LARGEST_ID - 1, 0]
    assert list(repository.batches(ids)) == [[LARGEST_ID, -LARGEST_ID, 0]]


@pytest.mark.parametrize(
    ("tags", "text"), [(None, None), ((), ""), ((3,), "3"), ((4, 3, 4), "4,3,4")]
)
def test_tags_are_stored_as_text_in_their_order(
    tags: tuple[int, ...] | None, text: str | None
) -> None:
    assert repository.tags_to_text(tags) == text
    assert repository.tags_from_text(text) == tags


def test_columns_are_the_same_whenever_they_were_seen() -> None:
    columns = repository.to_columns(record(1))
    assert repository.is_same(columns, columns | {"seen": SEEN + 1})
    assert not repository.is_same(columns, columns | {"number": 2})
    assert not repository.is_same(None, columns)


def test_a_document_is_compared_with_the_one_that_is_stored() -> None:
    packed = repository.compress(b"{}")
    assert repository.is_packed(b"{}", packed)
    assert not repository.is_packed(b"{} ", packed)
    assert repository.is_packed(None, None)
    assert not repository.is_packed(None, packed)
    assert not repository.is_packed(b"{}", None)


def test_a_document_that_an_earlier_version_compressed_is_read() -> None:
    """The dictionary is part of the format: with another one no stored document can be read."""
    packed = "783f91f41c9583a44673f412d60354a802d32322a191ef5973903d00eb442380"
    assert repository.decompress(bytes.fromhex(packed)) == (
        b'{"id":7,"subject":"Re: Hello","_links":'
        b'{"self":{"href":"https://api.helpscout.net/v2/conversations/7"}}}'
    )


def test_a_document_is_compressed_in_the_fastest_way_with_the_dictionary() -> None:
    _, flags = repository.compress(b"{}")[:2]
    assert (flags >> 6, flags >> 5 & 1) == (0, 1)


def test_a_conversation_is_stored_once_under_each_of_its_tags(archive: Archive) -> None:
    save_all(archive, [record(1, tags=(4, 3, 4), type="chat"), record(2, tags=())])
    save_all(archive, [record(3, tags=None)])
    counted = ("published", "active")
    assert stored(archive, schema.conversation_tag) == [
        (UNTAGGED, CREATED + 2, 2, *counted, "email", 1, 11),
        (3, CREATED + 1, 1, *counted, "chat", 1, 11),
        (4, CREATED + 1, 1, *counted, "chat", 1, 11),
    ]


def test_a_conversation_that_changes_is_counted_under_its_new_tags_alone(archive: Archive) -> None:
    save_all(archive, [record(1, tags=(3, 4)), record(2, tags=(3,))])
    save_all(archive, [record(1, created=CREATED + 9, tags=(5,), seen=SEEN + 1)])
    found = [row[:3] for row in stored(archive, schema.conversation_tag)]
    assert found == [(3, CREATED + 2, 2), (5, CREATED + 9, 1)]


def test_of_a_removed_conversation_nothing_is_left_but_a_tombstone(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
    shown = ShownThreads((Thread(CREATED, 5, "customer"),), complete=True, seen=SEEN)
    of_other = replace(shown, threads=(Thread(CREATED, 6, "customer"),))
    save_all(archive, [replace(record(1, tags=(3,)), shown=shown), record(2, tags=(3,))])
    save_all(archive, [replace(record(3), shown=of_other), record(4)])
    assert remove(archive, [1, 2]) == [CREATED + 1, CREATED + 2]
    assert [row[0] for row in stored(archive, schema.conversation)] == [3, 4]
    assert [row[0] for row in stored(archive, schema.document)] == [3, 4]
    assert [row[2] for row in stored(archive, schema.conversation_tag)] == [3, 4]
    assert [row[:2] for row in stored(archive, schema.thread)] == [(6, 3)]
    assert stored(archive, schema.unread_threads) == [(4, CREATED + 4)]
    assert stored(archive, schema.gone) == [(1, SEEN), (2, SEEN)]


def test_a_conversation_that_was_seen_later_is_not_removed(archive: Archive) -> None:
    save_all(archive, [record(1, seen=SEEN + 1), record(2, seen=SEEN)])
    assert remove(archive, [1, 2]) == [CREATED + 2]
    assert stored(archive, schema.gone) == [(2, SEEN)]


def test_a_conversation_that_was_never_seen_has_a_tombstone(archive: Archive) -> None:
    assert remove(archive, [7]) == []
    assert stored(archive, schema.gone) == [(7, SEEN)]


def test_a_tombstone_is_as_of_the_last_time(archive: Archive) -> None:
    for seen in (SEEN, SEEN + 2, SEEN + 1):
        remove(archive, [7], seen)
    with archive.reading() as snapshot:
        assert repository.tombstones(snapshot._connection, [7, 8]) == {7: SEEN + 2}


def test_documents_are_found_by_conversation(archive: Archive) -> None:
    save_all(archive, [record(1), replace(record(2), document=None), record(3)])
    with archive.reading() as snapshot:
        found = repository.packed_documents(snapshot._connection, [1, 2, 9])
        assert repository.packed_documents(snapshot._connection, []) == {}
    assert {id_: repository.decompress(each) for id_, each in found.items()} == {
        1: record(1).document
    }


def test_columns_are_found_by_conversation(archive: Archive) -> None:
    save_all(archive, [record(1, tags=(3,)), record(2)])
    with archive.reading() as snapshot:
        found = repository.conversations(snapshot._connection, [1, 9])
    assert found == {1: repository.to_columns(record(1, tags=(3,)))}


def test_rows_are_deleted_by_all_columns_of_their_keys(archive: Archive) -> None:
    save_all(archive, [record(1, tags=(3, 4)), record(2, tags=(3, 4))])
    with archive.lock() as lock, archive.writing(lock) as writer:
        key = {"tag": 3, "created": CREATED + 1, "conversation": 1}
        repository.delete_rows(writer._connection, schema.conversation_tag, [key])
    found = [(row[0], row[2]) for row in stored(archive, schema.conversation_tag)]
    assert found == [(3, 2), (4, 1), (4, 2)]


def test_chunks_have_the_version_in_which_they_changed_last(archive: Archive) -> None:
    def mark(*chunks: int) -> None:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.set_sealed_at(None)  # the version changes after each of these transactions
            repository.set_chunk_versions(writer._connection, chunks)

    mark(1, 2)
    with archive.reading() as snapshot:
        first = snapshot.chunk_versions()
    mark(2)
    with archive.reading() as snapshot:
        second = snapshot.chunk_versions()
    assert (first[1], second[1]) == (first[2], first[1])
    assert second[2] > first[2]


def test_a_server_stores_when_an_unchanged_conversation_was_seen_again(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as url, open_archive(url, create=True) as archive:
        save_all(archive, [record(1)])
        assert save_all(archive, [record(1, seen=SEEN + 5)]) == 0
        with archive.reading() as snapshot:
            assert snapshot.seen_at([1]) == {1: SEEN + 5}


def test_a_server_removes_conversations(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as url, open_archive(url, create=True) as archive:
        save_all(archive, [record(1), record(2)])
        assert remove(archive, [1]) == [CREATED + 1]
        assert [row[0] for row in stored(archive, schema.conversation)] == [2]

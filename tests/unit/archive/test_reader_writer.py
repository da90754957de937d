"""What is written to an archive is read from it again."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
import sqlalchemy as sa

from compat.archive import repository, schema
from compat.archive.database import Archive, open_archive
from compat.archive.errors import ArchiveError
from compat.archive.records import LAYERS, ConversationRecord
from compat.core.intervals import Coverage, Interval
from compat.core.models import Document, ListItem, ListQuery, NamedTag, Person
from tests.unit.archive.samples import CREATED, SEEN, cover, instant, record, rows, save_all


def test_rows_are_read_as_they_were_saved_sorted_by_creation(archive: Archive) -> None:
    seen = [
        record(3, created=CREATED, tags=(5, 2), state="draft"),
        record(1, created=CREATED, status="spam", type="chat"),
        record(2, created=CREATED - 1, mailbox=2, folder=21),
    ]
    assert save_all(archive, seen) == 3
    assert rows(archive) == [seen[2].row, seen[1].row, seen[0].row]


def test_rows_are_selected_by_intervals_and_mailboxes(archive: Archive) -> None:
    seen = [record(id_, created=id_, mailbox=id_ % 2) for id_ in range(1, 8)]
    save_all(archive, seen)
    with archive.reading() as snapshot:
        found = snapshot.rows([Interval(5, 6), Interval(2, 3), Interval(3, 5)], mailboxes={1})
        assert [row.id for row in found] == [3, 5]
        assert snapshot.conversation_ids(Interval(2, 4), mailbox=0) == [2, 4]
        assert (snapshot.conversation_count(), snapshot.created_bounds()) == (7, Interval(1, 7))


def test_ids_come_in_order_of_creation_and_then_of_the_id(archive: Archive) -> None:
    save_all(archive, [record(id_, created=created) for id_, created in [(1, 7), (3, 5), (2, 5)]])
    with archive.reading() as snapshot:
        assert snapshot.conversation_ids(Interval(0, 9)) == [2, 3, 1]
        assert snapshot.conversation_ids(Interval(6, 9)) == [1]


def test_rows_are_found_by_their_ids_without_those_that_are_not_there(archive: Archive) -> None:
    seen = [record(id_) for id_ in (1, 2, 3)]
    save_all(archive, seen)
    with archive.reading() as snapshot:
        assert sorted(snapshot.rows_by_id([3, 1, 9])) == [seen[0].row, seen[2].row]


def test_of_unknown_values_the_number_and_the_newest_conversation_are_known(
    archive: Archive,
) -> None:
    unknown = [(5, 9), (3, 9), (1, 2)]
    save_all(archive, [record(id_, created=created, tags=None) for id_, created in unknown])
    save_all(archive, [record(7, created=20), record(8, created=4, type=None)])
    with archive.reading() as snapshot:
        assert snapshot.unknown_values() == {"tags": (3, 3), "type": (1, 8)}


def test_an_empty_archive_has_no_first_and_last_creation(archive: Archive) -> None:
    with archive.reading() as snapshot:
        assert snapshot.created_bounds() is None


def test_an_unchanged_conversation_is_not_counted_as_changed(archive: Archive) -> None:
    save_all(archive, [record(1), record(2)])
    assert save_all(archive, [record(1, seen=SEEN + 5), record(2, tags=(4,), seen=SEEN + 5)]) == 1
    with archive.reading() as snapshot:
        assert snapshot.seen_at([1, 2, 3]) == {1: SEEN + 5, 2: SEEN + 5}


def test_a_document_that_changed_is_stored_though_the_columns_are_the_same(
    archive: Archive,
) -> None:
    save_all(archive, [record(1, name="Ada")])
    assert save_all(archive, [record(1, name="Eve", seen=SEEN + 5)]) == 0
    with archive.reading() as snapshot:
        assert [each.subject for each in snapshot.documents([1])] == ["Subject of Eve"]


def test_a_document_that_is_not_there_any_more_is_removed(archive: Archive) -> None:
    save_all(archive, [record(1)])
    save_all(archive, [replace(record(1, seen=SEEN + 5), document=None)])
    with archive.reading() as snapshot:
        assert snapshot.raw_documents([1]) == {}


def test_a_document_that_was_compressed_without_the_dictionary_is_read(archive: Archive) -> None:
    seen = record(1)
    save_all(archive, [seen])
    packed = zlib.compress(seen.document or b"")
    with archive.lock() as lock, archive.writing(lock) as writer:
        rows = [{"conversation": 1, "packed": packed}]
        repository.upsert(writer._connection, schema.document, "conversation", rows)
    with archive.reading() as snapshot:
        assert snapshot.raw_documents([1]) == {1: seen.document}


def test_a_damaged_document_is_an_error() -> None:
    packed = repository.compress(record(1).document or b"")
    for damaged in (packed[:-1], packed[:9], b"", b"no document"):
        with pytest.raises(zlib.error):
            repository.decompress(damaged)


@pytest.mark.parametrize("number", [1, 50])
def test_a_page_is_written_with_few_statements(archive: Archive, number: int) -> None:
    statements: list[str] = []
    cover(archive, Interval(0, 10))
    sa.event.listen(
        archive._engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    with archive.lock() as lock:
        statements.clear()
        with archive.writing(lock) as writer:
            writer.save([record(id_, tags=(id_, 3)) for id_ in range(100, 100 + number)])
            writer.add_coverage("all", Coverage(Interval(11, 20), SEEN))
        assert len(statements) <= 10, statements


def test_an_older_record_never_overwrites_a_newer(archive: Archive) -> None:
    save_all(archive, [record(1, seen=SEEN, status="closed")])
    assert save_all(archive, [record(1, seen=SEEN - 1, status="active")]) == 0
    assert [row.status for row in rows(archive)] == ["closed"]


def test_of_two_records_in_one_call_the_newer_is_stored(archive: Archive) -> None:
    save_all(archive, [record(1, seen=9, status="closed"), record(1, seen=8, status="active")])
    assert [row.status for row in rows(archive)] == ["closed"]


def test_an_older_record_does_not_restore_a_removed_conversation(archive: Archive) -> None:
    save_all(archive, [record(1), record(2, seen=SEEN + 9)])
    with archive.lock() as lock, archive.writing(lock) as writer:
        assert writer.remove([1, 2, 3], SEEN + 5) == 1
    assert save_all(archive, [record(1, seen=SEEN + 4), record(3, seen=SEEN + 4)]) == 0
    assert [row.id for row in rows(archive)] == [2]
    assert save_all(archive, [record(1, seen=SEEN + 6)]) == 1
    assert [row.id for row in rows(archive)] == [1, 2]


def test_coverage_is_what_all_layers_cover_as_of_the_oldest(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        for layer, first, as_of in zip(LAYERS, (0, 10, 5), (300, 200, 250), strict=True):
            writer.add_coverage(layer, Coverage(Interval(first, 100), as_of))
    with archive.reading() as snapshot:
        assert snapshot.coverage() == [Coverage(Interval(10, 100), 200)]
        assert snapshot.layer_coverage("spam") == [Coverage(Interval(0, 100), 300)]
        assert snapshot.layer_coverage("of another kind") == []


def test_coverage_that_grows_second_by_second_stays_one_interval(archive: Archive) -> None:
    for first in range(0, 50, 10):
        cover(archive, Interval(first, first + 9))
    with archive.reading() as snapshot:
        assert snapshot.coverage() == [Coverage(Interval(0, 49), SEEN)]


def test_older_coverage_never_replaces_newer(archive: Archive) -> None:
    cover(archive, Interval(10, 20), as_of=500)
    cover(archive, Interval(0, 30), as_of=400)
    with archive.reading() as snapshot:
        assert snapshot.coverage() == [
            Coverage(Interval(0, 9), 400),
            Coverage(Interval(10, 20), 500),
            Coverage(Interval(21, 30), 400),
        ]


def test_newer_coverage_replaces_what_it_includes_in_each_layer(archive: Archive) -> None:
    cover(archive, Interval(10, 20), as_of=400)
    cover(archive, Interval(0, 30), as_of=500)
    with archive.reading() as snapshot:
        for layer in LAYERS:
            assert snapshot.layer_coverage(layer) == [Coverage(Interval(0, 30), 500)]


def test_before_the_time_from_which_conversations_are_kept_nothing_is_covered(
    archive: Archive,
) -> None:
    cover(archive, Interval(0, 50))
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.add_coverage("new", Coverage(Interval(0, 50), SEEN))
        writer.set_kept_since(30)
    with archive.reading() as snapshot:
        for layer in (*LAYERS, "new"):
            assert snapshot.layer_coverage(layer) == [Coverage(Interval(30, 50), SEEN)]


def test_coverage_can_be_removed(archive: Archive) -> None:
    cover(archive, Interval(0, 30))
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.remove_coverage(Interval(10, 20), ["all"])
    with archive.reading() as snapshot:
        assert [known.interval for known in snapshot.coverage()] == [
            Interval(0, 9),
            Interval(21, 30),
        ]
        assert [known.interval for known in snapshot.layer_coverage("spam")] == [Interval(0, 30)]


def test_documents_are_read_in_the_order_of_the_ids(archive: Archive) -> None:
    seen = [record(1, name="Ada", customer=91), record(2, name="Bob", customer=92)]
    save_all(archive, seen)
    with archive.reading() as snapshot:
        bob, ada = snapshot.documents([2, 5, 1])
        assert (bob.id, bob.subject, bob.customer.email) == (2, "Subject of Bob", "bob@example.org")
        assert (ada.id, ada.number, ada.customer.id) == (1, 1001, 91)
        assert snapshot.raw_documents([1, 5]) == {1: seen[0].document}


def test_without_a_document_the_columns_are_shown(archive: Archive) -> None:
    bare = record(4, tags=(8, 9))
    tag = ListItem(8, "refund", color="#333333")
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.save([type(bare)(bare.row, SEEN, number=12, customer=91, updated=CREATED + 60)])
        writer.set_list_items(ListQuery("tags"), [tag], SEEN)
    with archive.reading() as snapshot:
        assert snapshot.documents([4]) == [
            Document(
                id=4,
                number=12,
                type="email",
                mailbox=1,
                subject="",
                status="active",
                threads=0,
                preview="",
                customer=Person(91),
                assignee=Person(0),
                updated=CREATED + 60,
                waiting_since=bare.row.created,
                tags=(NamedTag(8, "refund", "#333333"), NamedTag(9, "", "")),
            )
        ]


def shown(archive: Archive, saved: ConversationRecord) -> Document:
    """What is shown of the only conversation, of which no document is stored."""
    save_all(archive, [replace(saved, document=None)])
    with archive.reading() as snapshot:
        (found,) = snapshot.documents([saved.row.id])
    return found


def test_without_a_document_what_is_unknown_is_shown_as_empty(archive: Archive) -> None:
    found = shown(archive, record(4, type=None, mailbox=None, tags=None, customer=0))
    assert (found.type, found.mailbox, found.tags, found.customer.id) == ("", 0, (), 0)


def test_without_a_document_the_number_of_an_erased_customer_is_not_shown(archive: Archive) -> None:
    assert shown(archive, record(4, customer=-7)).customer == Person(0)


def test_without_a_document_times_that_are_unknown_are_those_of_the_creation(
    archive: Archive,
) -> None:
    found = shown(archive, record(4))
    assert (found.updated, found.waiting_since) == (CREATED + 4, CREATED + 4)


def test_without_a_document_times_are_shown_as_they_are_known(archive: Archive) -> None:
    found = shown(archive, replace(record(4), updated=CREATED + 60, waiting_since=CREATED + 90))
    assert (found.updated, found.waiting_since) == (CREATED + 60, CREATED + 90)


def test_a_document_is_never_older_than_its_row(archive: Archive) -> None:
    save_all(archive, [record(1, name="Ada")])
    again = record(1, status="closed", seen=SEEN + 1)
    save_all(archive, [type(again)(again.row, again.seen)])
    with archive.reading() as snapshot:
        assert [(each.status, each.subject) for each in snapshot.documents([1])] == [("closed", "")]


def test_lists_are_read_in_order_and_older_ones_change_nothing(archive: Archive) -> None:
    boxes = (
        ListItem(2, "Sales", "sales", "sales@example.org", created=5, modified=6),
        ListItem(1, "A"),
    )
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("mailboxes"), boxes, SEEN)
        writer.set_list_items(ListQuery("mailboxes"), [], SEEN - 1)
        writer.set_list_items(ListQuery("folders", 2), [], SEEN)
    with archive.reading() as snapshot:
        assert snapshot.list_items(ListQuery("mailboxes")) == boxes
        assert snapshot.list_items(ListQuery("mailboxes", item=1)) == boxes[1:]
        assert snapshot.list_items(ListQuery("mailboxes", item=3)) == ()
        assert snapshot.list_seen_at(ListQuery("mailboxes")) == SEEN
        assert snapshot.list_items(ListQuery("folders", 2)) == ()
        assert snapshot.list_items(ListQuery("folders", 1)) is None


def test_the_mailboxes_whose_folders_were_read_and_the_types_of_folders_are_known(
    archive: Archive,
) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("mailboxes"), [ListItem(2, "B"), ListItem(1, "A")], SEEN)
        writer.set_list_items(ListQuery("folders", 2), [ListItem(21, "C", type="mine")], SEEN)
        writer.set_list_items(ListQuery("folders", 1), [ListItem(11, "D", type="open")], SEEN)
    with archive.reading() as snapshot:
        assert snapshot.list_parents("folders") == [1, 2]
        assert snapshot.folder_types() == {11: "open", 21: "mine"}


def test_a_mailbox_that_was_deleted_has_no_list_of_folders(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_list_items(ListQuery("folders", 2), [ListItem(1, "A")], SEEN)
        writer.set_list_items(ListQuery("folders", 2), None, SEEN + 1)
    with archive.reading() as snapshot:
        assert snapshot.list_items(ListQuery("folders", 2)) is None


def test_a_note_is_stored_until_another_replaces_it(archive: Archive) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note("accepted", {"1": 2})
        writer.set_note("accepted", {"1": [3, None]})
    with archive.reading() as snapshot:
        assert snapshot.get_note("accepted") == {"1": [3, None]}
        assert snapshot.get_note("nothing") is None


def test_an_archive_can_be_sealed_and_unsealed(archive: Archive) -> None:
    for at in (SEEN, None):
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.set_sealed_at(at)
        with archive.reading() as snapshot:
            assert snapshot.sealed_at == at


def test_the_version_changes_when_rows_or_coverage_do_and_only_then(archive: Archive) -> None:
    def version() -> int:
        with archive.reading() as snapshot:
            return snapshot.version

    save_all(archive, [record(1)])
    first = version()
    save_all(archive, [record(1, seen=SEEN + 1)])
    assert version() == first
    save_all(archive, [record(1, seen=SEEN + 2, status="closed")])
    assert version() == first + 1
    cover(archive, Interval(0, 9))
    cover(archive, Interval(0, 9))
    assert version() == first + 2


def test_a_transaction_that_fails_writes_nothing(archive: Archive) -> None:
    def half(lock_and_writer: Archive) -> None:
        with lock_and_writer.lock() as lock, lock_and_writer.writing(lock) as writer:
            writer.save([record(1)])
            raise KeyError("in the midst of it")

    with pytest.raises(KeyError):
        half(archive)
    assert rows(archive) == []


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(archive: Archive) -> None:
    save_all(archive, [record(1)])
    with archive.reading() as snapshot:
        save_all(archive, [record(2)])
        assert [row.id for row in snapshot.rows([Interval(0, 2**40)])] == [1]
    assert [row.id for row in rows(archive)] == [1, 2]


def test_what_was_written_is_there_after_reopening(archive_url: str) -> None:
    with open_archive(archive_url, create=True) as archive:
        save_all(archive, [record(1)])
        assert archive.size_bytes() > 0
    with open_archive(archive_url) as archive:
        assert rows(archive) == [record(1).row]
    with open_archive(archive_url, create=True) as archive:
        assert rows(archive) == [record(1).row]


def test_any_number_of_ids_can_be_read(archive: Archive) -> None:
    save_all(archive, (record(id_) for id_ in range(1, 1203)))
    with archive.reading() as snapshot:
        assert len(snapshot.documents(range(1, 1300))) == 1202
        assert len(snapshot.seen_at(range(1, 1300))) == 1202


def test_instants_before_1970_are_kept(archive: Archive) -> None:
    early = record(1, created=-62_135_596_800)
    save_all(archive, [early])
    assert rows(archive) == [early.row]
    assert instant(CREATED) == "2015-01-01T00:00:00Z"


def test_an_archive_stays_slim_or_full_as_it_was_created(archive_url: str) -> None:
    open_archive(archive_url, create=True, slim=True).close()
    with open_archive(archive_url, create=True) as archive, archive.reading() as snapshot:
        assert snapshot.slim
    with pytest.raises(ArchiveError, match="made with --slim"):
        open_archive(archive_url, create=True, slim=False)

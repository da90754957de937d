"""What a transaction writes: which record wins, what may not be stored, and what has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from compat.archive import schema
from compat.archive.database import Archive, open_archive
from compat.archive.errors import LockLost
from compat.archive.records import RECENT_THREADS, ConversationRecord, ShownThreads
from compat.archive.writer import Writer
from compat.core.intervals import Coverage, Interval
from compat.core.models import ListItem, ListKind, ListQuery, Rating, Thread
from tests.unit.archive.samples import CREATED, SEEN, record, rows, save_all

CHUNK = 1 << schema.CHUNK_BITS
TAGS, FOLDERS = ListQuery("tags"), ListQuery("folders", 1)
WRITTEN = Thread(CREATED, 5, "customer", by="customer", author=91, customer=91)


def write(archive: Archive, *changes: Callable[[Writer], object]) -> list[object]:
    """Make changes in one transaction; returns what each returned."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        return [change(writer) for change in changes]


def save(*records: ConversationRecord) -> Callable[[Writer], object]:
    return lambda writer: writer.save(records)


def set_list(query: ListQuery, *items: ListItem) -> Callable[[Writer], object]:
    return lambda writer: writer.set_list_items(query, items, SEEN)


def with_threads(*threads: Thread, seen: int = SEEN) -> ConversationRecord:
    return replace(record(1, seen=seen), shown=ShownThreads(threads, complete=True, seen=seen))


def versions(archive: Archive) -> tuple[int, dict[int, int]]:
    """The version of an archive, and those of its chunks."""
    with archive.reading() as snapshot:
        return snapshot.version, dict(snapshot.chunk_versions())


# Which record wins.


def test_of_two_records_of_the_same_second_the_later_one_of_a_call_is_stored(
    archive: Archive,
) -> None:
    assert save_all(archive, [record(1, status="active"), record(1, status="closed")]) == 1
    assert [row.status for row in rows(archive)] == ["closed"]


def test_a_removed_conversation_stays_removed_however_often_it_is_shown_as_it_was(
    archive: Archive,
) -> None:
    save_all(archive, [record(1)])
    removed = write(
        archive,
        lambda writer: writer.remove([1, 2], SEEN + 5),
        save(record(1, seen=SEEN + 4), record(2, seen=SEEN + 4)),
    )
    assert removed == [1, 0]
    for _ in range(2):
        assert save_all(archive, [record(1, seen=SEEN + 4), record(2, seen=SEEN + 4)]) == 0
    assert save_all(archive, [record(1, seen=SEEN + 5)]) == 1
    with archive.reading() as snapshot:
        gone = snapshot.execute(sa.select(schema.gone.c.conversation)).scalars()
        assert list(gone) == [2], "what is shown again is not gone"


def test_a_list_of_the_same_second_replaces_the_one_before(archive: Archive) -> None:
    items = [ListItem(1, "A"), ListItem(2, "B")]
    write(archive, set_list(TAGS, *items))
    write(archive, set_list(TAGS, items[1]))
    with archive.reading() as snapshot:
        assert snapshot.list_items(TAGS) == (items[1],)


def test_a_list_that_is_gone_takes_no_other_with_it(archive: Archive) -> None:
    queries = (FOLDERS, ListQuery("folders", 2), TAGS)
    for query in queries:
        write(archive, set_list(query, ListItem(1, "A")))
    write(archive, lambda writer: writer.set_list_items(FOLDERS, None, SEEN))
    with archive.reading() as snapshot:
        held = [snapshot.list_items(query) for query in queries]
    assert held == [None, (ListItem(1, "A"),), (ListItem(1, "A"),)]


# What may not be stored.


@pytest.mark.parametrize(
    ("interval", "kept"),
    [
        (Interval(0, 29), None),
        (Interval(0, 30), Interval(30, 30)),
        (Interval(29, 50), Interval(30, 50)),
        (Interval(31, 50), Interval(31, 50)),
    ],
)
def test_nothing_is_covered_before_the_second_from_which_conversations_are_kept(
    archive: Archive, interval: Interval, kept: Interval | None
) -> None:
    write(
        archive,
        lambda writer: writer.set_kept_since(30),
        lambda writer: writer.add_coverage("all", Coverage(interval, SEEN)),
    )
    with archive.reading() as snapshot:
        assert snapshot.layer_coverage("all") == ([Coverage(kept, SEEN)] if kept else [])


def test_what_is_erased_in_a_transaction_is_not_stored_by_it(archive: Archive) -> None:
    old, young = record(1, created=CREATED), record(2, created=CREATED + 1, customer=92)
    done = write(
        archive,
        save(record(3, customer=93, name="Eve")),
        lambda writer: writer.set_kept_since(CREATED + 1),
        save(old),
        lambda writer: writer.erase_customers([92, 93]),
        save(young, record(4, customer=93, name="Eve"), record(5, customer=94, name="Bob")),
    )
    assert done == [1, None, 0, {92: 0, 93: 1}, 3]
    assert [row.id for row in rows(archive)] == [2, 3, 4, 5]
    with archive.reading() as snapshot:
        documents = snapshot.documents([2, 3, 4, 5])
        assert [each.subject for each in documents] == ["", "", "", "Subject of Bob"]
        assert [each.customer.id for each in documents] == [0, 0, 0, 94]


def test_an_address_that_is_given_is_erased_in_what_is_stored_later(archive: Archive) -> None:
    (own,) = write(archive, lambda writer: writer.erase_customers([91], ["eve@example.org"]))
    assert own == {91: 0}
    write(archive, save(record(1, customer=95, name="Eve"), record(2, customer=92, name="Bob")))
    with archive.reading() as snapshot:
        assert set(snapshot.raw_documents([1, 2])) == {2}


def test_a_conversation_of_others_keeps_all_but_the_erased_customer(archive: Archive) -> None:
    bobs = record(1, customer=92, name="Bob")
    document = json.loads(bobs.document or b"")
    shown = {**document, "cc": ["ada@example.org", "cy@example.org"]}
    write(
        archive,
        save(record(2, name="Ada")),
        lambda writer: writer.erase_customers([91]),
        save(replace(bobs, document=json.dumps(shown).encode())),
    )
    with archive.reading() as snapshot:
        assert json.loads(snapshot.raw_documents([1])[1]) == {**document, "cc": ["cy@example.org"]}


def test_a_record_without_a_document_has_the_surrogate_of_an_erased_customer(
    archive: Archive,
) -> None:
    write(
        archive,
        lambda writer: writer.erase_customers([91]),
        save(replace(record(1), document=None), replace(record(2, customer=92), document=None)),
    )
    with archive.reading() as snapshot:
        found = snapshot.execute(sa.select(schema.conversation.c.customer)).scalars()
        assert [customer < 0 for customer in found] == [True, False]


@pytest.mark.parametrize(("customer", "comments"), [(91, ""), (92, "Fine")])
def test_comments_of_others_are_erased_in_an_erased_customers_own_conversation_alone(
    archive: Archive, customer: int, comments: str
) -> None:
    thread = WRITTEN._replace(
        author=5, by="user", customer=93, rating=Rating(1, 93, "", "", "Fine")
    )
    write(
        archive,
        lambda writer: writer.keep_threads(kept=True),
        lambda writer: writer.erase_customers([91]),
        save(record(1, customer=customer)),
        lambda writer: writer.save_threads(1, ShownThreads((thread,), complete=True, seen=SEEN)),
    )
    with archive.reading() as snapshot:
        ((held,),) = snapshot.threads_of([1]).values()
    assert held.rating == Rating(1, 93, comments=comments)


def test_only_the_note_on_recent_threads_is_forgotten(archive: Archive) -> None:
    write(
        archive,
        lambda writer: writer.set_note(RECENT_THREADS, 1),
        lambda writer: writer.set_note("another", 2),
        lambda writer: writer.forget_recent_threads(),
    )
    with archive.reading() as snapshot:
        assert [snapshot.get_note(name) for name in (RECENT_THREADS, "another")] == [None, 2]


def test_a_transaction_whose_lock_was_taken_over_says_so(archive: Archive) -> None:
    with archive.lock() as lock, archive._engine.begin() as connection:
        with pytest.raises(LockLost, match="took over"):
            Writer(connection).finish(lock.epoch + 1)
        connection.rollback()


def test_an_erased_address_is_in_no_name_of_a_tag_or_folder_and_others_stay(
    archive: Archive,
) -> None:
    save_all(archive, [record(1, name="Ada")])
    write(archive, lambda writer: writer.erase_customers([91]))
    named: dict[ListKind, str] = {"tags": "[erased]", "folders": "[erased]"}
    for kind in ("tags", "folders", "mailboxes", "users"):
        query = ListQuery(kind)
        write(archive, set_list(query, ListItem(1, "ada@example.org")))
        with archive.reading() as snapshot:
            (held,) = snapshot.list_items(query) or ()
        assert held.name == named.get(kind, "ada@example.org"), kind


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("mailboxes", ("Name", "Last", "", "")),
        ("tags", ("Name", "Last", "", "")),
        ("teams", ("Name", "Last", "", "")),
        ("users", ("", "", "", "")),
        ("me", ("", "", "", "")),
        ("members", ("", "", "", "")),
        ("mailbox_users", ("", "", "", "")),
    ],
)
def test_a_slim_archive_keeps_names_of_things_and_no_names_of_people(
    tmp_path: Path, kind: ListKind, kept: tuple[str, ...]
) -> None:
    item = ListItem(1, "Name", email="a@example.org", last="Last", photo="https://x.example/p")
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True, slim=True) as archive:
        write(archive, set_list(ListQuery(kind), item))
        with archive.reading() as snapshot:
            (held,) = snapshot.list_items(ListQuery(kind)) or ()
    assert (held.name, held.last, held.email, held.photo) == kept


def test_a_slim_archive_stores_no_document_also_where_a_customer_was_erased(
    tmp_path: Path,
) -> None:
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True, slim=True) as archive:
        write(archive, lambda writer: writer.erase_customers([91]))
        write(archive, save(record(1), record(2, customer=92, name="Bob")))
        with archive.reading() as snapshot:
            assert snapshot.raw_documents([1, 2]) == {}
            found = snapshot.execute(sa.select(schema.conversation.c.customer)).scalars()
            assert [customer > 0 for customer in found] == [False, True]


def test_ratings_in_a_conversation_without_a_customer_are_stored_as_they_are(
    archive: Archive,
) -> None:
    rated = WRITTEN._replace(rating=Rating(3, 91, "Ada", "Bo", "Fine"))
    write(
        archive,
        lambda writer: writer.keep_threads(kept=True),
        lambda writer: writer.erase_customers([5]),
        save(replace(with_threads(rated), customer=0, document=None)),
    )
    with archive.reading() as snapshot:
        assert snapshot.threads_of([1]) == {1: (rated,)}


def test_a_slim_archive_keeps_who_rated_how(tmp_path: Path) -> None:
    rated = WRITTEN._replace(rating=Rating(3, 91, "Ada", "Bo", "Fine"))
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True, slim=True) as archive:
        write(archive, lambda writer: writer.keep_threads(kept=True))
        write(archive, save(with_threads(rated, WRITTEN._replace(id=6))))
        with archive.reading() as snapshot:
            assert snapshot.threads_of([1]) == {
                1: (rated._replace(rating=Rating(3, 91)), WRITTEN._replace(id=6))
            }


# What has changed.


CHANGES: dict[str, Callable[[Writer], object]] = {
    "a new conversation": save(record(2)),
    "a changed conversation": save(record(1, status="closed", seen=SEEN + 9)),
    "a changed document": save(record(1, name="Eve", seen=SEEN + 9)),
    "a removed conversation": lambda writer: writer.remove([1], SEEN + 9),
    "coverage": lambda writer: writer.add_coverage("all", Coverage(Interval(10, 19), SEEN)),
    "a list": set_list(TAGS, ListItem(1, "A")),
    "a list that is gone": lambda writer: writer.set_list_items(TAGS, None, SEEN),
    "an erased customer": lambda writer: writer.erase_customers([5]),
    "the age that is kept": lambda writer: writer.set_kept_since(5),
    "that any age is kept": lambda writer: writer.set_kept_since(None),
    "a seal": lambda writer: writer.set_sealed_at(SEEN),
    "that threads are kept": lambda writer: writer.keep_threads(kept=True),
    "other threads": lambda writer: writer.save_threads(
        1, ShownThreads((WRITTEN,), complete=True, seen=SEEN + 1)
    ),
    "threads that are shown": save(with_threads(WRITTEN, seen=SEEN + 9)),
    "unknown threads": save(record(1, seen=SEEN + 9)),
}
SAME: tuple[Callable[[Writer], object], ...] = (
    save(with_threads(seen=SEEN + 1)),
    lambda writer: writer.add_coverage("all", Coverage(Interval(0, 9), SEEN)),
    lambda writer: writer.remove([9], SEEN),
    lambda writer: writer.set_list_items(TAGS, [], SEEN - 1),
    lambda writer: writer.set_note("note", 1),
    lambda writer: writer.save_threads(9, ShownThreads((), complete=True, seen=SEEN)),
)
"""What changes nothing that an answer depends on."""


@pytest.fixture
def written(archive: Archive) -> Archive:
    """An archive that has a conversation without threads, a list, and coverage."""
    write(
        archive,
        lambda writer: writer.keep_threads(kept=True),
        save(with_threads(seen=SEEN + 1)),
        lambda writer: writer.add_coverage("all", Coverage(Interval(0, 9), SEEN)),
        lambda writer: writer.set_list_items(TAGS, [], SEEN),
    )
    return archive


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("same_first", [True, False])
def test_each_change_makes_one_new_version_whatever_else_is_written(
    written: Archive, what: str, same_first: bool
) -> None:
    before, _ = versions(written)
    write(written, *SAME)
    assert versions(written)[0] == before
    write(written, *((*SAME, CHANGES[what]) if same_first else (CHANGES[what], *SAME)))
    assert versions(written)[0] == before + 1


def test_a_changed_document_alone_makes_a_new_version(archive: Archive) -> None:
    save_all(archive, [record(1)])
    before, _ = versions(archive)
    assert save_all(archive, [record(1, name="Eve", seen=SEEN + 9)]) == 0
    assert versions(archive)[0] == before + 1


@pytest.mark.parametrize(
    ("changes", "chunks"),
    [
        ({"status": "closed"}, {0}),
        ({"state": "draft"}, {0}),
        ({"type": "chat"}, {0}),
        ({"mailbox": 2}, {0}),
        ({"folder": 12}, {0}),
        ({"tags": (3,)}, {0}),
        ({"created": CREATED + CHUNK}, {0, 1}),
        ({"customer": 92}, set()),
        ({"name": "Eve"}, set()),
    ],
)
def test_the_parts_of_an_index_change_in_which_a_conversation_is_counted_otherwise(
    archive: Archive, changes: dict[str, object], chunks: set[int]
) -> None:
    save_all(archive, [record(1, created=CREATED), record(2, created=CREATED + 5 * CHUNK)])
    _, before = versions(archive)
    again: dict[str, object] = {"created": CREATED, "seen": SEEN + 1, **changes}
    save_all(archive, [record(1, **again)])  # type: ignore[arg-type]
    version, after = versions(archive)
    first = schema.chunk_of(CREATED)
    assert {number - first for number, at in after.items() if at != before.get(number)} == chunks
    assert {after[first + number] for number in chunks} <= {version}


def test_the_parts_of_an_index_change_from_which_a_conversation_was_removed(
    archive: Archive,
) -> None:
    save_all(archive, [record(number, created=CREATED + number * CHUNK) for number in range(4)])
    _, before = versions(archive)
    write(
        archive,
        lambda writer: writer.remove([1], SEEN),
        save(record(2, created=CREATED + 2 * CHUNK, status="closed", seen=SEEN + 1)),
        lambda writer: writer.remove([3], SEEN - 1),
        lambda writer: writer.set_kept_since(CREATED + CHUNK),
    )
    _, after = versions(archive)
    first = schema.chunk_of(CREATED)
    assert {number - first for number, at in after.items() if at != before[number]} == {0, 1, 2}

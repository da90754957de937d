"""An archive imports all lines of a file, or says why and imports none."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import pytest

from compat.archive.admin import CannotImport, import_lines
from compat.archive.database import Archive
from compat.archive.records import INDEX_LAG, LAYERS, RECENT_THREADS, THREADS_KNOWN
from compat.archive.sync.backfill import READ_WITH_THREADS
from compat.core.intervals import Coverage, Interval
from compat.v2.models import LARGEST_ID
from tests.unit.archive.samples import CREATED, SEEN, cover, instant, record, rows, save_all

COVERS = (CREATED, SEEN - INDEX_LAG)
SPAN = Interval(*COVERS)


def line(id_: int = 1, **changed: Any) -> bytes:
    """A conversation of an export, with all of its threads: it has one."""
    thread = {"id": 50 + id_, "type": "customer", "status": "active", "state": "published"}
    thread |= {"createdAt": instant(CREATED), "createdBy": {"id": 91, "type": "customer"}}
    document = json.loads(record(id_).document or b"") | {"folderId": 11, "tags": []}
    whole = {**document, "threads": 1, "_embedded": {"threads": [thread]}, "_threads": "all"}
    return json.dumps(whole | changed).encode()


def without_threads(id_: int = 1, **changed: Any) -> bytes:
    """A conversation as an archive that keeps no threads exports it."""
    read = json.loads(line(id_, **changed))
    del read["_embedded"], read["_threads"]
    return json.dumps(read).encode()


def take(
    archive: Archive,
    lines: Sequence[bytes],
    covers: tuple[int, int] = COVERS,
    as_of: int = SEEN,
) -> int:
    """Import lines."""
    with archive.lock() as lock:
        return import_lines(archive, lock, io.BytesIO(b"\n".join(lines)), covers, as_of)


def keep_threads(archive: Archive, known: int | None) -> None:
    """Keep threads, all of which are known as of a time."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
        writer.set_note(THREADS_KNOWN, known)


def threads(archive: Archive) -> tuple[bool, int | None, int]:
    """Whether threads are kept, since when all are known, and how many conversations' are not."""
    with archive.reading() as snapshot:
        known = snapshot.get_note(THREADS_KNOWN)
        return snapshot.keeps_threads, known, snapshot.unread_thread_count()


def test_the_range_of_an_import_is_covered_in_each_layer(archive: Archive) -> None:
    assert take(archive, [line(1), line(2)]) == 2
    assert [row.id for row in rows(archive)] == [1, 2]
    with archive.reading() as snapshot:
        for layer in LAYERS:
            assert snapshot.layer_coverage(layer) == [Coverage(SPAN, SEEN)]


def test_conversations_that_were_the_same_before_are_not_counted(archive: Archive) -> None:
    take(archive, [line(1), line(2)])
    assert take(archive, [line(1), line(2, status="closed")], as_of=SEEN + 1) == 1


def test_an_import_of_many_lines_is_read_batch_by_batch(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.archive.admin._BATCH", 2)
    assert take(archive, [line(each) for each in range(1, 6)]) == 5
    assert [row.id for row in rows(archive)] == [1, 2, 3, 4, 5]
    assert threads(archive) == (True, SEEN, 0)


def test_what_an_index_may_not_have_had_yet_is_not_covered(archive: Archive) -> None:
    with pytest.raises(CannotImport, match="later than 15 minutes before --as-of"):
        take(archive, [line()], (CREATED, SEEN - INDEX_LAG + 1))
    assert rows(archive) == []


@pytest.mark.parametrize("covers", [(CREATED + 1, CREATED + 1), (CREATED, CREATED + 2)])
def test_both_ends_of_the_range_belong_to_it(archive: Archive, covers: tuple[int, int]) -> None:
    assert take(archive, [line(1)], covers) == 1


@pytest.mark.parametrize("covers", [(CREATED + 2, CREATED + 9), (CREATED - 9, CREATED)])
def test_a_conversation_that_was_not_created_in_the_range_is_refused(
    archive: Archive, covers: tuple[int, int]
) -> None:
    with pytest.raises(CannotImport, match=r"line 1: .* not created in --covers"):
        take(archive, [line(1)], covers)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"id": "\xff"}', "line 2 is not UTF-8"),
        (b"{", "line 2 is no conversation: [^:]*JSON"),
        (line(2, createdAt=None), "line 2 is no conversation: createdAt: "),
    ],
    ids=["not UTF-8", "no JSON", "a value is missing"],
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_imported(
    archive: Archive, content: bytes, said: str
) -> None:
    with pytest.raises(CannotImport, match=said):
        take(archive, [line(1), content])
    assert rows(archive) == []


def test_a_line_that_is_too_long_is_refused_with_the_limit(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("compat.json_lines", "compat.archive.admin"):
        monkeypatch.setattr(f"{module}.MAX_LINE_BYTES", 3 * 1024**2)
    with pytest.raises(CannotImport, match="line 1 is longer than 3 MiB"):
        take(archive, [line(1, subject="x" * 3 * 1024**2)])


@pytest.mark.parametrize("id_", [LARGEST_ID + 1, -LARGEST_ID - 1])
def test_an_id_that_no_database_stores_is_refused(archive: Archive, id_: int) -> None:
    with pytest.raises(CannotImport, match=f"the id {id_} is larger"):
        take(archive, [line(1, id=id_)])


def test_the_largest_id_is_imported(archive: Archive) -> None:
    assert take(archive, [line(1, id=LARGEST_ID)]) == 1


def test_a_file_that_lacks_conversations_of_the_archive_is_refused(archive: Archive) -> None:
    save_all(archive, [record(each, seen=SEEN - 1) for each in (1, 2, 3)])
    with pytest.raises(CannotImport, match=r"holds 2 conversations .*helpscout-v1 sync"):
        take(archive, [line(1, status="closed")])
    assert {row.status for row in rows(archive)} == {"active"}


def test_a_conversation_of_the_archive_that_is_newer_than_the_file_may_be_missing(
    archive: Archive,
) -> None:
    save_all(archive, [record(2, seen=SEEN)])
    assert take(archive, [line(1)]) == 1


def test_an_empty_archive_keeps_threads_if_all_lines_have_all(archive: Archive) -> None:
    take(archive, [line(1), line(2)])
    assert threads(archive) == (True, SEEN, 0)
    with archive.reading() as snapshot:
        found = snapshot.threads_of([1, 2])
    assert {id_: [each.id for each in some] for id_, some in found.items()} == {1: [51], 2: [52]}


def test_an_empty_archive_keeps_no_threads_if_a_line_lacks_them(archive: Archive) -> None:
    take(archive, [line(1), without_threads(2)])
    assert threads(archive) == (False, None, 0)


def test_threads_that_a_later_batch_lacks_are_unknown(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.archive.admin._BATCH", 2)
    take(archive, [line(1), line(2), without_threads(3), line(4), line(5)])
    assert threads(archive) == (True, None, 1)


def test_an_archive_with_conversations_keeps_no_threads_for_an_import(archive: Archive) -> None:
    save_all(archive, [record(9, created=CREATED - 9)])
    take(archive, [line(1)])
    assert threads(archive) == (False, None, 0)


@pytest.mark.parametrize(("kept", "by_user"), [(True, 1), (False, 0)])
def test_who_created_a_conversation_is_stored_with_threads_alone(
    archive: Archive, kept: bool, by_user: int
) -> None:
    made = line if kept else without_threads
    take(archive, [made(1, createdBy={"id": 5, "type": "user"})])
    with archive.reading() as snapshot:
        found = snapshot._connection.exec_driver_sql("SELECT by_user FROM conversation").scalar()
    assert found == by_user


def test_the_note_that_threads_are_all_is_no_part_of_the_document(archive: Archive) -> None:
    take(archive, [line(1)])
    with archive.reading() as snapshot:
        assert "_threads" not in json.loads(snapshot.raw_documents([1])[1])


def test_a_chat_has_all_threads_if_its_line_says_so(archive: Archive) -> None:
    take(archive, [line(1, type="chat")])
    assert threads(archive) == (True, SEEN, 0)


def test_threads_of_a_chat_whose_line_does_not_say_so_are_unknown(archive: Archive) -> None:
    keep_threads(archive, None)
    take(archive, [line(1, type="chat", _threads="some")])
    assert threads(archive) == (True, None, 1)


def test_an_email_whose_threads_are_all_shown_needs_no_note(archive: Archive) -> None:
    take(archive, [line(1, _threads="")])
    assert threads(archive) == (True, SEEN, 0)


@pytest.mark.parametrize("embedded", [None, {}, {"threads": None}], ids=repr)
def test_a_line_without_threads_shows_none_whatever_it_says(
    archive: Archive, embedded: Any
) -> None:
    keep_threads(archive, SEEN)
    take(archive, [line(1, threads=0, _embedded=embedded)])
    assert threads(archive) == (True, SEEN, 1)


@pytest.mark.parametrize(
    ("known", "expected"), [(SEEN + 5, SEEN), (SEEN - 5, SEEN - 5)], ids=["later", "earlier"]
)
def test_all_threads_are_known_as_of_the_older_of_file_and_archive(
    archive: Archive, known: int, expected: int
) -> None:
    keep_threads(archive, known)
    take(archive, [line(1)])
    assert threads(archive) == (True, expected, 0)


def test_an_archive_that_does_not_know_all_threads_does_not_after_an_import(
    archive: Archive,
) -> None:
    keep_threads(archive, None)
    save_all(archive, [record(9, created=CREATED - 9)])
    take(archive, [line(1)])
    assert threads(archive) == (True, None, 1)


def test_a_range_whose_threads_are_not_all_in_the_file_is_to_be_read_with_threads(
    archive: Archive,
) -> None:
    keep_threads(archive, None)
    whole = Coverage(Interval(CREATED - 10, SEEN), SEEN)
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.add_coverage(READ_WITH_THREADS, whole)
    take(archive, [line(1)])
    with archive.reading() as snapshot:
        assert snapshot.layer_coverage(READ_WITH_THREADS) == [whole]
    take(archive, [line(1), without_threads(2)], as_of=SEEN + 1)
    with archive.reading() as snapshot:
        assert [each.interval for each in snapshot.layer_coverage(READ_WITH_THREADS)] == [
            Interval(CREATED - 10, CREATED - 1),
            Interval(SEEN - INDEX_LAG + 1, SEEN),
        ]


def test_what_is_known_of_recent_threads_is_forgotten(archive: Archive) -> None:
    keep_threads(archive, None)
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_note(RECENT_THREADS, {"since": CREATED, "as_of": SEEN})
    take(archive, [line(1)])
    with archive.reading() as snapshot:
        assert snapshot.recent_threads() is None


def test_an_import_of_a_conversation_as_it_was_earlier_changes_nothing(archive: Archive) -> None:
    save_all(archive, [record(1, seen=SEEN + 5, status="closed")])
    cover(archive, SPAN, SEEN + 5)
    assert take(archive, [line(1)]) == 0
    assert [row.status for row in rows(archive)] == ["closed"]
    with archive.reading() as snapshot:
        assert snapshot.coverage() == [Coverage(SPAN, SEEN + 5)]

"""What must not be stored is erased for good, and counts stay correct."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
import sqlalchemy as sa

from compat.archive import connections, database, repository, schema
from compat.archive.database import Archive, open_archive
from compat.archive.errors import ArchiveLocked
from compat.archive.records import LAYERS, ConversationRecord
from compat.core.calendar import FIRST_SECOND
from compat.core.counting import UNTAGGED, CountQuery, Filter
from compat.core.intervals import Coverage, Interval
from compat.core.models import ConversationQuery, ListItem, ListQuery
from tests.unit.archive.databases import place
from tests.unit.archive.samples import CREATED, EVERYTHING, SEEN, cover, record, rows, save_all

ALL = CountQuery(
    ConversationQuery((EVERYTHING,)),
    Filter(frozenset({"published"}), frozenset(), tags=frozenset({3, UNTAGGED})),
    ((CREATED, CREATED + 10, CREATED + 100),),
)


def forget(archive: Archive, customer: int) -> int:
    with archive.lock() as lock, archive.writing(lock) as writer:
        return writer.erase_customers([customer])[customer]


def keep(archive: Archive, since: int | None) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.set_kept_since(since)


def counts(archive: Archive) -> list[list[int]]:
    with archive.reading() as snapshot:
        return snapshot.count(ALL)


def kept(archive: Archive, column: sa.Column[int]) -> set[int]:
    with archive.reading() as snapshot:
        return set(snapshot.execute(sa.select(column)).scalars())


def bytes_of(directory: Path) -> bytes:
    """All that is in the files of an archive."""
    return b"".join(each.read_bytes() for each in directory.iterdir())


def packed(records: Iterable[ConversationRecord]) -> list[bytes]:
    """Their documents as they are kept."""
    return [repository.compress(each.document) for each in records if each.document]


def test_a_customer_is_erased_and_every_count_stays(archive: Archive) -> None:
    save_all(archive, [record(1, customer=91, tags=(3,)), record(2, customer=92, name="Bob")])
    before = counts(archive), rows(archive)
    assert forget(archive, 91) == 1
    assert (counts(archive), rows(archive)) == before
    surrogate, other = sorted(kept(archive, schema.conversation.c.customer))
    assert (surrogate < 0, other) == (True, 92)
    with archive.reading() as snapshot:
        erased, bob = snapshot.documents([1, 2])
        assert (erased.subject, erased.customer.id, erased.customer.email) == ("", 0, "")
        assert bob.subject == "Subject of Bob"


def test_a_later_record_of_an_erased_customer_is_stored_without_them(archive: Archive) -> None:
    assert forget(archive, 91) == 0
    again = record(1, customer=91)
    save_all(
        archive, [type(again)(again.row, SEEN, customer=91, created_by=91, document=again.document)]
    )
    save_all(archive, [record(1, customer=91, status="closed", seen=SEEN + 1)])
    assert [row.status for row in rows(archive)] == ["closed"]
    (surrogate,) = kept(archive, schema.conversation.c.customer)
    assert surrogate < 0
    assert kept(archive, schema.conversation.c.created_by) <= {surrogate, 0}
    assert kept(archive, schema.document.c.conversation) == set()


def test_what_was_erased_is_in_no_file_after_vacuum(tmp_path: Path) -> None:
    first, second = record(1), record(1, status="closed", seen=SEEN + 1)
    other = record(2, customer=92, name="Bob")
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive:
        save_all(archive, [first, other])
        save_all(archive, [second])
        assert packed([second])[0] in bytes_of(tmp_path)
        forget(archive, 91)
        archive.vacuum()
        files = bytes_of(tmp_path)
        assert not any(each in files for each in packed([first, second]))
        assert packed([other])[0] in files


def test_vacuum_reports_a_reader_of_an_older_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_BUSY_TIMEOUT", 0.05)
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive:
        save_all(archive, [record(1)])
        with archive.reading() as snapshot:
            forget(archive, 91)
            with pytest.raises(ArchiveLocked, match="another process is reading an older state"):
                archive.vacuum()
            assert [each.customer.id for each in snapshot.documents([1])] == [91]
        archive.vacuum()


@pytest.fixture
def postgresql_url(tmp_path: Path) -> Iterator[str]:
    """A place for an archive in PostgreSQL."""
    with place("postgresql", tmp_path) as url:
        yield url


@contextmanager
def another_transaction(url: str, statement: str) -> Iterator[sa.Connection]:
    """A transaction of another program, on the same server."""
    engine = sa.create_engine(url, isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


def documents_file(url: str) -> bytes:
    """The file in which PostgreSQL keeps the documents."""
    read = "SELECT pg_read_binary_file(pg_relation_filepath('document'))"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
        found = bytes(connection.exec_driver_sql(read).scalar_one())
    engine.dispose()
    return found


@pytest.mark.parametrize(
    ("elsewhere", "statement"),
    [(None, "SELECT 1"), ("postgres", "SELECT pg_current_xact_id()")],
    ids=["a reader", "a writer to another database"],
)
def test_vacuum_reports_a_transaction_of_a_server_that_holds_an_older_state(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, elsewhere: str | None, statement: str
) -> None:
    url = sa.make_url(postgresql_url).set(database=elsewhere)  # None leaves it as it is
    monkeypatch.setattr(database, "_OLDER_TRANSACTIONS_WAIT", 0.05)
    with open_archive(postgresql_url, create=True) as archive:
        save_all(archive, [record(1)])
        with another_transaction(url.render_as_string(hide_password=False), statement):
            forget(archive, 91)
            with pytest.raises(ArchiveLocked, match=r"process \d+ .* reading an older state: end"):
                archive.vacuum()


def test_vacuum_waits_for_a_transaction_of_a_server_that_ends(postgresql_url: str) -> None:
    with open_archive(postgresql_url, create=True) as archive:
        save_all(archive, [record(1)])
        with another_transaction(postgresql_url, "SELECT 1") as connection:
            forget(archive, 91)
            ending = Timer(0.3, connection.rollback)
            ending.start()
            archive.vacuum()
            ending.join()
        assert packed([record(1)])[0] not in documents_file(postgresql_url)


def test_vacuum_rewrites_the_tables_of_postgresql(archive: Archive) -> None:
    save_all(archive, [record(1), record(2, customer=92, name="Bob")])
    forget(archive, 91)
    archive.vacuum()
    with archive.reading() as snapshot:
        assert [each.subject for each in snapshot.documents([1, 2])] == ["", "Subject of Bob"]


def test_conversations_too_old_are_removed_with_their_coverage_and_not_stored_again(
    archive: Archive,
) -> None:
    old, new = record(1, created=CREATED, tags=(3,)), record(2, created=CREATED + 10)
    save_all(archive, [old, new])
    cover(archive, Interval(FIRST_SECOND, CREATED + 50))
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.add_coverage("another", Coverage(Interval(CREATED, CREATED + 9), SEEN))
    keep(archive, CREATED + 10)
    cover(archive, Interval(FIRST_SECOND, CREATED + 50), SEEN + 1)
    assert save_all(archive, [record(1, created=CREATED, seen=SEEN + 9)]) == 0
    assert rows(archive) == [new.row]
    assert counts(archive) == [[0, 1]]
    assert kept(archive, schema.document.c.conversation) == {2}
    with archive.reading() as snapshot:
        assert snapshot.kept_since == CREATED + 10
        assert snapshot.coverage() == [Coverage(Interval(CREATED + 10, CREATED + 50), SEEN + 1)]
        assert snapshot.layer_coverage("another") == []


def test_the_oldest_age_that_is_stored_can_be_raised_again(archive: Archive) -> None:
    keep(archive, CREATED + 10)
    keep(archive, None)
    assert save_all(archive, [record(1, created=CREATED)]) == 1
    with archive.reading() as snapshot:
        assert snapshot.kept_since is None


def test_the_chunks_of_removed_conversations_change(archive: Archive) -> None:
    save_all(archive, [record(1, created=CREATED), record(2, created=CREATED + 2**22)])
    with archive.reading() as snapshot:
        before = snapshot.chunk_versions()
    keep(archive, CREATED + 1)
    with archive.reading() as snapshot:
        after = snapshot.chunk_versions()
    changed = {number for number, version in after.items() if version != before[number]}
    assert changed == {schema.chunk_of(CREATED)}


def test_a_slim_archive_holds_no_texts_and_no_people(tmp_path: Path) -> None:
    mailbox = ListItem(1, "Support", "support", "support@example.org")
    seen = [record(1, name="Ada"), record(2, name="Bob", customer=92)]
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True, slim=True) as archive:
        save_all(archive, seen)
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.set_list_items(ListQuery("mailboxes"), [mailbox], SEEN)
        files = bytes_of(tmp_path)
        assert b"Support" in files
        for text in (b"example.org", b"Subject", b"Preview", b"Ada", b"Bob", *packed(seen)):
            assert text not in files
        assert rows(archive) == [each.row for each in seen]
        assert save_all(archive, [record(1, name="Ada", seen=SEEN + 1)]) == 0
    with sqlite3.connect(tmp_path / "a.db") as connection:
        assert connection.execute("SELECT count(*) FROM document").fetchone() == (0,)
    connection.close()


def test_a_new_archive_covers_nothing_in_any_layer(archive: Archive) -> None:
    with archive.reading() as snapshot:
        assert [snapshot.layer_coverage(name) for name in LAYERS] == [[], [], []]
        assert snapshot.coverage() == []
        assert snapshot.created_bounds() is None

"""After an error of the database the message says what to do, and nothing committed is lost."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from compat.archive import connections, schema
from compat.archive.database import Archive, open_archive
from compat.archive.errors import (
    ArchiveError,
    ArchiveFull,
    ArchiveLocked,
    ArchiveReadOnly,
    ArchiveUnreachable,
    ArchiveUnreadable,
)
from compat.archive.locks import SyncLock
from compat.archive.records import ConversationRecord
from tests.unit.archive.databases import place
from tests.unit.archive.samples import record, rows, save_all

NOBODY = 65_534


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An archive with ten conversations, closed."""
    path = tmp_path / "a.db"
    with open_archive(f"sqlite:///{path}", create=True) as archive:
        save_all(archive, [record(id_) for id_ in range(10)])
    return path


@contextmanager
def user_without_rights() -> Iterator[None]:
    """Without the rights of an administrator, who may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_an_archive_in_a_directory_that_may_not_be_entered_is_not_called_missing(
    file: Path,
) -> None:
    file.parent.chmod(0)
    try:
        with user_without_rights(), pytest.raises(ArchiveReadOnly, match="could not be opened"):
            open_archive(f"sqlite:///{file}")
    finally:
        file.parent.chmod(0o700)


def test_a_full_disk_loses_nothing_and_is_reported(file: Path) -> None:
    with open_archive(f"sqlite:///{file}") as archive:
        limited = {"pages": 60}

        def limit(connection: Any, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {limited['pages']}")

        sa.event.listen(archive._engine, "checkout", limit)
        with pytest.raises(ArchiveFull, match=r"no space is left .*free some"):
            save_all(archive, [record(id_, name="x" * 900) for id_ in range(1000)])
        assert len(rows(archive)) == 10
        limited["pages"] = 10_000
        assert save_all(archive, [record(11)]) == 1
        assert len(rows(archive)) == 11


def test_an_archive_that_is_kept_busy_is_reported(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_BUSY_TIMEOUT", 0.05)
    other = sqlite3.connect(file, isolation_level=None)
    with open_archive(f"sqlite:///{file}") as archive, archive.lock() as lock:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArchiveLocked, match="busy for too long"), archive.writing(lock):
            pass
        assert len(rows(archive)) == 10
        other.execute("ROLLBACK")
        with archive.writing(lock) as writer:
            assert writer.save([record(11)]) == 1
    other.close()


def test_a_damaged_file_is_reported(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    file.write_bytes(content)
    with pytest.raises(ArchiveUnreadable, match=r"damaged.*put a backup in its place"):
        _save(file, [])


def test_a_file_without_write_permission_is_reported() -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "a.db"
        with open_archive(f"sqlite:///{file}", create=True) as archive:
            save_all(archive, [record(1)])
        Path(directory).chmod(0o755)
        file.chmod(0o444)
        with (
            user_without_rights(),
            pytest.raises(ArchiveReadOnly, match=r"check the rights|readable and"),
        ):
            _save(file, [record(2)])
        with user_without_rights(), pytest.raises(ArchiveReadOnly, match="could not be made"):
            open_archive(f"sqlite:///{file}", create=True)
        file.chmod(0o600)
        with open_archive(f"sqlite:///{file}") as archive:
            assert [row.id for row in rows(archive)] == [1]
        Path(directory).chmod(0o700)


def test_a_dropped_connection_is_reported_and_opened_again(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as url, open_archive(url, create=True) as archive:
        save_all(archive, [record(1)])
        with pytest.raises(ArchiveUnreachable, match="dropped the connection"):
            _read_while_it_is_dropped(archive)
        assert [row.id for row in rows(archive)] == [1]


def test_a_commit_on_a_dropped_connection_writes_nothing(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as url, open_archive(url, create=True) as archive:
        with archive.lock() as lock:
            with pytest.raises(ArchiveUnreachable):
                _write_while_it_is_dropped(archive, lock)
            assert rows(archive) == []
            with archive.writing(lock) as writer:
                writer.save([record(2)])
        assert [row.id for row in rows(archive)] == [2]


def test_a_lock_is_not_called_lost_if_it_cannot_be_seen_whether_it_is(tmp_path: Path) -> None:
    with (
        place("postgresql", tmp_path) as url,
        open_archive(url, create=True) as archive,
        archive.lock() as lock,
        pytest.raises(ArchiveUnreachable),
    ):
        _write_while_it_is_dropped(archive, lock, f"DROP TABLE {schema.state.name}")


def test_a_pool_without_a_free_connection_is_a_busy_archive() -> None:
    with pytest.raises(ArchiveLocked), connections.translate_errors("here"):
        raise sa.exc.TimeoutError("QueuePool limit")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SQLITE_FULL", ArchiveFull),
        ("SQLITE_BUSY_SNAPSHOT", ArchiveLocked),
        ("SQLITE_CORRUPT_INDEX", ArchiveUnreadable),
        ("SQLITE_READONLY_DIRECTORY", ArchiveReadOnly),
        ("SQLITE_IOERR_WRITE", ArchiveUnreadable),
        ("SQLITE_MISUSE", ArchiveError),
    ],
)
def test_each_error_code_of_sqlite_has_its_exception(code: str, kind: type[ArchiveError]) -> None:
    error = sqlite3.OperationalError("a text of the driver")
    error.sqlite_errorname = code
    with pytest.raises(ArchiveError, match=r"archive here|database here") as raised:
        _explain(error)
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("53100", ArchiveFull),
        ("55P03", ArchiveLocked),
        ("42501", ArchiveReadOnly),
        ("28P01", ArchiveUnreachable),
        ("57P01", ArchiveUnreachable),
        ("08006", ArchiveUnreachable),
        ("XX001", ArchiveUnreadable),
        ("42601", ArchiveError),
    ],
)
def test_each_sqlstate_has_its_exception(code: str, kind: type[ArchiveError]) -> None:
    error = Exception("a text of the driver")
    error.sqlstate = code  # type: ignore[attr-defined]
    with pytest.raises(ArchiveError) as raised:
        _explain(error)
    assert type(raised.value) is kind


def _explain(error: Exception) -> None:
    with connections.translate_errors("here"):
        raise sa.exc.DBAPIError("SELECT", None, error)


def _read_while_it_is_dropped(archive: Archive) -> None:
    with archive.reading() as snapshot:
        _end(archive, snapshot._connection)
        snapshot.conversation_count()


def _write_while_it_is_dropped(archive: Archive, lock: SyncLock, then: str = "SELECT 1") -> None:
    with archive.writing(lock) as writer:
        writer.save([record(1)])
        _end(archive, writer._connection)
        with archive._engine.begin() as other:
            other.exec_driver_sql(then)


def _save(file: Path, records: Iterable[ConversationRecord]) -> None:
    with open_archive(f"sqlite:///{file}") as archive:
        rows(archive)
        save_all(archive, records)


def _end(archive: Archive, connection: sa.Connection) -> None:
    """Have the server end a connection, as its administrator may."""
    number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    with archive._engine.connect() as other, suppress(sa.exc.DBAPIError):
        other.exec_driver_sql(f"SELECT pg_terminate_backend({number})")

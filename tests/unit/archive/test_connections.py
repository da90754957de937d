"""Where an archive is, how its connections are made, and what their errors mean."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from compat.archive import connections
from compat.archive.database import Archive, open_archive
from compat.archive.errors import (
    ArchiveError,
    ArchiveLocked,
    ArchiveMissing,
    ArchiveReadOnly,
    ArchiveUnreachable,
    ArchiveUnreadable,
    InvalidArchiveUrl,
)
from tests.unit.archive.databases import place
from tests.unit.archive.samples import SEEN, record, rows, save_all


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app@host/p?options=a@b@c",
        "postgresql://app:p%40ss@host/p",
        "sqlite:////tmp/a@b@c.db",
    ],
    ids=["among the parameters", "percent-encoded", "of a file"],
)
def test_an_at_sign_that_cannot_be_a_passwords_is_accepted(url: str) -> None:
    assert connections.parse_url(url).get_backend_name() in ("sqlite", "postgresql")


def test_of_a_password_with_an_address_in_it_nothing_is_shown() -> None:
    with pytest.raises(InvalidArchiveUrl, match="percent-encode") as refused:
        connections.parse_url("postgres://app:x@sesame://y@host/p")
    assert "sesame" not in str(refused.value)


def test_a_server_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = r"an archive in PostgreSQL needs psycopg.*\[postgres\]"
    with pytest.raises(ImportError, match=said):
        connections.connect(connections.parse_url("postgres://host/p"), "tests")


def test_errors_of_a_server_show_no_values() -> None:
    engine = connections.connect(connections.parse_url("postgres://host/p"), "tests")
    assert engine.hide_parameters


def test_a_connection_that_a_server_ended_meanwhile_is_replaced(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as url, open_archive(url, create=True) as archive:
        assert rows(archive) == []
        other = sa.create_engine(url)
        with other.connect() as connection:
            ended = connection.execute(
                sa.text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE application_name = :name"
                ),
                {"name": archive._application_name},
            ).scalar_one()
        other.dispose()
        assert ended > 0
        assert rows(archive) == []


def test_a_connection_is_used_by_one_thread_after_the_other(file_archive: Archive) -> None:
    assert rows(file_archive) == []
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(rows, file_archive).result() == []


def test_vacuum_leaves_no_free_pages(file_archive: Archive) -> None:
    save_all(file_archive, [record(id_) for id_ in range(1, 500)])
    with file_archive.lock() as lock, file_archive.writing(lock) as writer:
        writer.remove(range(1, 500), SEEN + 1)
    assert pragma(file_archive, "freelist_count") != 0
    connections.vacuum(file_archive._engine)
    assert pragma(file_archive, "freelist_count") == 0


def test_the_driver_of_a_server_is_psycopg() -> None:
    assert connections.parse_url("postgres://host/p").drivername == "postgresql+psycopg"


def test_the_url_of_a_file_stays_as_it_is() -> None:
    parsed = connections.parse_url("sqlite:////var/a.db?x=1")
    assert (parsed.drivername, parsed.database, parsed.query) == (
        "sqlite",
        "/var/a.db",
        {"x": "1"},
    )
    assert connections.sqlite_path(parsed) == Path("/var/a.db")


def test_an_archive_on_a_server_has_no_file() -> None:
    assert connections.sqlite_path(connections.parse_url("postgresql://host/p")) is None


def test_an_empty_name_of_a_file_is_refused() -> None:
    with pytest.raises(InvalidArchiveUrl, match="names no file"):
        connections.parse_url("sqlite:///")


def test_the_parameters_of_a_url_are_not_shown() -> None:
    url = connections.parse_url("postgresql://app:x@host:5/p?sslmode=require")
    assert connections.display_name(url) == "at postgresql+psycopg://app:***@host:5/p"


def test_a_file_is_shown_by_its_path(tmp_path: Path) -> None:
    url = connections.parse_url(f"sqlite:///{tmp_path}/a.db")
    assert str(tmp_path / "a.db") in connections.display_name(url)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"], ids=["too long", "with a NUL"])
def test_a_name_that_no_file_can_have_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveMissing, match="there is no archive at"):
        connections.check_file(tmp_path / name, create=False)


def test_a_file_that_cannot_be_made_is_reported_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ArchiveReadOnly, match=r"could not be made \(File name too long\)"):
        connections.check_file(tmp_path / ("x" * 300), create=True)


def test_each_refusal_of_a_file_names_it(tmp_path: Path) -> None:
    for path, create, said in (
        (tmp_path, False, f"such as {tmp_path}/archive.db"),
        (tmp_path / "a.db", False, f"no archive at {tmp_path}/a.db: "),
        (tmp_path / "there" / "a.db", True, "make it, or correct COMPAT_ARCHIVE"),
        (tmp_path / ("x" * 300), True, "the archive " + str(tmp_path)),
    ):
        with pytest.raises(ArchiveError, match=re.escape(said)):
            connections.check_file(path, create=create)


def test_a_file_that_may_not_be_seen_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_is_forbidden", lambda _path: True)
    with pytest.raises(ArchiveReadOnly, match=f"the archive {tmp_path}/a.db could not be opened"):
        connections.check_file(tmp_path / "a.db", create=False)


def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.db")
    with pytest.raises(ArchiveMissing, match="there is no archive at"):
        connections.check_file(tmp_path / "a.db", create=False)


def test_a_file_that_exists_keeps_its_content(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.write_bytes(b"content")
    connections.check_file(file, create=True)
    connections.check_file(file, create=False)
    assert file.read_bytes() == b"content"


def test_connections_are_named_after_their_process() -> None:
    host = re.escape(socket.gethostname()[:24])
    name = rf"compat {host} {os.getpid()} [0-9a-f]{{8}}"
    assert re.fullmatch(name, connections.application_name())


def test_a_long_host_name_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "h" * 200)
    assert connections.application_name().split()[1] == "h" * 24


@pytest.fixture
def file_archive(tmp_path: Path) -> Any:
    """An archive in a file."""
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive:
        yield archive


def pragma(archive: Archive, name: str) -> object:
    """The value of a pragma."""
    (value,) = connections.execute_pragma(archive._engine, name)
    return value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secure_delete", 1),
        ("synchronous", 1),
        ("cache_size", -32768),
        ("journal_mode", "wal"),
        ("busy_timeout", 10_000),
    ],
)
def test_each_connection_to_a_file_has_these_pragmas(
    file_archive: Archive, name: str, value: object
) -> None:
    assert pragma(file_archive, name) == value


def test_a_pragma_without_a_result_has_none(file_archive: Archive) -> None:
    assert connections.execute_pragma(file_archive._engine, "shrink_memory") == ()


def test_a_file_with_marks_of_a_url_in_its_name_is_opened(tmp_path: Path) -> None:
    name = "a b%20?c#d.db"
    url = sa.URL.create("sqlite", database=str(tmp_path / name))
    connections.check_file(tmp_path / name, create=True)
    engine = connections.connect(url, "tests")
    assert connections.execute_pragma(engine, "user_version") == (0,)
    engine.dispose()
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_reader_holds_no_lock_and_a_writer_does(file_archive: Archive) -> None:
    engine = file_archive._engine
    with engine.connect() as first, engine.connect() as second:
        for each in (first, second):
            each.exec_driver_sql("SELECT 1")
            assert each.connection.in_transaction
        second.rollback()
        writer = second.execution_options(sqlite_begin="IMMEDIATE")
        writer.exec_driver_sql("SELECT 1")
        other = sqlite3.connect(str(file_archive._path), timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for directory, id_ in ((tmp_path, 1), (other, 2)):
        with open_archive(f"sqlite:///{directory}/a.db", create=True) as archive:
            save_all(archive, [record(id_)])
    with open_archive(f"sqlite:///{tmp_path}/a.db") as archive:
        assert [row.id for row in rows(archive)] == [1]
        (other / "a.db").replace(tmp_path / "a.db")
        assert [row.id for row in rows(archive)] == [2]


def test_values_are_in_no_text_of_an_error(archive: Archive) -> None:
    with archive._engine.connect() as connection, pytest.raises(sa.exc.DBAPIError) as raised:
        connection.execute(sa.text("SELECT :secret FROM nowhere"), {"secret": "sesame"})
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (zlib.error("cut short"), ArchiveUnreadable),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), ArchiveUnreadable),
        (sqlite3.DatabaseError("without a code"), ArchiveError),
        (sqlite3.OperationalError("without a code"), ArchiveUnreachable),
        (sa.exc.TimeoutError("no connection is free"), ArchiveLocked),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else each.__name__,
)
def test_each_error_that_is_no_databases_has_its_exception(
    error: Exception, kind: type[ArchiveError]
) -> None:
    with pytest.raises(ArchiveError, match="here") as raised, connections.translate_errors("here"):
        raise error
    assert type(raised.value) is kind
    assert raised.value.__cause__ is error


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), connections.translate_errors("here"):
        raise KeyError("x")


class OperationalError(Exception):
    """As that of a driver."""


@pytest.mark.parametrize(
    ("error", "disconnected", "kind", "said"),
    [
        (OperationalError("connection refused"), False, ArchiveUnreachable, "does not answer"),
        (Exception("some text"), True, ArchiveUnreachable, "does not answer"),
        (Exception("some text"), False, ArchiveError, r"was asked \(Exception\)"),
        (Exception("password authentication failed"), False, ArchiveUnreachable, "refuses"),
        (Exception('role "x" does not exist'), False, ArchiveUnreachable, "refuses"),
        (None, False, ArchiveError, r"was asked \(NoneType\)"),
    ],
)
def test_an_error_without_a_code_is_told_by_its_text_and_the_connection(
    error: Exception | None, disconnected: bool, kind: type[ArchiveError], said: str
) -> None:
    with pytest.raises(ArchiveError, match=said) as raised, connections.translate_errors("here"):
        raise sa.exc.DBAPIError(
            "SELECT",
            None,
            error,  # type: ignore[arg-type]
            connection_invalidated=disconnected,
        )
    assert type(raised.value) is kind

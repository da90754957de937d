"""An archive is opened, created or migrated, or the error says what to do."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from compat.archive import connections, migrations, schema
from compat.archive.database import Archive, open_archive
from compat.archive.errors import (
    ArchiveError,
    ArchiveMissing,
    ArchiveOutdated,
    ArchiveTooNew,
    ArchiveUnreachable,
    ArchiveUnreadable,
    InvalidArchiveUrl,
)
from compat.core.counting import UNTAGGED, CountQuery, Filter
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, ListItem, ListQuery, Rating
from tests.unit.archive.databases import POSTGRES, place
from tests.unit.archive.samples import CREATED, record, rows, save_all


@pytest.fixture
def engine(archive_url: str) -> Iterator[sa.Engine]:
    """The database itself, with a file where that is needed."""
    url = connections.parse_url(archive_url)
    if (path := connections.sqlite_path(url)) is not None:
        connections.check_file(path, create=True)
    made = connections.connect(url, "tests")
    yield made
    made.dispose()


def test_only_the_owner_may_read_the_files_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    before = os.umask(0)
    try:
        with open_archive(f"sqlite:///{path}", create=True) as archive, archive.lock() as lock:
            with archive.writing(lock) as writer:
                writer.save([record(1)])
            modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("a.db", "a.db-wal", "a.db-shm", "a.db.lock"), 0o600)


def test_the_permissions_of_a_file_that_exists_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    open_archive(f"sqlite:///{path}", create=True).close()
    path.chmod(0o640)
    open_archive(f"sqlite:///{path}", create=True).close()
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+psycopg"])
def test_each_name_of_postgresql_is_accepted(name: str) -> None:
    url = connections.parse_url(f"{name}://app:secret@host:5433/p")
    shown = connections.display_name(url)
    assert shown == "at postgresql+psycopg://app:***@host:5433/p"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:p@ss/w%rd@127.0.0.1:5432/p",
        "postgres://app:p@ss/w%rd@127.0.0.1:5432/p",
        "postgresql://app:p@@ss@host/p",
        "postgresql://a@pp:ss/w%rd@host/p?sslmode=require",
    ],
)
def test_of_a_password_with_an_at_sign_nothing_is_shown(url: str) -> None:
    with pytest.raises(InvalidArchiveUrl, match="percent-encode") as refusal:
        open_archive(url)
    assert "ss" not in str(refusal.value).replace("password", "").replace("special", "")
    assert "w%rd" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["postgresql://host/p?password=secret", "postgresql://app:se%40cret@host/p"]
)
def test_a_password_in_another_place_is_not_shown_either(url: str) -> None:
    shown = connections.display_name(connections.parse_url(url))
    assert "secret" not in shown
    assert "cret@" not in shown


@contextmanager
def database(encoding: str) -> Iterator[str]:
    """The URL of a new database with an encoding, which is dropped again."""
    name = f"archive_{secrets.token_hex(6)}"
    server = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    create = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
    try:
        with place("postgresql", Path()):  # skips without a server
            pass
        with server.connect() as connection:
            connection.exec_driver_sql(create)
        yield sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        server.dispose()


@pytest.mark.parametrize("encoding", ["UTF8", "SQL_ASCII"])
def test_texts_of_any_language_are_stored_in_a_database_that_can_hold_them(encoding: str) -> None:
    with database(encoding) as url, open_archive(url, create=True) as archive:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.set_list_items(ListQuery("tags"), [ListItem(1, "日本 Ω é \N{GRINNING FACE}")], 5)
            writer.save([record(1, type="é")])
        with archive.reading() as snapshot:
            (item,) = snapshot.list_items(ListQuery("tags")) or ()
        assert item.name == "日本 Ω é \N{GRINNING FACE}"
        assert [row.type for row in rows(archive)] == ["é"]


def test_a_database_that_lacks_characters_is_refused_with_what_to_do() -> None:
    with (
        database("LATIN1") as url,
        pytest.raises(ArchiveUnreadable, match=r"encoding LATIN1.*template0"),
    ):
        open_archive(url, create=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/var/lib/archive.db", "no SQLAlchemy URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://root:sesame@localhost/x", "names mysql: an archive is kept in SQLite or"),
        ("", "no SQLAlchemy URL"),
        ("postgresql://user:sesame@host:sesame/database", "no SQLAlchemy URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, said: str) -> None:
    with pytest.raises(InvalidArchiveUrl, match=said) as refused:
        open_archive(url)
    assert "sqlite:////var/lib/" in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_reading_does_not_create_a_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(ArchiveMissing, match="run `helpscout-v1 sync` to make one"):
        open_archive(f"sqlite:///{tmp_path}/a.db")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ArchiveMissing, match=r"no directory .*/there for the archive: make it"):
        open_archive(f"sqlite:///{tmp_path}/there/a.db", create=True)


def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    for create in (False, True):
        with pytest.raises(ArchiveMissing, match=f"{tmp_path} is a directory: name a file"):
            open_archive(f"sqlite:///{tmp_path}", create=create)


def test_a_path_may_begin_with_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    open_archive("sqlite:///~/a.db", create=True).close()
    assert (tmp_path / "a.db").is_file()


@pytest.mark.parametrize("create", [True, False])
def test_another_file_is_no_archive(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "a.db"
    path.write_text("Dear diary, " * 500)
    with pytest.raises(ArchiveUnreadable, match=f"the archive {path} is damaged, or is no archive"):
        open_archive(f"sqlite:///{path}", create=create)
    assert path.read_text().startswith("Dear diary")


def test_a_database_without_an_archive_is_refused(engine: sa.Engine, archive_url: str) -> None:
    with pytest.raises(ArchiveUnreadable, match="no archive in it"):
        open_archive(archive_url)


def test_a_database_with_foreign_tables_is_refused(engine: sa.Engine, archive_url: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE state (name TEXT)")
    with pytest.raises(ArchiveUnreadable, match="not an archive's \\(state\\)"):
        open_archive(archive_url, create=True)


def test_a_schema_from_a_newer_version_is_refused(archive_url: str, engine: sa.Engine) -> None:
    open_archive(archive_url, create=True).close()
    newer = len(migrations.MIGRATIONS) + 1
    with engine.begin() as connection:
        connection.execute(schema.applied.insert().values(version=newer, applied_at=""))
    for create in (True, False):
        with pytest.raises(ArchiveTooNew, match=f"version {newer} of the schema.*upgrade this"):
            open_archive(archive_url, create=create)


def test_the_applied_migrations_are_recorded(archive: Archive) -> None:
    with archive.reading() as snapshot:
        found = snapshot.execute(sa.select(schema.applied).order_by(schema.applied.c.version)).all()
    assert [each.version for each in found] == list(range(1, len(migrations.MIGRATIONS) + 1))
    assert all(each.applied_at.startswith("20") for each in found)
    assert all(each.applied_at.endswith("+00:00") for each in found)


OLD = """
INSERT INTO conversation VALUES
(1, 1420070401, 1, 11, 'email', 'active', 'published', '3,4,3', 5, 1, NULL, 0, 0, 9, 0, 1, 7, NULL),
(2, 1420070402, 1, 11, 'email', 'active', 'published', '', 5, 2, NULL, 0, 0, 9, 0, 1, NULL, 8)
"""


def test_a_writer_migrates_an_old_archive(engine: sa.Engine, archive_url: str) -> None:
    with engine.begin() as connection:
        assert migrations.migrate(connection, migrations.MIGRATIONS[:1]) == 1
        connection.exec_driver_sql(OLD)
    with pytest.raises(ArchiveOutdated, match=r"version 1 .*run `helpscout-v1 sync`"):
        open_archive(archive_url)
    with open_archive(archive_url, create=True) as archive:
        assert [row.tags for row in rows(archive)] == [(3, 4, 3), ()]
        with archive.reading() as snapshot:
            for tag, expected in ((3, 1), (4, 1), (UNTAGGED, 1), (5, 0)):
                which = Filter(frozenset({"published"}), frozenset(), tags=frozenset({tag}))
                ranges = ((CREATED, CREATED + 9),)
                need = ConversationQuery((Interval(*ranges[0]),))
                assert snapshot.count(CountQuery(need, which, ranges)) == [[expected]]
        assert save_all(archive, [record(2, seen=6, tags=(3,))]) == 1
        unknown = record(1, seen=6, tags=None, type=None, mailbox=None, folder=None)
        assert save_all(archive, [unknown]) == 1
        assert rows(archive)[0] == unknown.row
    open_archive(archive_url).close()


OLD_ITEM = """
INSERT INTO menu_item VALUES
('folders', 1, 0, 11, 'Mine', '', '', 'mytickets', 7, '', 3, 2, 5, 6)
"""


def test_lists_of_an_old_archive_stay(engine: sa.Engine, archive_url: str) -> None:
    with engine.begin() as connection:
        migrations.migrate(connection, migrations.MIGRATIONS[:4])
        connection.exec_driver_sql("INSERT INTO menu VALUES ('folders', 1, 5)")
        connection.exec_driver_sql(OLD_ITEM)
    with open_archive(archive_url, create=True) as archive, archive.reading() as snapshot:
        assert snapshot.list_items(ListQuery("folders", 1)) == (
            ListItem(11, "Mine", "", "", "mytickets", 7, "", 3, 2, 5, 6),
        )
        assert snapshot.list_items(ListQuery("users")) is None


OLD_THREADS = """
INSERT INTO thread VALUES
(11, 1, 1420070401, 'message', 'published', NULL, 'user', 3, 91, '', '', 0, 2, 0, 5),
(12, 1, 1420070402, 'message', 'published', NULL, 'user', 3, 92, '', '', 0, 1, 0, 5),
(21, 2, 1420070403, 'message', 'published', NULL, 'user', 3, 92, '', '', 0, 0, 0, 5),
(31, 3, 1420070404, 'message', 'published', NULL, 'user', 3, 93, '', '', 0, 3, 0, 5)
"""


@pytest.mark.parametrize("sealed_at", [None, 6])
def test_rated_conversations_of_an_old_archive_are_read_again_unless_it_is_sealed(
    engine: sa.Engine, archive_url: str, sealed_at: int | None
) -> None:
    with engine.begin() as connection:
        migrations.migrate(connection, migrations.MIGRATIONS[:1])
        connection.exec_driver_sql(OLD)
        migrations.migrate(connection, migrations.MIGRATIONS[:7])
        connection.exec_driver_sql(OLD_THREADS)
        connection.execute(schema.state.update().values(threads=1, sealed_at=sealed_at))
    with open_archive(archive_url, create=True) as archive, archive.reading() as snapshot:
        assert snapshot.unread_threads(9) == ([] if sealed_at else [(1, 1420070401)])
        threads = snapshot.threads_of([1, 2])
        assert [each.rating for each in threads[1]] == [Rating(2, 91), Rating(1, 92)]
        assert [each.rating for each in threads[2]] == [None]


def test_a_failed_migration_leaves_the_archive_unchanged(
    engine: sa.Engine, archive_url: str
) -> None:
    steps = (
        *migrations.MIGRATIONS,
        "CREATE TABLE extra (x TEXT);\nINSERT INTO nowhere VALUES (1);\n",
    )
    open_archive(archive_url, create=True).close()

    def fail() -> None:
        with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
            migrations.migrate(connection, steps)

    with pytest.raises(sa.exc.DBAPIError):
        fail()
    assert not sa.inspect(engine).has_table("extra")
    open_archive(archive_url).close()


def test_the_tables_agree_with_the_schema_of_queries(archive: Archive) -> None:
    inspector = sa.inspect(archive._engine)
    made = {
        table: {column["name"] for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
    }
    assert made == {name: set(table.columns.keys()) for name, table in schema.TABLES.items()}


def test_two_processes_can_create_the_archive_at_once(archive_url: str) -> None:
    together, errors = threading.Barrier(3), list[ArchiveError]()

    def make() -> None:
        together.wait()
        try:
            open_archive(archive_url, create=True).close()
        except ArchiveError as error:
            errors.append(error)

    makers = [threading.Thread(target=make) for _ in range(3)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert errors == []
    open_archive(archive_url).close()


def test_on_a_server_only_one_process_migrates_at_a_time(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as url:
        engine = connections.connect(connections.parse_url(url), "tests")
        with engine.begin() as first, engine.begin() as second:
            migrations.migrate(first)
            second.exec_driver_sql("SET lock_timeout = '50ms'")
            with pytest.raises(sa.exc.DBAPIError) as refused:
                migrations.migrate(second)
            assert refused.value.statement == migrations._MIGRATION_LOCK
            second.rollback()
        engine.dispose()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"port": 1}, "does not answer"),
        ({"database": "no_such_database"}, "refuses the sign-in"),
        ({"username": "no_such_user"}, "refuses the sign-in"),
    ],
)
def test_an_unusable_server_is_reported_without_the_password(
    tmp_path: Path, change: dict[str, str | int], said: str
) -> None:
    url = sa.make_url(POSTGRES).set(password="sesame", **change)  # type: ignore[arg-type]
    with pytest.raises(ArchiveUnreachable, match=said) as refused:
        open_archive(url.render_as_string(hide_password=False), create=True)
    assert "COMPAT_ARCHIVE" in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_removed_file_is_an_error_and_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    open_archive(f"sqlite:///{path}", create=True).close()
    archive = Archive(connections.parse_url(f"sqlite:///{path}"), 60.0)
    path.unlink()
    with pytest.raises(ArchiveError, match="could not be opened"):
        rows(archive)
    assert not path.exists()
    archive.close()


def test_the_name_of_connections_fits_into_postgresql() -> None:
    assert len(connections.application_name()) < 64
    assert connections.application_name() != connections.application_name()


def test_sqlite_files_are_plain_sqlite(tmp_path: Path) -> None:
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive:
        save_all(archive, [record(1)])
    with sqlite3.connect(tmp_path / "a.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_the_size_of_an_archive_in_files_is_that_of_all_its_files(tmp_path: Path) -> None:
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive:
        save_all(archive, [record(1)])
        sizes = {each.name: each.stat().st_size for each in tmp_path.iterdir()}
        assert archive.size_bytes() == sum(sizes.values())
        assert sizes["a.db-wal"] > 0
        assert sizes["a.db-shm"] > 0


def test_the_size_of_an_archive_on_a_server_is_that_of_its_tables(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as url, open_archive(url, create=True) as archive:
        assert archive.size_bytes() > 0


@pytest.mark.parametrize("use", [Archive.integrity_error, Archive.lock, Archive.vacuum])
def test_what_needs_a_file_that_is_gone_names_it(
    tmp_path: Path, use: Callable[[Archive], object]
) -> None:
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as archive:
        (tmp_path / "a.db").unlink()
        with pytest.raises(ArchiveError, match=f"{tmp_path}/a.db could not be opened"):
            use(archive)


def test_the_size_of_an_archive_whose_tables_are_gone_is_an_error_that_names_it(
    tmp_path: Path,
) -> None:
    with place("postgresql", tmp_path) as url, open_archive(url, create=True) as archive:
        with archive._engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE {schema.state.name} CASCADE")
        with pytest.raises(ArchiveError, match=re.escape(archive.location)):
            archive.size_bytes()


def test_of_an_archive_on_a_server_no_file_is_read(tmp_path: Path) -> None:
    with place("postgresql", tmp_path) as url, open_archive(url, create=True) as archive:
        assert archive.integrity_error() == ""


def test_the_size_of_an_archive_grows(archive: Archive) -> None:
    before = archive.size_bytes()
    save_all(archive, [record(id_, name="x" * id_) for id_ in range(1, 500)])
    assert archive.size_bytes() > before > 0


def test_an_archive_that_is_not_damaged_has_no_error(archive: Archive) -> None:
    save_all(archive, [record(1)])
    assert archive.integrity_error() == ""


def test_the_first_error_of_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with open_archive(f"sqlite:///{path}", create=True) as archive:
        save_all(archive, [record(1)])
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'conversation_customer'")
    connection.close()
    with open_archive(f"sqlite:///{path}") as archive:
        assert "never used" in archive.integrity_error()


@pytest.mark.parametrize(("made", "kind"), [(True, "with"), (False, "without")])
def test_an_archive_of_another_kind_is_refused_with_its_own(
    archive_url: str, made: bool, kind: str
) -> None:
    with open_archive(archive_url, create=True, slim=made) as archive:
        where = re.escape(archive.location)
    said = f"the archive {where} was made {kind} --slim.* run this {kind} --slim"
    for create in (True, False):
        with pytest.raises(ArchiveError, match=said):
            open_archive(archive_url, create=create, slim=not made)
        open_archive(archive_url, create=create, slim=made).close()


def test_a_new_archive_is_full_if_its_kind_is_not_given(archive: Archive) -> None:
    with archive.reading() as snapshot:
        assert not snapshot.slim


def test_a_schema_that_became_newer_meanwhile_is_neither_read_nor_written(
    archive: Archive,
) -> None:
    newer = len(migrations.MIGRATIONS) + 1
    with archive.lock() as lock:
        with archive._engine.begin() as connection:
            connection.execute(schema.applied.insert().values(version=newer, applied_at=""))
        with pytest.raises(ArchiveTooNew):
            rows(archive)
        with pytest.raises(ArchiveTooNew), archive.writing(lock):
            pytest.fail("a transaction began")


def test_an_archive_that_cannot_be_opened_leaves_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    open_archive(url, create=True, slim=True).close()
    closed: list[Archive] = []
    close = Archive.close

    def remember(archive: Archive) -> None:
        closed.append(archive)
        close(archive)

    monkeypatch.setattr(Archive, "close", remember)
    with pytest.raises(ArchiveError):
        open_archive(url, slim=False)
    assert len(closed) == 1


@pytest.mark.parametrize("missing", range(1, len(migrations.MIGRATIONS) + 1))
def test_an_archive_of_each_earlier_version_becomes_current(
    engine: sa.Engine, archive_url: str, missing: int
) -> None:
    known = len(migrations.MIGRATIONS)
    with engine.begin() as connection:
        assert migrations.migrate(connection, migrations.MIGRATIONS[:-missing]) == known - missing
        assert migrations.migrate(connection) == missing
        assert migrations.migrate(connection) == 0
        assert migrations.schema_version(connection) == known
    open_archive(archive_url).close()

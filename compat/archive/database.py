"""Opening an archive, and what an open one gives: snapshots to read, transactions to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from compat.archive import connections, migrations, schema
from compat.archive.db_errors import explained
from compat.archive.errors import (
    ArchiveError,
    ArchiveLocked,
    ArchiveMissing,
    ArchiveUnreachable,
    LockLost,
)
from compat.archive.locks import SyncLock, epoch_of, take_lock
from compat.archive.reader import Snapshot
from compat.archive.sql import sa
from compat.archive.writer import Writer

LEASE: Final = 60.0
"""Seconds of silence after which a holder of PostgreSQL's lock is taken for gone."""

_SNAPSHOT: Final[dict[str, dict[str, Any]]] = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


def open_archive(
    url: str, *, create: bool = False, slim: bool | None = None, lease: float = LEASE
) -> Archive:
    """Open an archive.

    Args:
        url: An SQLAlchemy URL of an SQLite file or a PostgreSQL database.
        create: Make it where there is none, and bring its schema up to date; else it is only
            read as it is.
        slim: Whether a new archive keeps no subjects, previews, names and addresses; for one
            that exists, what it must be. None takes it as it is, and makes a full one.
        lease: Seconds after which PostgreSQL's lock may be taken from a holder that is silent.

    Raises:
        ArchiveError: It cannot be used; the kinds are told in `compat.archive.errors`.
    """
    read = connections.understood(url)
    path = connections.path_of(read)
    if path is not None and not create and not path.is_file():
        raise ArchiveMissing(
            f"there is no archive at {path}: run `helpscout-v1 sync` to make one, or correct "
            "COMPAT_ARCHIVE"
        )
    if path is not None and create:
        connections.make_file(path)
    archive = Archive(read, lease)
    try:
        archive.prepare(create=create, slim=slim)
    except BaseException:
        archive.close()
        raise
    return archive


class Archive:
    """An open archive; safe to share between threads. Made by `open_archive`.

    Attributes:
        where: The archive as a person knows it, without secrets.
    """

    def __init__(self, url: sa.URL, lease: float) -> None:
        self.where = connections.shown(url)
        self._path = connections.path_of(url)
        self._lease = lease
        self._mark = connections.process_mark()
        self._engine = connections.engine_for(url, self._mark)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def prepare(self, *, create: bool, slim: bool | None) -> None:
        """See that the schema is there and current; with `create`, make it so.

        Raises:
            ArchiveError: It is not, or cannot be made so.
        """
        with explained(self.where):
            if create:
                self._migrate(slim=bool(slim))
            else:
                with self._engine.connect() as connection:
                    migrations.require_current(connection)
        if slim is not None:
            with self.reading() as snapshot:
                _refuse_other_kind(self.where, slim=slim, kept_slim=snapshot.slim)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """One committed state, however long it is read and whatever is written meanwhile.

        Raises:
            ArchiveError: The database fails.
        """
        with explained(self.where), self._engine.connect() as connection:
            options = _SNAPSHOT[connection.dialect.name]
            with connection.execution_options(**options).begin():
                migrations.refuse_newer(connection)
                yield Snapshot(connection)

    @contextmanager
    def writing(self, lock: SyncLock) -> Iterator[Writer]:
        """One transaction: all of it is committed at the end, or nothing.

        Args:
            lock: The lock on this archive; that it was not lost is checked in the commit.

        Raises:
            LockLost: Another process has taken the lock over.
            ArchiveError: The database fails.
        """
        try:
            with explained(self.where), self._engine.connect() as connection:
                immediate = connection.execution_options(sqlite_begin="IMMEDIATE")
                with immediate.begin():
                    migrations.refuse_newer(immediate)
                    writer = Writer(immediate)
                    yield writer
                    writer.finish(lock.epoch)
        except ArchiveUnreachable as error:  # a new holder ends the connections of the old
            if self._lost(lock):
                raise LockLost(str(LockLost.__doc__)) from error
            raise

    def lock(self) -> SyncLock:
        """The lock that writing takes; to be released, or used in a `with` statement.

        Raises:
            SyncUnderWay: Another process has it.
            ArchiveError: The database fails.
        """
        with explained(self.where):
            return take_lock(self._engine, self._path, self._mark, self._lease)

    def scrub(self) -> None:
        """Leave nothing of what was erased or replaced in the database's own files.

        The tables are written anew, because SQLite leaves copies of rows that it has moved, and
        PostgreSQL all older versions of a row; it keeps everybody from a table meanwhile. Its own
        log and backups are not reached.

        Raises:
            ArchiveLocked: Somebody is reading an older state, which cannot go yet.
            ArchiveError: The database fails.
        """
        with explained(self.where):
            if self._path is not None:
                connections.vacuum(self._engine)
                busy, *_ = connections.pragma(self._engine, "wal_checkpoint(TRUNCATE)")
                if busy:
                    raise ArchiveLocked(_STILL_READ.format(where=self.where))
                return
            with self._engine.connect() as connection:
                told = connection.execution_options(isolation_level="AUTOCOMMIT")
                for name in _PERSONAL:  # its statistics quote rows, and are made anew with them
                    told.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {name}")

    def size(self) -> int:
        """Bytes that the archive takes where it is kept."""
        if self._path is not None:
            beside = [self._path, *(self._path.with_name(self._path.name + end) for end in _BESIDE)]
            return sum(each.stat().st_size for each in beside if each.exists())
        with explained(self.where), self._engine.connect() as connection:
            sizes = (sa.func.pg_total_relation_size(name) for name in schema.TABLES)
            return sum(connection.execute(sa.select(*sizes)).one())

    def damage(self) -> str:
        """What SQLite finds wrong with its file, which it reads whole; empty if nothing.

        A PostgreSQL server looks after its own files: nothing is read then.

        Raises:
            ArchiveError: The file cannot be read to its end.
        """
        if self._path is None:
            return ""
        with explained(self.where):
            (found,) = connections.pragma(self._engine, "integrity_check(1)")
        return "" if found == "ok" else str(found)

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def _migrate(self, *, slim: bool) -> None:
        if self._path is not None:
            connections.pragma(self._engine, "journal_mode = WAL")
        immediate = self._engine.execution_options(sqlite_begin="IMMEDIATE")
        with immediate.begin() as connection:
            fresh = migrations.version_of(connection) is None
            migrations.migrate(connection)
            if fresh:
                connection.execute(schema.state.update().values(slim=int(slim)))

    def _lost(self, lock: SyncLock) -> bool:
        try:
            with explained(self.where), self._engine.connect() as connection:
                return epoch_of(connection) != lock.epoch
        except ArchiveError:
            return False


_PERSONAL: Final = ("conversation", "document", "thread", "menu_item")
"""The tables that hold something of customers."""
_STILL_READ: Final = (
    "what was erased from the archive {where} is gone from it, but its log still holds it, because "
    "somebody is reading an older state: run the same again once that is over"
)
_BESIDE: Final = ("-wal", "-shm")


def _refuse_other_kind(where: str, *, slim: bool, kept_slim: bool) -> None:
    if slim != kept_slim:
        raise ArchiveError(
            f"the archive {where} was made {'with' if kept_slim else 'without'} --slim, and stays "
            f"so: name another in COMPAT_ARCHIVE, or run this {'with' if kept_slim else 'without'}"
            " --slim"
        )

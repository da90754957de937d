"""Opens an archive: snapshots to read it, transactions to write to it, and its lock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from compat.archive import connections, migrations, schema
from compat.archive.connections import sa
from compat.archive.errors import (
    LOCK_LOST,
    ArchiveError,
    ArchiveLocked,
    ArchiveUnreachable,
    LockLost,
)
from compat.archive.locks import SyncLock, acquire_lock, current_epoch
from compat.archive.reader import Snapshot
from compat.archive.writer import Writer

LEASE: Final = 60.0
"""Seconds without a heartbeat after which a holder of PostgreSQL's lock loses it."""

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
        create: Create the archive if there is none, and update its schema. Without it, an archive
            that is missing or has an old schema is an error.
        slim: Whether a new archive leaves out subjects, previews, names and addresses. An archive
            that exists must be of this kind. None accepts both kinds, and creates a full one.
        lease: Seconds without a heartbeat after which a holder of PostgreSQL's lock loses it.

    Raises:
        ArchiveError: It cannot be used; `compat.archive.errors` lists the kinds.
    """
    parsed = connections.parse_url(url)
    path = connections.sqlite_path(parsed)
    if path is not None:
        connections.check_file(path, create=create)
    archive = Archive(parsed, lease)
    try:
        archive.prepare(create=create, slim=slim)
    except BaseException:
        archive.close()
        raise
    return archive


class Archive:
    """An open archive; safe to share between threads. Made by `open_archive`.

    Attributes:
        location: Where it is, for messages: without a password.
    """

    def __init__(self, url: sa.URL, lease: float) -> None:
        self.location = connections.display_name(url)
        self._path = connections.sqlite_path(url)
        self._lease = lease
        self._application_name = connections.application_name()
        self._engine = connections.connect(url, self._application_name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def prepare(self, *, create: bool, slim: bool | None) -> None:
        """Check that the schema is current; with `create`, apply what is missing.

        Raises:
            ArchiveError: It is not current, cannot be updated, or is of another kind than `slim`.
        """
        with connections.translate_errors(self.location):
            with self._engine.connect() as connection:
                connections.check_encoding(connection)
                if not create:
                    migrations.check_current(connection)
            if create:
                self._migrate(slim=bool(slim))
        if slim is not None:
            with self.reading() as snapshot:
                _check_kind(self.location, slim=slim, kept_slim=snapshot.slim)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """One committed state; what is written meanwhile does not change it.

        Raises:
            ArchiveError: The database fails.
        """
        with connections.translate_errors(self.location), self._engine.connect() as connection:
            options = _SNAPSHOT[connection.dialect.name]
            with connection.execution_options(**options).begin():
                migrations.check_not_newer(connection)
                yield Snapshot(connection)

    @contextmanager
    def writing(self, lock: SyncLock) -> Iterator[Writer]:
        """One transaction: at the end all of it is committed, or after an error nothing.

        Args:
            lock: The lock on this archive; the commit checks that it was not lost.

        Raises:
            LockLost: Another process has taken the lock over.
            ArchiveError: The database fails.
        """
        try:
            with connections.translate_errors(self.location), self._engine.connect() as connection:
                immediate = connection.execution_options(sqlite_begin="IMMEDIATE")
                with immediate.begin():
                    migrations.check_not_newer(immediate)
                    writer = Writer(immediate)
                    yield writer
                    writer.finish(lock.epoch)
        except ArchiveUnreachable as error:  # a new holder terminates the connections of the old
            if self._is_lost(lock):
                raise LockLost(LOCK_LOST) from error
            raise

    def lock(self) -> SyncLock:
        """Acquire the writing lock; release it, or use it in a `with` statement.

        Raises:
            SyncUnderWay: Another process holds it.
            ArchiveError: The database fails.
        """
        with connections.translate_errors(self.location):
            return acquire_lock(self._engine, self._path, self._application_name, self._lease)

    def vacuum(self) -> None:
        """Rewrite the tables, so that nothing erased or replaced remains in the database's files.

        Without it, SQLite leaves copies of rows that it has moved, and PostgreSQL all older
        versions of a row. PostgreSQL blocks each table meanwhile. Its log and its backups are not
        changed. Both wait for others who read an older state, SQLite 10 and PostgreSQL 30 seconds.

        Raises:
            ArchiveLocked: Others still read an older state, which must stay until then.
            ArchiveError: The database fails.
        """
        with connections.translate_errors(self.location):
            if self._path is not None:
                connections.vacuum(self._engine)
                busy, *_ = connections.execute_pragma(self._engine, "wal_checkpoint(TRUNCATE)")
                if busy:
                    raise ArchiveLocked(_STILL_IN_LOG.format(location=self.location))
                return
            with self._engine.connect() as connection:
                autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
                self._await_older_transactions(autocommit)
                for name in _PERSONAL:  # ANALYZE: statistics quote rows, and are computed again
                    autocommit.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {name}")

    def size_bytes(self) -> int:
        """The size of the archive's files or tables in bytes."""
        if self._path is not None:
            files = [
                self._path,
                *(self._path.with_name(self._path.name + end) for end in _SIDE_FILES),
            ]
            return sum(each.stat().st_size for each in files if each.exists())
        with connections.translate_errors(self.location), self._engine.connect() as connection:
            sizes = (sa.func.pg_total_relation_size(name) for name in schema.TABLES)
            return sum(connection.execute(sa.select(*sizes)).one())

    def integrity_error(self) -> str:
        """The first error that SQLite finds when it reads its whole file; empty if there is none.

        With PostgreSQL nothing is read: the server checks its own files.

        Raises:
            ArchiveError: The file cannot be read completely.
        """
        if self._path is None:
            return ""
        with connections.translate_errors(self.location):
            (found,) = connections.execute_pragma(self._engine, "integrity_check(1)")
        return "" if found == "ok" else str(found)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _migrate(self, *, slim: bool) -> None:
        if self._path is not None:
            connections.execute_pragma(self._engine, "journal_mode = WAL")
        immediate = self._engine.execution_options(sqlite_begin="IMMEDIATE")
        with immediate.begin() as connection:
            is_new = migrations.schema_version(connection) is None
            migrations.migrate(connection)
            if is_new:
                connection.execute(schema.state.update().values(slim=int(slim)))

    def _await_older_transactions(self, autocommit: sa.Connection) -> None:
        """Wait until no transaction of PostgreSQL is left that may still read what was erased.

        VACUUM copies all rows that such a transaction may read, and does not say so. Transactions
        that begin from now on do not matter: they cannot read what was erased before.
        """
        bound = autocommit.exec_driver_sql(_NEXT_TRANSACTION).scalar_one()
        end = time.monotonic() + _OLDER_TRANSACTIONS_WAIT
        while holder := autocommit.execute(_OLDER_TRANSACTION, {"bound": bound}).scalar():
            if time.monotonic() > end:
                raise ArchiveLocked(_STILL_IN_TABLES.format(location=self.location, holder=holder))
            time.sleep(_OLDER_TRANSACTIONS_INTERVAL)

    def _is_lost(self, lock: SyncLock) -> bool:
        try:
            with connections.translate_errors(self.location), self._engine.connect() as connection:
                return current_epoch(connection) != lock.epoch
        except ArchiveError:
            return False


_PERSONAL: Final = ("conversation", "document", "thread", "menu_item")
"""The tables with data of customers."""
_STILL_IN_LOG: Final = (
    "what was erased from the archive {location} is gone from it, but its log still holds it, "
    "because another process is reading an older state: run the same command again afterwards"
)
_STILL_IN_TABLES: Final = (
    "what was erased from the archive {location} is gone from it, but the database's files still "
    "hold it, because {holder} may be reading an older state: end it, or wait until it has ended, "
    "and run the same command again"
)
_OLDER_TRANSACTIONS_WAIT: Final = 30.0
"""Seconds to wait for transactions that may read an older state."""
_OLDER_TRANSACTIONS_INTERVAL: Final = 0.1
_NEXT_TRANSACTION: Final = "SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)"
_OLDER_TRANSACTION: Final = sa.text("""
    WITH bound AS (
        SELECT CAST(:bound AS xid8) AS next, age(CAST(CAST(:bound AS xid8) AS xid)) AS age
    )
    SELECT 'the process ' || pid || ' of the database server, of ' || coalesce(usename, 'nobody')
        || ' (' || coalesce(application_name, '') || '),'
    FROM bound, pg_stat_activity
    WHERE pid <> pg_backend_pid()
        AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
        AND (age(backend_xmin) > bound.age AND coalesce(datname, '') IN ('', current_database())
            OR age(backend_xid) > bound.age)
    UNION ALL
    SELECT 'the prepared transaction ' || gid FROM bound, pg_prepared_xacts
    WHERE age(transaction) > bound.age
    UNION ALL
    SELECT 'the replication slot ' || slot_name FROM bound, pg_replication_slots
    WHERE age(xmin) > bound.age
    UNION ALL
    SELECT 'another transaction' FROM bound
    WHERE pg_snapshot_xmin(pg_current_snapshot()) < bound.next
""")
"""Who may read rows that were deleted before a transaction id; no row if nobody may.

PostgreSQL keeps such rows for each snapshot in this database (`backend_xmin`; of replicas, which
belong to no database, too), and as long as a transaction that was running then has not ended, in
whichever database: new snapshots, that of VACUUM among them, begin at the oldest running one. The
last part finds the latter even if it ends while the views are read. A plain VACUUM holds nothing.
"""
_SIDE_FILES: Final = ("-wal", "-shm")


def _check_kind(location: str, *, slim: bool, kept_slim: bool) -> None:
    if slim != kept_slim:
        kind = "with" if kept_slim else "without"
        raise ArchiveError(
            f"the archive {location} was made {kind} --slim, and stays so: name another in "
            f"COMPAT_ARCHIVE, or run this {kind} --slim"
        )

"""The lock that only one writer at a time can hold, also across processes and machines.

With SQLite the operating system holds the lock, on a file beside the archive: it is free as soon
as its holder ends, however that happens. With PostgreSQL a connection holds an advisory lock, and
its holder writes a heartbeat by the database's clock. A holder whose last heartbeat is older than
the lease (because it was paused, or its machine is off) loses the lock to the next one that wants
it. Each acquisition increments the archive's epoch, and each commit checks that the epoch is still
its own: a writer that lost the lock cannot write.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from compat.archive import schema
from compat.archive.connections import sa
from compat.archive.errors import SyncUnderWay

if sys.platform == "win32":
    import msvcrt

    def _lock_file(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock_file(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCK_KEY: Final = "hashtextextended('compat.archive ' || current_schema(), 0)"
_TRY_LOCK: Final = f"SELECT pg_try_advisory_lock({_LOCK_KEY})"
_NOW: Final = sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.BigInteger)
_TERMINATE_CONNECTIONS: Final = sa.text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name = :name AND datname = current_database() AND pid <> pg_backend_pid()"
)
_RETRIES: Final = 20
_RETRY_DELAY: Final = 0.1
"""Seconds; a terminated connection needs a moment to release its lock."""

_HEARTBEATS_PER_LEASE: Final = 4


class SyncLock:
    """The right to write to an archive, until it is released; made by `Archive.lock`.

    Attributes:
        epoch: How often the lock was acquired, this time included.
    """

    def __init__(self, epoch: int, release: Callable[[], None]) -> None:
        self.epoch = epoch
        self._release: Callable[[], None] | None = release

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        release, self._release = self._release, None
        if release is not None:
            release()


def acquire_lock(
    engine: sa.Engine, path: Path | None, application_name: str, lease: float
) -> SyncLock:
    """Acquire the lock of an archive.

    Args:
        engine: The archive's engine.
        path: The archive's file, with SQLite.
        application_name: The name of this process's connections.
        lease: Seconds without a heartbeat after which another holder loses the lock.

    Raises:
        SyncUnderWay: Another process holds it.
    """
    if path is not None:
        return _acquire_sqlite(engine, path, application_name)
    return _acquire_postgresql(engine, application_name, lease)


def current_epoch(connection: sa.Connection) -> int:
    """How often the lock was acquired so far."""
    return int(connection.execute(sa.select(schema.state.c.epoch)).scalar_one())


def _acquire_sqlite(engine: sa.Engine, path: Path, application_name: str) -> SyncLock:
    file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock_file(file)
        except OSError:
            with engine.connect() as connection:
                raise _already_held(connection) from None
        with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
            epoch = _begin_epoch(connection, application_name, beat=sa.literal(0))
            connection.commit()
    except BaseException:
        os.close(file)
        raise
    return SyncLock(epoch, lambda: os.close(file))


def _acquire_postgresql(engine: sa.Engine, application_name: str, lease: float) -> SyncLock:
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        _acquire_advisory_lock(connection, lease)
        connection.exec_driver_sql("SET lock_timeout = '10s'")
        epoch = _begin_epoch(connection, application_name, beat=_NOW)
    except BaseException:
        _close(connection)
        raise
    ended = threading.Event()
    heartbeat = threading.Thread(
        target=_send_heartbeats,
        args=(connection, application_name, lease, ended),
        name="archive-lock",
        daemon=True,
    )
    heartbeat.start()

    def release() -> None:
        ended.set()
        heartbeat.join()
        _close(connection)

    return SyncLock(epoch, release)


def _acquire_advisory_lock(connection: sa.Connection, lease: float) -> None:
    """Acquire the advisory lock; if its holder lost its lease, terminate that holder's connections.

    A holder that has only just acquired the lock has not stored its name yet. The stored name is
    then that of the holder before, whose connections are closed, or it is empty. An empty name is
    never used: connections of other programs may have it.
    """
    if connection.exec_driver_sql(_TRY_LOCK).scalar():
        return
    holder = schema.holder.c
    expired = sa.select(holder.marked).where(_NOW - holder.beat > lease, holder.marked != "")
    name = connection.execute(expired).scalar()
    if name is not None:
        connection.execute(_TERMINATE_CONNECTIONS, {"name": name})
        for _ in range(_RETRIES):
            if connection.exec_driver_sql(_TRY_LOCK).scalar():
                return
            time.sleep(_RETRY_DELAY)
    raise _already_held(connection)


def _begin_epoch(
    connection: sa.Connection, application_name: str, beat: sa.ColumnElement[int]
) -> int:
    connection.execute(schema.state.update().values(epoch=schema.state.c.epoch + 1))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    who = f"process {os.getpid()} on {socket.gethostname()}"
    connection.execute(
        schema.holder.update().values(who=who, since=now, marked=application_name, beat=beat)
    )
    return current_epoch(connection)


def _send_heartbeats(
    connection: sa.Connection, application_name: str, lease: float, ended: threading.Event
) -> None:
    """Write heartbeats until the lock is released or lost."""
    mine = (
        schema.holder.update().where(schema.holder.c.marked == application_name).values(beat=_NOW)
    )
    while not ended.wait(lease / _HEARTBEATS_PER_LEASE):
        try:
            if not connection.execute(mine).rowcount:
                return
        except sa.exc.SQLAlchemyError:
            return  # the next commit checks whether another process has the lock


def _close(connection: sa.Connection) -> None:
    """Close a connection: if it went back to the pool, it would keep the lock."""
    # The server notices a closed connection late. Without this, the next writer could be refused.
    with suppress(sa.exc.SQLAlchemyError):
        connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
    connection.invalidate()
    connection.close()


def _already_held(connection: sa.Connection) -> SyncUnderWay:
    who, since = connection.execute(sa.select(schema.holder.c.who, schema.holder.c.since)).one()
    return SyncUnderWay(
        f"another process is writing to this archive ({who}, since {since}): let it finish, or "
        "end it, and try again"
    )

"""One writer at a time, also across processes and machines; one that lost its turn cannot write.

With SQLite the operating system keeps the lock, on a file beside the archive: it is free as soon
as its holder ends, however that ends. With PostgreSQL an advisory lock is kept by a connection,
and its holder marks by the database's clock that it lives; one that is silent for longer than the
lease, because it was paused or its machine is away, is taken for gone. Taking the lock counts the
archive's epoch up, and each commit sees to it that the epoch is still its own.
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
from compat.archive.errors import SyncUnderWay
from compat.archive.sql import sa

if sys.platform == "win32":
    import msvcrt

    def _seize(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _seize(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


_KEY: Final = "hashtextextended('compat.archive ' || current_schema(), 0)"
_TRY: Final = f"SELECT pg_try_advisory_lock({_KEY})"
_NOW: Final = sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.BigInteger)
_END_CONNECTIONS: Final = sa.text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name = :marked AND datname = current_database() AND pid <> pg_backend_pid()"
)
_TRIES: Final = 20
_BETWEEN: Final = 0.1
"""Seconds; connections that are ended take a moment to let go."""

_MARKS_A_LEASE: Final = 4


class SyncLock:
    """The right to write to an archive, until it is released; made by `Archive.lock`.

    Attributes:
        epoch: How often the lock was taken, this time included.
    """

    def __init__(self, epoch: int, let_go: Callable[[], None]) -> None:
        self.epoch = epoch
        self._let_go = let_go

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.release()

    def release(self) -> None:
        """Let the next one write; releasing twice does nothing."""
        let_go, self._let_go = self._let_go, lambda: None
        let_go()


def take_lock(engine: sa.Engine, path: Path | None, mark: str, lease: float) -> SyncLock:
    """Take the lock of an archive.

    Args:
        engine: Its connections.
        path: Its file, with SQLite.
        mark: What this process calls its connections.
        lease: Seconds of silence after which another holder is taken for gone.

    Raises:
        SyncUnderWay: Another holder lives.
    """
    if path is not None:
        return _of_file(engine, path, mark)
    return _of_server(engine, mark, lease)


def epoch_of(connection: sa.Connection) -> int:
    """How often the lock was taken so far."""
    return int(connection.execute(sa.select(schema.state.c.epoch)).scalar_one())


def _of_file(engine: sa.Engine, path: Path, mark: str) -> SyncLock:
    file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _seize(file)
        except OSError:
            with engine.connect() as connection:
                raise _under_way(connection) from None
        with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
            epoch = _begin_epoch(connection, mark, beat=sa.literal(0))
            connection.commit()
    except BaseException:
        os.close(file)
        raise
    return SyncLock(epoch, lambda: os.close(file))


def _of_server(engine: sa.Engine, mark: str, lease: float) -> SyncLock:
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        _acquire(connection, lease)
        connection.exec_driver_sql("SET lock_timeout = '10s'")
        epoch = _begin_epoch(connection, mark, beat=_NOW)
    except BaseException:
        _drop(connection)
        raise
    ended = threading.Event()
    heart = threading.Thread(
        target=_beat, args=(connection, mark, lease, ended), name="archive-lock", daemon=True
    )
    heart.start()

    def let_go() -> None:
        ended.set()
        heart.join()
        _drop(connection)

    return SyncLock(epoch, let_go)


def _acquire(connection: sa.Connection, lease: float) -> None:
    """Take the lock, from a holder that is silent if need be.

    A holder that took it just now has not told its mark yet: the mark is that of the one before,
    whose connections are gone, or nobody's, which is that of many a stranger's connection.
    """
    if connection.exec_driver_sql(_TRY).scalar():
        return
    holder = schema.holder.c
    silent = sa.select(holder.marked).where(_NOW - holder.beat > lease, holder.marked != "")
    marked = connection.execute(silent).scalar()
    if marked is not None:
        connection.execute(_END_CONNECTIONS, {"marked": marked})
        for _ in range(_TRIES):
            if connection.exec_driver_sql(_TRY).scalar():
                return
            time.sleep(_BETWEEN)
    raise _under_way(connection)


def _begin_epoch(connection: sa.Connection, mark: str, beat: sa.ColumnElement[int]) -> int:
    connection.execute(schema.state.update().values(epoch=schema.state.c.epoch + 1))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    who = f"process {os.getpid()} on {socket.gethostname()}"
    connection.execute(schema.holder.update().values(who=who, since=now, marked=mark, beat=beat))
    return epoch_of(connection)


def _beat(connection: sa.Connection, mark: str, lease: float, ended: threading.Event) -> None:
    """Mark that this process lives, until the lock is released or lost."""
    mine = schema.holder.update().where(schema.holder.c.marked == mark).values(beat=_NOW)
    while not ended.wait(lease / _MARKS_A_LEASE):
        try:
            if not connection.execute(mine).rowcount:
                return
        except sa.exc.SQLAlchemyError:
            return  # the next commit finds out whether another has the lock


def _drop(connection: sa.Connection) -> None:
    """Close a connection for good: one that went back to the pool would keep the lock."""
    # The server hears late of a connection that is closed, and the next in turn would be refused.
    with suppress(sa.exc.SQLAlchemyError):
        connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
    connection.invalidate()
    connection.close()


def _under_way(connection: sa.Connection) -> SyncUnderWay:
    who, since = connection.execute(sa.select(schema.holder.c.who, schema.holder.c.since)).one()
    return SyncUnderWay(
        f"another process is writing to this archive ({who}, since {since}): let it finish, or "
        "end it, and try again"
    )

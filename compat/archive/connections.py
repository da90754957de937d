"""From an address to an engine: SQLite in a file of its own, or PostgreSQL."""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from compat.archive.errors import ArchiveMisnamed, ArchiveMissing, ArchiveReadOnly
from compat.archive.sql import sa

_EXAMPLES: Final = "sqlite:////var/lib/compat/archive.db, postgresql://user@host/database"
_PATIENCE: Final = 10.0
"""Seconds for which one process waits for another that is writing."""


def understood(url: str) -> sa.URL:
    """The address, as far as it can be one of an archive.

    Raises:
        ArchiveMisnamed: It cannot.
    """
    try:
        read = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # the text of either may hold a password
        raise ArchiveMisnamed(
            f"COMPAT_ARCHIVE is no SQLAlchemy URL: name a place such as {_EXAMPLES}"
        ) from None
    backend = read.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ArchiveMisnamed(
            f"COMPAT_ARCHIVE names {backend}: an archive lives in SQLite or in PostgreSQL, such "
            f"as {_EXAMPLES}"
        )
    if backend == "postgresql":
        return read.set(drivername="postgresql+psycopg")
    if read.database in (None, "", ":memory:"):
        raise ArchiveMisnamed(f"COMPAT_ARCHIVE names no file: name one, such as {_EXAMPLES}")
    return read


def path_of(url: sa.URL) -> Path | None:
    """The file of an SQLite archive; None with PostgreSQL."""
    return Path(url.database or "").expanduser() if url.get_backend_name() == "sqlite" else None


def shown(url: sa.URL) -> str:
    """The address for messages, without the password."""
    return str(path_of(url) or f"at {url.render_as_string(hide_password=True)}")


def make_file(path: Path) -> None:
    """Make an SQLite file that only its owner may read, unless it is there.

    SQLite gives the files that it keeps beside it the same rights.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except FileNotFoundError:
        raise ArchiveMissing(
            f"there is no directory {path.parent} for the archive: make it, or correct "
            "COMPAT_ARCHIVE"
        ) from None
    except OSError as error:
        raise ArchiveReadOnly(
            f"the archive {path} could not be made ({error.strerror}): check the rights of the "
            "user who runs this, on the file and its directory"
        ) from None


def engine_for(url: sa.URL, mark: str) -> sa.Engine:
    """Connections to an archive, opened when they are needed.

    Args:
        url: Where it is.
        mark: What PostgreSQL calls these connections.
    """
    path = path_of(url)
    if path is not None:
        return _sqlite(path)
    try:
        return sa.create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"application_name": mark, "connect_timeout": int(_PATIENCE)},
        )
    except ImportError:
        raise ImportError(
            "PostgreSQL needs psycopg: pip install 'helpscout-v1-compat[postgres]'"
        ) from None


def pragma(engine: sa.Engine, what: str) -> tuple[Any, ...]:
    """Tell SQLite something outside of any transaction; what it answers."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA {what}")
        return tuple(cursor.fetchone() or ())
    finally:
        connection.close()


def vacuum(engine: sa.Engine) -> None:
    """Have SQLite write its whole file anew, outside of any transaction."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM")
    finally:
        connection.close()


def process_mark() -> str:
    """A name for this process that no other has, short enough for PostgreSQL to keep it all."""
    return f"compat {socket.gethostname()[:24]} {os.getpid()} {secrets.token_hex(4)}"


def _sqlite(path: Path) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        # Never made by opening it: a file that went away is missed, not replaced by an empty one.
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=_PATIENCE,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.QueuePool, hide_parameters=True
    )

    def note_file(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(path)

    def see_if_it_is(_c: object, record: sa.pool.ConnectionPoolEntry, _proxy: object) -> None:
        # An open file stays what it was when another takes its place, such as a backup.
        if record.info["file"] != _identity(path):
            raise sa.exc.DisconnectionError

    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "connect", note_file)
    sa.event.listen(engine, "checkout", see_if_it_is)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: Any, _record: object) -> None:
    # What is deleted is overwritten at once, or it could not be erased on request later.
    for pragma in ("secure_delete = ON", "synchronous = NORMAL", "cache_size = -32768"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    # The driver's own way begins a transaction at the first change, and reads before it outside.
    how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.connection.cursor().execute(f"BEGIN {how}")

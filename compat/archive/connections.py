"""Connections to the database of an archive: SQLite in a file of its own, or PostgreSQL.

Also the one place that imports SQLAlchemy, and that turns errors of a database into errors that
say what to do.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from compat.archive.errors import (
    ArchiveError,
    ArchiveFull,
    ArchiveLocked,
    ArchiveMissing,
    ArchiveReadOnly,
    ArchiveUnreachable,
    ArchiveUnreadable,
    InvalidArchiveUrl,
)
from compat.config.environment import shown_path
from compat.extras import missing

try:
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite
except ImportError:
    raise missing("an archive", "SQLAlchemy", "archive") from None

__all__ = [
    "application_name",
    "check_encoding",
    "check_file",
    "connect",
    "display_name",
    "execute_pragma",
    "parse_url",
    "postgresql",
    "sa",
    "sqlite",
    "sqlite_path",
    "translate_errors",
    "vacuum",
]

_EXAMPLES: Final = "sqlite:////var/lib/compat/archive.db, postgresql://user@host/database"
_POSTGRESQL_NAMES: Final = ("postgresql", "postgres")
_ENCODINGS: Final = ("UTF8", "SQL_ASCII")
"""Encodings of PostgreSQL databases that can hold all texts."""
_BUSY_TIMEOUT: Final = 10.0
"""Seconds that one process waits while another is writing."""


def parse_url(url: str) -> sa.URL:
    """Parse the URL of an archive.

    Raises:
        InvalidArchiveUrl: It is not a URL of an SQLite file or a PostgreSQL database.
    """
    scheme, _, rest = url.partition("://")
    # An @ in the password ends it, and what follows would be shown as the host.
    if scheme.startswith("postgres") and rest.partition("?")[0].count("@") > 1:
        raise InvalidArchiveUrl(
            "COMPAT_ARCHIVE has more than one @: percent-encode what is special in the user's name "
            "and the password (@ is %40, / is %2F, : is %3A, % is %25, ? is %3F, # is %23)"
        )
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # their messages may contain a password
        raise InvalidArchiveUrl(
            f"COMPAT_ARCHIVE is no SQLAlchemy URL: name a place such as {_EXAMPLES}"
        ) from None
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", *_POSTGRESQL_NAMES):
        raise InvalidArchiveUrl(
            f"COMPAT_ARCHIVE names {backend}: an archive is kept in SQLite or in PostgreSQL, such "
            f"as {_EXAMPLES}"
        )
    if backend in _POSTGRESQL_NAMES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.database in (None, "", ":memory:"):
        raise InvalidArchiveUrl(f"COMPAT_ARCHIVE names no file: name one, such as {_EXAMPLES}")
    return parsed


def sqlite_path(url: sa.URL) -> Path | None:
    """The file of an SQLite archive; None with PostgreSQL."""
    return Path(url.database or "").expanduser() if url.get_backend_name() == "sqlite" else None


def display_name(url: sa.URL) -> str:
    """The location of an archive for messages, without the password and other parameters."""
    if path := sqlite_path(url):
        return shown_path(path)
    shown = url.set(query={})  # a password may be among them
    return f"at {shown.render_as_string(hide_password=True)}"


def check_file(path: Path, *, create: bool) -> None:
    """Check that an SQLite file is there.

    Args:
        path: The file.
        create: Create one that only its owner can read. One that exists keeps its permissions.
            SQLite gives the files that it creates beside it the same permissions.

    Raises:
        ArchiveMissing: It is not, or it is a directory, or its directory does not exist.
        ArchiveReadOnly: The permissions do not allow it.
    """
    if os.path.isdir(path):  # that of Path raises if a name is too long
        raise ArchiveMissing(
            f"{shown_path(path)} is a directory: name a file in COMPAT_ARCHIVE, such as "
            f"{shown_path(path / 'archive.db')}"
        )
    if create:
        _create_file(path)
    elif not os.path.isfile(path):
        if _is_forbidden(path):
            kind, text = _NOT_OPENED
            raise kind(text.format(where=shown_path(path)))
        raise ArchiveMissing(
            f"there is no archive at {shown_path(path)}: run `helpscout-v1 sync` to make one, or "
            "correct COMPAT_ARCHIVE"
        )


def _is_forbidden(path: Path) -> bool:
    """Whether the permissions do not allow to see if a file is there."""
    try:
        path.stat()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _create_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except FileNotFoundError:
        raise ArchiveMissing(
            f"there is no directory {shown_path(path.parent)} for the archive: make it, or correct "
            "COMPAT_ARCHIVE"
        ) from None
    except OSError as error:
        raise ArchiveReadOnly(
            f"the archive {shown_path(path)} could not be made ({error.strerror}): check the "
            "rights of the user who runs this, on the file and its directory"
        ) from None


def connect(url: sa.URL, application_name: str) -> sa.Engine:
    """An engine for an archive; it opens connections when they are needed.

    Args:
        url: The URL, as `parse_url` returns it.
        application_name: The name of these connections on a PostgreSQL server.

    Raises:
        ImportError: The URL is of PostgreSQL, and psycopg is not installed.
    """
    path = sqlite_path(url)
    if path is not None:
        return _sqlite_engine(path)
    try:
        return sa.create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={
                "application_name": application_name,
                "connect_timeout": int(_BUSY_TIMEOUT),
                # Else texts come as the database's encoding has them, or as bytes.
                "client_encoding": "utf8",
            },
        )
    except ImportError:
        raise missing("an archive in PostgreSQL", "psycopg", "postgres") from None


def check_encoding(connection: sa.Connection) -> None:
    """Check that a database can store all texts.

    Raises:
        ArchiveUnreadable: It is a PostgreSQL database whose encoding lacks characters.
    """
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding not in _ENCODINGS:
        raise ArchiveUnreadable(
            f"the database has the encoding {encoding}, which lacks characters that texts of "
            "Help Scout can have: make another with createdb --template=template0 --encoding=UTF8, "
            "and name it in COMPAT_ARCHIVE"
        )


def execute_pragma(engine: sa.Engine, pragma: str) -> tuple[Any, ...]:
    """Execute an SQLite pragma outside of a transaction, and return the first row of its result."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        return tuple(cursor.fetchone() or ())
    finally:
        connection.close()


def vacuum(engine: sa.Engine) -> None:
    """Let SQLite rewrite its whole file, outside of a transaction."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM")
    finally:
        connection.close()


def application_name() -> str:
    """A unique name for the connections of this process.

    PostgreSQL cuts names after 63 bytes; this one is shorter.
    """
    return f"compat {socket.gethostname()[:24]} {os.getpid()} {secrets.token_hex(4)}"


def _sqlite_engine(path: Path) -> sa.Engine:
    def open_file() -> sqlite3.Connection:
        # mode=rw: a file that was removed is an error, and is not replaced by an empty one.
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            timeout=_BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = sa.create_engine(
        "sqlite://",
        creator=open_file,
        poolclass=sa.QueuePool,
        hide_parameters=True,
        paramstyle="named",  # so that rows are parameters as they are, as with PostgreSQL
    )

    def remember_file(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info["file"] = _file_id(path)

    def check_file(_c: object, record: sa.pool.ConnectionPoolEntry, _proxy: object) -> None:
        # An open connection keeps reading the old file after it was replaced, for example by a
        # backup: such a connection is not used again.
        if record.info["file"] != _file_id(path):
            raise sa.exc.DisconnectionError

    sa.event.listen(engine, "connect", _set_pragmas)
    sa.event.listen(engine, "connect", remember_file)
    sa.event.listen(engine, "checkout", check_file)
    sa.event.listen(engine, "begin", _begin_transaction)
    return engine


def _file_id(path: Path) -> tuple[int, int] | None:
    """The device and inode of a file; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _set_pragmas(connection: Any, _record: object) -> None:
    # secure_delete overwrites deleted rows, so that personal data can be erased on request.
    for pragma in ("secure_delete = ON", "synchronous = NORMAL", "cache_size = -32768"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_transaction(connection: sa.Connection) -> None:
    # The driver itself would begin a transaction at the first change only, and read outside of it.
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.connection.cursor().execute(f"BEGIN {mode}")


# What each error of a database means, and what to do about it.
_FULL: Final = (
    ArchiveFull,
    (
        "no space is left for the archive {where}: free some on its disk and run the command "
        "again; nothing that was committed is lost"
    ),
)
_BUSY: Final = (
    ArchiveLocked,
    "another process kept the archive {where} busy for too long: see what it does, and try again",
)
_DAMAGED: Final = (
    ArchiveUnreadable,
    (
        "the archive {where} is damaged, or is no archive: put a backup in its place, or move it "
        "away and run `helpscout-v1 sync` to fetch everything anew"
    ),
)
_READ_ONLY: Final = (
    ArchiveReadOnly,
    (
        "the archive {where} may not be written to: check the rights of the user who runs this, on "
        "the database and, with SQLite, on its file and directory"
    ),
)
_NOT_OPENED: Final = (
    ArchiveReadOnly,
    (
        "the archive {where} could not be opened: its file and directory must be readable and "
        "writable for the user who runs this"
    ),
)
_DISK: Final = (
    ArchiveUnreadable,
    "reading or writing the archive {where} failed on its disk: check the disk and its free space",
)
_NO_ANSWER: Final = (
    ArchiveUnreachable,
    (
        "the database {where} does not answer, or dropped the connection: check that it runs, and "
        "the host and port in COMPAT_ARCHIVE"
    ),
)
_REFUSED: Final = (
    ArchiveUnreachable,
    (
        "the database {where} refuses the sign-in: check the user, the password and the name of "
        "the database in COMPAT_ARCHIVE"
    ),
)
_OTHER: Final = (
    ArchiveError,
    "the database {where} could not do what it was asked ({what}): look into its log",
)

_SQLITE: Final = {
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_CANTOPEN": _NOT_OPENED,
    "SQLITE_IOERR": _DISK,
}
"""By the primary code; extended codes begin with it."""

_POSTGRESQL: Final = {
    "53100": _FULL,
    "53200": _FULL,
    "55P03": _BUSY,
    "40P01": _BUSY,
    "40001": _BUSY,
    "57014": _BUSY,
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "3D000": _REFUSED,
    "28000": _REFUSED,
    "28P01": _REFUSED,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    "57P01": _NO_ANSWER,
    "57P02": _NO_ANSWER,
    "57P03": _NO_ANSWER,
}
"""By SQLSTATE."""


@contextmanager
def translate_errors(location: str) -> Iterator[None]:
    """Turn an error of the database into an `ArchiveError` that says what to do.

    Args:
        location: The archive's location for messages, without secrets.

    Raises:
        ArchiveError: The database raised an error.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        kind, text = _classify(error.orig, disconnected=error.connection_invalidated)
        raise kind(text.format(where=location, what=type(error.orig).__name__)) from error
    except (zlib.error, UnicodeDecodeError) as error:
        kind, text = _DAMAGED
        raise kind(text.format(where=location)) from error
    except (sa.exc.TimeoutError, sqlite3.Error) as error:
        kind, text = _BUSY if isinstance(error, sa.exc.TimeoutError) else _classify(error)
        raise kind(text.format(where=location, what=type(error).__name__)) from error


def _classify(
    error: BaseException | None, *, disconnected: bool = False
) -> tuple[type[ArchiveError], str]:
    """The kind of a driver's error, and the text for it."""
    if name := getattr(error, "sqlite_errorname", None):
        return next((kind for code, kind in _SQLITE.items() if name.startswith(code)), _OTHER)
    if code := getattr(error, "sqlstate", None):
        return _POSTGRESQL.get(code, _NO_ANSWER if code.startswith("08") else _OTHER)
    if "authentication" in str(error) or "does not exist" in str(error):
        return _REFUSED
    return _NO_ANSWER if disconnected or type(error).__name__ == "OperationalError" else _OTHER

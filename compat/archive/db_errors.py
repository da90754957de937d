"""What a database's own errors mean, and what to do about each."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from compat.archive.errors import (
    ArchiveError,
    ArchiveFull,
    ArchiveLocked,
    ArchiveReadOnly,
    ArchiveUnreachable,
    ArchiveUnreadable,
)
from compat.archive.sql import sa

_FULL: Final = (
    ArchiveFull,
    (
        "no room is left for the archive {where}: make room on its disk and run the command again; "
        "nothing that was committed is lost"
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
    "reading or writing the archive {where} failed on its disk: check the disk and the room on it",
)
_AWAY: Final = (
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
"""By the primary code; extended ones begin with it."""

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
    "57P01": _AWAY,
    "57P02": _AWAY,
    "57P03": _AWAY,
}
"""By SQLSTATE."""


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what a database raises into an `ArchiveError` that says what to do.

    Args:
        where: The archive, as a person knows it; no secrets in it.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        kind, text = _meaning(error.orig, disconnected=error.connection_invalidated)
        raise kind(text.format(where=where, what=type(error.orig).__name__)) from error
    except (zlib.error, UnicodeDecodeError) as error:
        kind, text = _DAMAGED
        raise kind(text.format(where=where)) from error
    except (sa.exc.TimeoutError, sqlite3.Error) as error:
        kind, text = _BUSY if isinstance(error, sa.exc.TimeoutError) else _meaning(error)
        raise kind(text.format(where=where, what=type(error).__name__)) from error


def _meaning(
    error: BaseException | None, *, disconnected: bool = False
) -> tuple[type[ArchiveError], str]:
    if name := getattr(error, "sqlite_errorname", None):
        return next((say for code, say in _SQLITE.items() if name.startswith(code)), _OTHER)
    if code := getattr(error, "sqlstate", None):
        return _POSTGRESQL.get(code, _AWAY if code.startswith("08") else _OTHER)
    refused = "authentication" in str(error) or "does not exist" in str(error)
    if refused:
        return _REFUSED
    return _AWAY if disconnected or type(error).__name__ == "OperationalError" else _OTHER

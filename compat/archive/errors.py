"""Errors of the archive; each message says what to do about it.

::

    ArchiveError
    ├── InvalidArchiveUrl    the URL cannot be used
    ├── ArchiveMissing       nothing is there yet
    ├── ArchiveUnreachable   the database does not answer, or refuses the sign-in
    ├── ArchiveUnreadable    what is there is damaged, or no archive
    ├── ArchiveReadOnly      it may not be written to
    ├── ArchiveFull          no space is left
    ├── ArchiveLocked        another process kept it busy for too long
    ├── ArchiveOutdated      it was made by an older version
    ├── ArchiveTooNew        it was made by a newer version
    ├── SyncUnderWay         another process is writing to it
    ├── LockLost             another process took the writing lock over
    └── LossAhead            more is missing upstream than is removed without being asked

After each of them the archive holds what its last commit wrote.
"""

from __future__ import annotations

from typing import Final

LOCK_LOST: Final = (
    "another process took over the writing to this archive while this one was silent; nothing of "
    "the last step was written: run it again if need be"
)
"""The text of each `LockLost`."""


class ArchiveError(Exception):
    """An archive could not be used; the text is written for the user who runs the command."""


class InvalidArchiveUrl(ArchiveError):
    """The URL is not an SQLAlchemy URL of an SQLite file or a PostgreSQL database."""


class ArchiveMissing(ArchiveError):
    """There is no archive at the URL, or no directory to create it in."""


class ArchiveUnreachable(ArchiveError):
    """The database does not answer, dropped the connection, or refuses the sign-in."""


class ArchiveUnreadable(ArchiveError):
    """What is at the URL is damaged, or is no archive."""


class ArchiveReadOnly(ArchiveError):
    """This process may not write to the archive."""


class ArchiveFull(ArchiveError):
    """No space is left for the archive; what was not committed is not in it."""


class ArchiveLocked(ArchiveError):
    """Another process kept the database busy for longer than this one waits."""


class ArchiveOutdated(ArchiveError):
    """The archive's schema is older than this version reads."""


class ArchiveTooNew(ArchiveError):
    """The archive's schema is newer than this version knows."""


class SyncUnderWay(ArchiveError):
    """Another process holds the writing lock."""


class LockLost(ArchiveError):
    """Another process took the lock over; nothing of the transaction was written."""


class LossAhead(ArchiveError):
    """So many conversations are missing upstream that access may be lost; they stay archived."""

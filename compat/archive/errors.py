"""What can go wrong with an archive; each message says what to do about it.

::

    ArchiveError
    ├── ArchiveMisnamed      the address cannot be used
    ├── ArchiveMissing       nothing is there yet
    ├── ArchiveUnreachable   the database does not answer, or refuses the sign-in
    ├── ArchiveUnreadable    what is there is damaged, or no archive
    ├── ArchiveReadOnly      it may not be written to
    ├── ArchiveFull          no room is left
    ├── ArchiveLocked        another process kept it busy for too long
    ├── ArchiveOutdated      it was made by an older version
    ├── ArchiveTooNew        it was made by a newer version
    ├── SyncUnderWay         somebody else is writing to it
    ├── LockLost             somebody else took over the writing
    └── LossAhead            more is missing upstream than may go without a word

After any of them the archive holds what its last commit left there.
"""

from __future__ import annotations


class ArchiveError(Exception):
    """An archive could not be used; the text is made for the person who runs it."""


class ArchiveMisnamed(ArchiveError):
    """The address is no SQLAlchemy URL of an SQLite file or a PostgreSQL database."""


class ArchiveMissing(ArchiveError):
    """There is no archive at the address, or no directory to make it in."""


class ArchiveUnreachable(ArchiveError):
    """The database does not answer, dropped the connection, or refuses the sign-in."""


class ArchiveUnreadable(ArchiveError):
    """What is at the address is damaged, or is no archive."""


class ArchiveReadOnly(ArchiveError):
    """The archive may not be written to by this process."""


class ArchiveFull(ArchiveError):
    """No room is left where the archive is kept; what was not committed is not in it."""


class ArchiveLocked(ArchiveError):
    """Another process kept the database busy for longer than this one waits."""


class ArchiveOutdated(ArchiveError):
    """The archive's schema is older than this version reads."""


class ArchiveTooNew(ArchiveError):
    """The archive's schema is newer than this version knows."""


class SyncUnderWay(ArchiveError):
    """Another process holds the lock that writing takes."""


class LockLost(ArchiveError):
    """Another process took the lock over; nothing of the transaction was written."""


class LossAhead(ArchiveError):
    """So much is missing upstream that it may be a lost right; the archive keeps it."""

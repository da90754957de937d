"""An account that was closed: what the archive holds of it is final."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from compat.archive.database import Archive
from compat.archive.locks import SyncLock
from compat.archive.reader import Snapshot
from compat.archive.records import END, LAYERS, MARGIN
from compat.config.settings import Settings
from compat.core.intervals import Coverage, Interval, MaxAges, usable
from compat.v2.search import format_timestamp

_FROM: Final = "sealed from"
"""The note on the first second of creation that is covered only because nothing can be in it."""


class CannotSeal(Exception):
    """Something may have happened that the archive does not hold; the text says when."""


def seal(archive: Archive, lock: SyncLock, at: int) -> None:
    """From now on nothing more can happen, so nothing becomes too old.

    Args:
        archive: The archive.
        lock: The lock on it.
        at: When the account was closed, epoch seconds UTC.

    Raises:
        CannotSeal: Something may have happened until then that it does not hold.
    """
    with archive.reading() as snapshot:
        covered, sealed = snapshot.coverage(), snapshot.sealed_at is not None
    if sealed:
        raise CannotSeal("it is sealed already; --undo takes that back")
    if not covered:
        raise CannotSeal("it covers nothing yet: run `helpscout-v1 sync`")
    rest = Interval(covered[-1].interval.last + 1, END)
    held = min(covered[-1].interval.last, *(known.as_of - MARGIN for known in covered))
    if at > held:
        raise CannotSeal(
            f"what it holds is certain until {format_timestamp(held)}, which is before --at: run "
            f"`helpscout-v1 sync` once more, {MARGIN // 60} minutes after the account was used "
            "last, or name a time that is not later than that"
        )
    with archive.writing(lock) as writer:
        for layer in LAYERS:
            writer.know(layer, Coverage(rest, at))
        writer.set_note(_FROM, rest.first)
        writer.seal(at)


def unseal(archive: Archive, lock: SyncLock) -> None:
    """The account lives after all: the archive has to be kept true again.

    Raises:
        CannotSeal: It is not sealed.
    """
    with archive.reading() as snapshot:
        sealed, first = snapshot.sealed_at is not None, snapshot.note(_FROM)
    if not sealed:
        raise CannotSeal("it is not sealed")
    with archive.writing(lock) as writer:
        writer.unknow(Interval(first, END))
        writer.seal(None)


@dataclass(frozen=True)
class CoveredInterval:
    """A stretch of creation time that is covered. Instants are epoch seconds UTC.

    Attributes:
        first: Its first second.
        last: Its last second, included.
        as_of: As of when it is.
        age: How many seconds ago that is.
        young: Whether what is more than a day old in it is used without asking Help Scout.
    """

    first: int
    last: int
    as_of: int
    age: int
    young: bool


@dataclass(frozen=True)
class ArchiveStatus:
    """What an archive holds. Instants are epoch seconds UTC.

    Attributes:
        where: Where it is, without secrets.
        conversations: How many there are, spam, drafts and the like included.
        size: Bytes that it takes.
        covered: What answers may rely on.
        slim: Whether it keeps no subjects, previews, names and addresses.
        sealed_at: When the account was closed; None if it was not.
        kept_since: Before which second of creation nothing is kept; None if all is.
    """

    where: str
    conversations: int
    size: int
    covered: tuple[CoveredInterval, ...]
    slim: bool
    sealed_at: int | None
    kept_since: int | None


def state_of(archive: Archive, snapshot: Snapshot, settings: Settings) -> ArchiveStatus:
    """What one state of an archive holds, and what of it is too old by the settings."""
    now = int(time.time())
    ages = MaxAges(settings.recent_age, settings.max_age)
    sealed = snapshot.sealed_at is not None
    return ArchiveStatus(
        where=archive.where,
        conversations=snapshot.size(),
        size=archive.size(),
        covered=tuple(_covered(known, now, ages, sealed) for known in snapshot.coverage()),
        slim=snapshot.slim,
        sealed_at=snapshot.sealed_at,
        kept_since=snapshot.kept_since,
    )


def _covered(known: Coverage, now: int, ages: MaxAges, sealed: bool) -> CoveredInterval:
    young = sealed or bool(usable([known], now, ages))
    return CoveredInterval(*known.interval, known.as_of, now - known.as_of, young)

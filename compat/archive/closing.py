"""An account that was closed: what the archive holds of it is final."""

from __future__ import annotations

from typing import Final

from compat.archive.locking import SyncLock
from compat.archive.opening import Archive
from compat.archive.sighting import END, LAYERS, MARGIN
from compat.coverage import Known, Span
from compat.v2.search import spelled

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
    rest = Span(covered[-1].span.last + 1, END)
    held = min(covered[-1].span.last, *(known.as_of - MARGIN for known in covered))
    if at > held:
        raise CannotSeal(
            f"what it holds is certain until {spelled(held)}, which is before --at: run "
            f"`helpscout-v1 sync` once more, {MARGIN // 60} minutes after the account was used "
            "last, or name a time that is not later than that"
        )
    with archive.writing(lock) as writer:
        for layer in LAYERS:
            writer.know(layer, Known(rest, at))
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
        writer.unknow(Span(first, END))
        writer.seal(None)

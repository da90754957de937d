"""What an archive holds, for a person who asks."""

from __future__ import annotations

import time
from dataclasses import dataclass

from compat.archive.opening import Archive
from compat.archive.reading import Snapshot
from compat.coverage import Ages, Known, usable
from compat.settings import Settings


@dataclass(frozen=True)
class Covered:
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
class State:
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
    covered: tuple[Covered, ...]
    slim: bool
    sealed_at: int | None
    kept_since: int | None


def state_of(archive: Archive, snapshot: Snapshot, settings: Settings) -> State:
    """What one state of an archive holds, and what of it is too old by the settings."""
    now = int(time.time())
    ages = Ages(settings.recent_age, settings.max_age)
    sealed = snapshot.sealed_at is not None
    return State(
        where=archive.where,
        conversations=snapshot.size(),
        size=archive.size(),
        covered=tuple(_covered(known, now, ages, sealed) for known in snapshot.coverage()),
        slim=snapshot.slim,
        sealed_at=snapshot.sealed_at,
        kept_since=snapshot.kept_since,
    )


def _covered(known: Known, now: int, ages: Ages, sealed: bool) -> Covered:
    young = sealed or bool(usable([known], now, ages))
    return Covered(*known.span, known.as_of, now - known.as_of, young)

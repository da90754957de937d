"""What can be learnt about an archive by looking into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compat.archive.errors import ArchiveError
from compat.config.settings import Settings
from compat.core.intervals import Coverage

if TYPE_CHECKING:
    from compat.archive.database import Archive


@dataclass(frozen=True)
class ArchiveFacts:
    """What an archive is like.

    Attributes:
        where: Where it is, without secrets.
        conversations: How many there are.
        size: Bytes that it takes.
        covered: What it covers in all layers.
        sealed_at: When the account was closed for good; None if it was not.
        slim: Whether it keeps no texts and names.
        offsets: How many rows more, or fewer, upstream's totals lastingly tell than it shows, and
            sync has accepted; one number for each place.
        spam_in_all: Whether upstream's list of `all` was seen to show spam; None: nothing told.
        damage: What is wrong with its file; empty if nothing.
    """

    where: str
    conversations: int
    size: int
    covered: Sequence[Coverage]
    sealed_at: int | None
    slim: bool
    offsets: Sequence[int]
    spam_in_all: bool | None
    damage: str


def look_into(settings: Settings) -> ArchiveFacts | ArchiveError | None:
    """What the settings' archive is like, or why that cannot be told; None if none is named.

    Raises:
        ImportError: SQLAlchemy is not installed.
    """
    if settings.archive is None:
        return None
    # Slow to import, and needed only where there is an archive.
    from compat.archive.database import open_archive  # noqa: PLC0415

    try:
        with open_archive(settings.archive.get_secret_value()) as archive:
            return _look(archive)
    except ArchiveError as error:
        return error


def _look(archive: Archive) -> ArchiveFacts:
    from compat.archive.sync import offsets, window_reader  # noqa: PLC0415

    damage = archive.damage()
    with archive.reading() as snapshot:
        accepted = offsets.read(snapshot.note(offsets.NOTE))
        return ArchiveFacts(
            where=archive.where,
            conversations=snapshot.size(),
            size=archive.size(),
            covered=snapshot.coverage(),
            sealed_at=snapshot.sealed_at,
            slim=snapshot.slim,
            offsets=[each.rows for each in accepted if each.rows],
            spam_in_all=snapshot.note(window_reader.ALL_LISTS_SPAM),
            damage=damage,
        )

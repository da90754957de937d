"""Facts about an archive, read from it."""

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
    """Facts about an archive.

    Attributes:
        where: Its address, without secrets.
        conversations: How many conversations it has.
        size: Its size in bytes.
        covered: What it covers in all layers.
        sealed_at: When it was sealed, epoch seconds; None if it was not.
        slim: Whether it keeps no texts and no names.
        offsets: By how many rows upstream's totals permanently differ from what it lists, where
            sync has accepted that; one number for each list.
        spam_in_all: Whether upstream's list of `all` includes spam; None if that is not known.
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


def collect_archive_facts(settings: Settings) -> ArchiveFacts | ArchiveError | None:
    """Facts about the configured archive, or why it cannot be read; None without an archive.

    Raises:
        ImportError: SQLAlchemy is not installed.
    """
    if settings.archive is None:
        return None
    # SQLAlchemy is installed only with an extra.
    from compat.archive.database import open_archive  # noqa: PLC0415

    try:
        with open_archive(settings.archive.get_secret_value()) as archive:
            return _read(archive)
    except ArchiveError as error:
        return error


def _read(archive: Archive) -> ArchiveFacts:
    from compat.archive.sync import queries  # noqa: PLC0415

    damage = archive.integrity_error()
    with archive.reading() as snapshot:
        accepted = queries.accepted_offsets(snapshot)
        return ArchiveFacts(
            where=archive.location,
            conversations=snapshot.conversation_count(),
            size=archive.size_bytes(),
            covered=snapshot.coverage(),
            sealed_at=snapshot.sealed_at,
            slim=snapshot.slim,
            offsets=[each.rows for each in accepted if each.rows],
            spam_in_all=queries.all_lists_spam(snapshot),
            damage=damage,
        )

"""Facts about an archive, and the checks that judge them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from compat.archive.errors import ArchiveError
from compat.config.settings import Settings, variable_name
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage
from compat.doctor import Finding, format_duration, format_second

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


_MAX_AGE: Final = 86_400
"""Seconds; an archive should be synchronised more often."""

_SYNC: Final = "run `helpscout-v1 sync`, and see that it runs every quarter of an hour"


def readable(archive: ArchiveFacts | ArchiveError | None) -> Finding:
    """Whether there is an archive that this version can read."""
    if archive is None:
        what = f"none is kept; {variable_name('archive')} names a place for one"
        return Finding("ok", what, facts={"kept": False})
    if isinstance(archive, ArchiveError):
        what, _, todo = str(archive).rpartition(": ")
        return Finding("trouble", what or todo, todo, {"kept": False})
    slim = ", without texts and names" if archive.slim else ""
    sealed = (
        f", sealed at {format_second(archive.sealed_at)}" if archive.sealed_at is not None else ""
    )
    what = (
        f"{archive.where} has {archive.conversations:,} conversations in "
        f"{archive.size / 1e6:,.1f} MB{slim}{sealed}; its schema is current"
    )
    facts = {
        "kept": True,
        "conversations": archive.conversations,
        "bytes": archive.size,
        "slim": archive.slim,
        "sealed_at": archive.sealed_at,
    }
    return Finding("ok", what, facts=facts)


def undamaged(archive: ArchiveFacts, _now: int) -> Finding:
    """Whether the file is undamaged."""
    if archive.damage:
        todo = "put a backup in its place, or move it away and run `helpscout-v1 sync`"
        return Finding(
            "trouble", f"it is damaged: {archive.damage}", todo, {"damage": archive.damage}
        )
    return Finding("ok", "nothing is wrong with it", facts={"damage": ""})


def coverage(archive: ArchiveFacts, _now: int) -> Finding:
    """Whether it covers all of the past, without gaps."""
    spans = [each.interval for each in archive.covered]
    facts = {"spans": [[format_second(span.first), format_second(span.last)] for span in spans]}
    if not spans:
        return Finding("trouble", "it covers nothing yet", _SYNC, facts)
    what = f"it covers {' and '.join(f'{first} to {last}' for first, last in facts['spans'])}"
    if any(left.last + 1 < right.first for left, right in pairwise(spans)):
        todo = "run `helpscout-v1 sync`, without --since and --until, until it has done all"
        return Finding("warning", f"{what}, with holes between", todo, facts)
    if spans[0].first > FIRST_SECOND:
        todo = "run `helpscout-v1 sync` without --since, if older conversations are asked for"
        return Finding("warning", f"{what}; what is older is fetched when asked for", todo, facts)
    return Finding("ok", what, facts=facts)


def age(archive: ArchiveFacts, now: int) -> Finding | None:
    """How long ago it was synchronised."""
    if not archive.covered:
        return None
    seconds, last = (now - pick(each.as_of for each in archive.covered) for pick in (min, max))
    facts = {"seconds": seconds, "last_sync_seconds": last}
    if archive.sealed_at is not None:
        return Finding("ok", "it is sealed, and does not get old", facts=facts)
    what = (
        f"it was synchronised {format_duration(last)} ago, and no part of it is older than "
        f"{format_duration(seconds)}"
    )
    if seconds > _MAX_AGE:
        return Finding("warning", what, _SYNC, facts)
    return Finding("ok", what, facts=facts)


def totals(archive: ArchiveFacts, _now: int) -> Finding:
    """Whether upstream's totals agree with what it shows."""
    rows = sum(map(abs, archive.offsets))
    facts = {"places": len(archive.offsets), "rows": rows, "spam_in_all": archive.spam_in_all}
    if not rows:
        return Finding("ok", "Help Scout's totals agree with what it shows", facts=facts)
    what = (
        f"Help Scout's totals differ from what it shows by {rows} in "
        f"{len(archive.offsets)} places, permanently; sync has accepted that"
    )
    return Finding("ok", what, facts=facts)

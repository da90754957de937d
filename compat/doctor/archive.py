"""Facts about an archive, and the checks that judge them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from compat.archive.errors import ArchiveError
from compat.config.settings import Settings, variable_name
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage, Interval, difference
from compat.core.models import UPSTREAM_KEYS
from compat.doctor import Finding, format_duration, format_second

if TYPE_CHECKING:
    from compat.archive.admin import ThreadsStatus
    from compat.archive.database import Archive
    from compat.archive.reader import Snapshot, UnknownColumn


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
        unknown: In which columns values are unknown, in how many conversations, and the newest.
        not_stored: Conversations whose ids are too large to be stored, and the second of creation
            of each, which is not covered.
        threads: What it knows of threads.
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
    unknown: Mapping[str, UnknownColumn]
    not_stored: Mapping[int, int]
    threads: ThreadsStatus
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
    from compat.archive.admin import threads_status  # noqa: PLC0415
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
            unknown=snapshot.unknown_values(),
            not_stored=_not_stored(snapshot, queries.not_stored(snapshot)),
            threads=threads_status(snapshot),
            damage=damage,
        )


def _not_stored(snapshot: Snapshot, noted: Mapping[int, int]) -> dict[int, int]:
    """Those that were noted and whose second is still not covered."""
    covered = [known.interval for known in snapshot.coverage()]
    return {
        id_: second
        for id_, second in noted.items()
        if not any(interval.first <= second <= interval.last for interval in covered)
    }


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
    holes = [
        Interval(left.last + 1, right.first - 1)
        for left, right in pairwise(spans)
        if left.last + 1 < right.first
    ]
    seconds = [Interval(second, second) for second in archive.not_stored.values()]
    if holes and not difference(holes, seconds):
        ids = ", ".join(map(str, sorted(archive.not_stored)))
        todo = (
            "nothing here: their seconds are counted at Help Scout, and refused without a "
            "connection to it; report the ids to Help Scout's support"
        )
        what = f"{what}; between are conversations whose ids are too large to be stored: {ids}"
        return Finding("warning", what, todo, facts)
    if holes:
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


def values(archive: ArchiveFacts, _now: int) -> Finding:
    """Whether Help Scout showed all values that filters need."""
    facts = {UPSTREAM_KEYS[name]: each.rows for name, each in archive.unknown.items()}
    if not facts:
        return Finding("ok", "Help Scout showed all values that filters need", facts=facts)
    lacking = ", ".join(
        f"`{UPSTREAM_KEYS[name]}` of {each.rows:,} conversations (the newest is {each.newest})"
        for name, each in archive.unknown.items()
    )
    return Finding(
        "warning",
        f"Help Scout did not show {lacking}; questions that filter by it get 503 where they are",
        "look at these conversations in Help Scout, and report it to Help Scout's support; once it "
        "is mended there, run `helpscout-v1 sync --verify`",
        facts,
    )


def threads(archive: ArchiveFacts, _now: int) -> Finding | None:
    """Whether reports on messages can be answered from it."""
    known = archive.threads
    if not known.kept:
        return None
    facts = {
        "since": None if known.since is None else format_second(known.since),
        "until": None if known.until is None else format_second(known.until),
        "unread": known.unread,
    }
    if known.since is not None:
        what = (
            f"it has all threads that were created {facts['since']} to {facts['until']}, and not "
            "all of the older ones yet"
        )
        return Finding("warning", what, "run `helpscout-v1 sync` until it has done all", facts)
    if known.until is not None:
        what = f"it has all threads that were created until {facts['until']}"
        return Finding("ok", what, facts=facts)
    if not known.can_be_known:
        what = (
            "no report on messages is answered from its threads, since it lacks old "
            "conversations: a thread of any time may be in one of them"
        )
        todo = "run `helpscout-v1 sync` without --start, or `helpscout-v1 sync --no-threads`"
        return Finding("warning", what, todo, facts)
    what = f"the threads of {known.unread:,} conversations are still to be read"
    todo = "run `helpscout-v1 sync`; it names conversations whose threads cannot be read"
    return Finding("warning", what, todo, facts)


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

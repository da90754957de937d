"""Judging an archive: is it there, is it sound, what does it cover, and how old is it."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from compat.archive.errors import ArchiveError
from compat.archive.records import BEGINNING
from compat.config.settings import variable_name
from compat.doctor.archive_facts import ArchiveFacts
from compat.doctor.findings import Finding, lasting, spelled

_OLD: Final = 86_400
"""Seconds; whoever keeps an archive synchronises it more often."""

_SYNC: Final = "run `helpscout-v1 sync`, and see that it runs every quarter of an hour"


def there(kept: ArchiveFacts | ArchiveError | None) -> Finding:
    """Whether there is an archive that this version can read."""
    if kept is None:
        what = f"none is kept; {variable_name('archive')} names a place for one"
        return Finding("ok", what, facts={"kept": False})
    if isinstance(kept, ArchiveError):
        what, _, todo = str(kept).rpartition(": ")
        return Finding("trouble", what or todo, todo, {"kept": False})
    slim = ", without texts and names" if kept.slim else ""
    sealed = f", sealed at {spelled(kept.sealed_at)}" if kept.sealed_at is not None else ""
    what = (
        f"{kept.where} has {kept.conversations:,} conversations in "
        f"{kept.size / 1e6:,.1f} MB{slim}{sealed}; its schema is current"
    )
    facts = {
        "kept": True,
        "conversations": kept.conversations,
        "bytes": kept.size,
        "slim": kept.slim,
        "sealed_at": kept.sealed_at,
    }
    return Finding("ok", what, facts=facts)


def sound(kept: ArchiveFacts, _now: int) -> Finding:
    """Whether the file is whole."""
    if kept.damage:
        todo = "put a backup in its place, or move it away and run `helpscout-v1 sync`"
        return Finding("trouble", f"it is damaged: {kept.damage}", todo, {"damage": kept.damage})
    return Finding("ok", "nothing is wrong with it", facts={"damage": ""})


def coverage(kept: ArchiveFacts, _now: int) -> Finding:
    """Whether it covers all of the past, without holes."""
    spans = [each.interval for each in kept.covered]
    facts = {"spans": [[spelled(span.first), spelled(span.last)] for span in spans]}
    if not spans:
        return Finding("trouble", "it covers nothing yet", _SYNC, facts)
    what = f"it covers {' and '.join(f'{first} to {last}' for first, last in facts['spans'])}"
    if any(left.last + 1 < right.first for left, right in pairwise(spans)):
        todo = "run `helpscout-v1 sync`, without --since and --until, until it has done all"
        return Finding("warning", f"{what}, with holes between", todo, facts)
    if spans[0].first > BEGINNING:
        todo = "run `helpscout-v1 sync` without --since, if older conversations are asked for"
        return Finding("warning", f"{what}; what is older is fetched when asked for", todo, facts)
    return Finding("ok", what, facts=facts)


def age(kept: ArchiveFacts, now: int) -> Finding | None:
    """How long ago it was synchronised."""
    if not kept.covered:
        return None
    seconds, last = (now - pick(each.as_of for each in kept.covered) for pick in (min, max))
    facts = {"seconds": seconds, "last_sync_seconds": last}
    if kept.sealed_at is not None:
        return Finding("ok", "it is sealed, and does not get old", facts=facts)
    what = (
        f"it was synchronised {lasting(last)} ago, and no part of it is older than "
        f"{lasting(seconds)}"
    )
    if seconds > _OLD:
        return Finding("warning", what, _SYNC, facts)
    return Finding("ok", what, facts=facts)


def offsets(kept: ArchiveFacts, _now: int) -> Finding:
    """Whether upstream's totals agree with what it shows."""
    rows = sum(map(abs, kept.offsets))
    facts = {"places": len(kept.offsets), "rows": rows, "spam_in_all": kept.spam_in_all}
    if not rows:
        return Finding("ok", "Help Scout's totals agree with what it shows", facts=facts)
    what = (
        f"Help Scout's totals differ from what it shows by {rows} in {len(kept.offsets)} places, "
        "and lastingly; sync has accepted that"
    )
    return Finding("ok", what, facts=facts)

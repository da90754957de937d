"""Reading a stretch of time whole: in all layers, and then asking for what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compat.archive.records import LAYERS
from compat.archive.sync import queries
from compat.archive.sync.queries import Part
from compat.archive.sync.session import SyncSession, Then
from compat.archive.writer import Writer
from compat.core import intervals
from compat.core.intervals import Coverage, Interval
from compat.v2.lists import Missing, get_conversation
from compat.v2.search import Selection

STATUS: Final[Mapping[str, str]] = {"spam": "spam", "all": "all", "spam-again": "spam"}
"""Which list each layer walks."""

READ: Final = "read"
"""The layer that tells when a stretch was last read whole; answers do not depend on it."""

ALL_LISTS_SPAM: Final = "all lists spam"
"""The note on whether `all` shows spam, once that was seen either way."""


def read(work: SyncSession, window: Interval, *, again: bool = False) -> None:
    """Read a window in all layers, and settle what is not there any more.

    A kill loses a page at most: each page is committed with the coverage that it completes.

    Args:
        work: The run.
        window: What was created when.
        again: Whether also what is covered already is read.

    Raises:
        LossAhead: Too much is missing.
    """
    spam = dict.fromkeys(LAYERS, 0)
    whole = True
    for layer in LAYERS:
        with work.reading() as snapshot:
            known = [] if again else [known.interval for known in snapshot.layer_coverage(layer)]
        parts = intervals.difference([window], known)
        whole &= parts == [window]
        for part in reversed(parts):
            walked = work.walk(Selection(status=STATUS[layer]), part, covering(layer, part))
            spam[layer] += walked.spam
    note_what_shows(work, spam, whole=whole)
    with work.reading() as snapshot:
        since = min(
            known.as_of
            for known in snapshot.coverage()
            if intervals.overlaps(known.interval, window)
        )
    settle(work, Part(window), since)
    with work.writing() as writer:
        writer.add_coverage(READ, Coverage(window, since))


def covering(layer: str, part: Interval) -> Then:
    """Puts down how far a walk through a part has come, in a layer."""

    def know(writer: Writer, complete: int, began: int) -> None:
        if complete >= part.first:
            writer.add_coverage(layer, Coverage(Interval(part.first, complete), began))

    return know


def settle(work: SyncSession, part: Part, since: int) -> None:
    """Ask by id for what a walk through a part did not show, and take out what is gone.

    Args:
        work: The run.
        part: What was walked.
        since: When the walk began.

    Raises:
        LossAhead: Too much is missing.
    """
    with work.reading() as snapshot:
        missing = queries.unseen(snapshot, part, since)
    work.loss.missed(len(missing))
    for id_ in missing:
        work.progress.check()
        found = get_conversation(work.client, id_, work.single)
        seen = work.moment(found.requested_at)
        with work.writing() as writer:
            if isinstance(found, Missing):
                work.counts.removed += writer.remove([id_], seen)
                work.hear("gone", conversation=id_, why=found.reason, into=found.merged_into)
            else:
                work.counts.changed += work.see(writer, [found.value], seen)
                work.loss.found()


def note_what_shows(work: SyncSession, spam: Mapping[str, int], *, whole: bool) -> None:
    """Remember what walks in all layers tell of whether `all` shows spam.

    Args:
        work: The run.
        spam: How many sightings of spam there were in each layer.
        whole: Whether all layers walked the same. Else what `all` did not show may be what it was
            not asked for.
    """
    if spam["all"]:
        note_spam(work, shown=True)
    elif whole and spam["spam"] and spam["spam-again"]:
        note_spam(work, shown=False)


def note_spam(work: SyncSession, *, shown: bool) -> None:
    """Remember whether `all` shows spam, as walks have told."""
    with work.reading() as snapshot:
        noted = snapshot.get_note(ALL_LISTS_SPAM)
    if noted is not shown:
        with work.writing() as writer:
            writer.set_note(ALL_LISTS_SPAM, shown)

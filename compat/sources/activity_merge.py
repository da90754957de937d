"""Completes the threads that an archive knows with what was modified since.

An archive knows all threads until some second. Conversations that were modified later replace its
own, by their ids, and a thread is where it was seen last: a merge moves threads to a conversation
that it modifies. That conversations were deleted, or merged, only totals show. So the total of all
that the archive has is compared, as in `compat.sources.merge`: it is requested first, and what
was modified is read afterwards. If both agree, nothing else has happened.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

from compat import clock
from compat.archive import erasure
from compat.archive.database import Archive
from compat.archive.reader import Snapshot
from compat.archive.records import INDEX_LAG
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import Activity, ActivityQuery, ConversationQuery, Progress, Row, Thread
from compat.sources.activity import is_selected
from compat.sources.activity_cache import one_place_each
from compat.sources.live import LiveSource
from compat.sources.merge import expected_total
from compat.sources.sightings import Sighting

_ROUNDS: Final = 2
"""In the first one, merged conversations are found; the second one's total is without them."""


@dataclass(frozen=True)
class Changes:
    """How conversations of a snapshot have changed.

    Attributes:
        replaced: The ids of the conversations in whose place others count.
        lost: The ids of the threads that are in other conversations now, by the conversation that
            the snapshot has them in. It is none of those that are replaced.
        current: The conversations that count in their place, and those that are new.
    """

    replaced: Set[int] = frozenset()
    lost: Mapping[int, Set[int]] = field(default_factory=dict)
    current: Sequence[Activity] = ()

    @property
    def outdated(self) -> Set[int]:
        """The ids of the conversations of the snapshot that do not count as they are there."""
        return {*self.replaced, *self.lost}

    def remaining(self, activity: Activity) -> Activity | None:
        """What is left of a conversation of the snapshot.

        It was merged into another if it has no published thread left but line items.
        """
        if activity.row.id in self.replaced:
            return None
        lost = self.lost.get(activity.row.id)
        if not lost:
            return activity
        own = tuple(each for each in activity.threads if each.id not in lost)
        if not any(each.state == "published" and each.type != "lineitem" for each in own):
            return None
        return activity._replace(threads=own)


@dataclass(frozen=True)
class ActivityPatch:
    """The conversations that were modified since a second, and a total that proves the others.

    Attributes:
        since: The second, epoch UTC by upstream's clock.
        compared: When the conversations were created whose total was compared.
        total: Upstream's total.
        sightings: The conversations that were modified, by their ids.
        spam: Whether spam that was marked meanwhile is surely among them.
        merged: Ids of conversations that were merged into others before the total was requested.
        as_of: As in `compat.core.models.ActivitySet`.
        fresh_until: As in `compat.core.models.ActivitySet`.
        version: The version of the archive with which the total agrees.
    """

    since: int
    compared: Interval
    total: int
    sightings: Mapping[int, Sighting]
    spam: bool
    merged: frozenset[int]
    as_of: int
    fresh_until: float
    version: int = -1

    def agrees_with(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot with these changes has upstream's total, and nothing created later."""
        if _created(snapshot) > self.compared.last:
            return False
        rows = {id_: each.activity.row for id_, each in self._later(snapshot).items()}
        merged = self.merged - self.sightings.keys()
        return expected_total(snapshot, self.compared, rows, merged) == self.total

    def changes(self, snapshot: Snapshot) -> Changes:
        """How the conversations of a snapshot have changed.

        Of two that were seen in the same second, the one in the patch counts: the archive's may
        have been read before the question, and the patch was not.
        """
        later = self._later(snapshot)
        current = one_place_each(later)
        place = {
            thread.id: id_ for id_, each in current.items() for thread in each.activity.threads
        }
        stored = {
            thread: id_
            for thread, id_ in snapshot.conversations_of_threads(sorted(place)).items()
            if id_ not in later
        }
        seen = snapshot.seen_at(sorted(set(stored.values())))
        lost: dict[int, set[int]] = defaultdict(set)
        moved_on = set()
        for thread, id_ in stored.items():
            if seen.get(id_, -1) <= current[place[thread]].requested_at:
                lost[id_].add(thread)
            else:
                moved_on.add(thread)
        own = (_without(each.activity, moved_on) for each in current.values())
        return Changes(later.keys(), lost, erasure.without_erased(snapshot, own))

    def _later(self, snapshot: Snapshot) -> dict[int, Sighting]:
        """The conversations that the archive has not seen since."""
        seen = snapshot.seen_at(sorted(self.sightings)) if self.sightings else {}
        return {
            id_: each
            for id_, each in self.sightings.items()
            if seen.get(id_, -1) <= each.requested_at
        }


class ActivityCompleter:
    """Reads from upstream what was modified since an archive knew all threads.

    Safe to share between threads. What was read is kept for as long as recent conversations may
    be used, so that many queries share it.

    Args:
        archive: The archive.
        live: Loads conversations from upstream.
        ages: How old data may be.
    """

    def __init__(self, archive: Archive, live: LiveSource, ages: MaxAges) -> None:
        self._archive = archive
        self._live = live
        self._ages = ages
        self._loading = threading.Lock()
        self._last: ActivityPatch | None = None
        self._refuted = (-1, 0.0)

    def complete(self, query: ActivityQuery, progress: Progress) -> ActivityPatch | None:
        """What was modified.

        Returns:
            None if upstream's total shows that something else has happened, or would show nothing
            because the archive does not hold all conversations yet, or if it takes fewer requests
            to read all that the query needs.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        rows = rows_query(query)

        def is_needed(row: Row) -> bool:
            return rows.admits(row) and is_selected(row, query)

        while not self._loading.acquire(timeout=0.5):
            progress.check()
        try:
            return self._complete(query, is_needed, progress)
        finally:
            self._loading.release()

    def proves(self, patch: ActivityPatch, snapshot: Snapshot) -> bool:
        """Whether a snapshot may be used with a patch.

        A synchronisation may have written since the total was compared: also a conversation that
        it read before, and that was deleted before the total was requested.
        """
        if snapshot.version == patch.version:
            return True
        if _completes(patch, snapshot):
            return True
        if self._last is patch:
            self._last = None
        return False

    def _complete(
        self, query: ActivityQuery, is_needed: Callable[[Row], bool], progress: Progress
    ) -> ActivityPatch | None:
        with self._archive.reading() as snapshot:
            known, version = snapshot.activity_coverage(), snapshot.version
            compared = Interval(FIRST_SECOND, _created(snapshot))
        if not knows_all_older(known) or modified_since(known[0]) <= min(query.touched).first:
            return None
        since = modified_since(known[0])
        last = self._last
        fits = last and self._fits(last, since, compared) and last.spam >= query.spam
        if last and fits and _is_complete(last, is_needed):
            return last
        if self._refuted[0] == version and self._refuted[1] > clock.elapsed():
            return None
        merged = last.merged if last else frozenset()
        for _ in range(_ROUNDS):
            patch = self._fetch(since, compared, merged, is_needed, progress, spam=query.spam)
            self._last = patch
            with self._archive.reading() as snapshot:
                if _completes(patch, snapshot):
                    self._last = replace(patch, version=snapshot.version)
                    return self._last
                before, merged = merged, _merged(patch, snapshot)
            if merged <= before:
                break
        self._last = None
        self._refuted = version, patch.fresh_until
        return None

    def _fits(self, last: ActivityPatch, since: int, compared: Interval) -> bool:
        is_fresh = last.fresh_until > clock.elapsed()
        return is_fresh and last.since <= since and compared.last <= last.compared.last

    def _fetch(
        self,
        since: int,
        compared: Interval,
        merged: frozenset[int],
        is_needed: Callable[[Row], bool],
        progress: Progress,
        *,
        spam: bool,
    ) -> ActivityPatch:
        fresh_until = clock.elapsed() + self._ages.recent
        last = self._last.sightings if self._last else {}
        known = {id_: each for id_, each in last.items() if each.complete}
        total = self._live.total(compared, progress)
        sightings, as_of = self._live.modified_activity(
            since, is_needed, progress, known, self._held, spam=spam
        )
        return ActivityPatch(
            since,
            compared,
            total.value.page.total_elements,
            sightings,
            spam,
            merged,
            min(as_of, total.requested_at),
            fresh_until,
        )

    def _held(self, ids: Sequence[int]) -> Mapping[int, Sequence[Thread]]:
        with self._archive.reading() as snapshot:
            return snapshot.threads_of(ids)


def knows_all_older(known: Sequence[Coverage]) -> bool:
    """Whether an archive with this coverage knows all threads until some second.

    A first fill may know recent ones alone.
    """
    return bool(known) and known[0].interval.first <= FIRST_SECOND


def modified_since(known: Coverage) -> int:
    """Since when conversations were modified that may have more threads than an archive knows."""
    return min(known.interval.last, known.as_of) - INDEX_LAG


def _completes(patch: ActivityPatch, snapshot: Snapshot) -> bool:
    """Whether a snapshot still knows all other threads, and has upstream's total with a patch."""
    known = snapshot.activity_coverage()
    is_known = knows_all_older(known) and modified_since(known[0]) >= patch.since
    return is_known and patch.agrees_with(snapshot)


def _created(snapshot: Snapshot) -> int:
    """When the last conversation of an archive was created, epoch seconds UTC."""
    bounds = snapshot.created_bounds()
    return bounds.last if bounds else FIRST_SECOND


def _is_complete(patch: ActivityPatch, is_needed: Callable[[Row], bool]) -> bool:
    """Whether it has all threads of the conversations that are needed."""
    return all(
        each.complete or not is_needed(each.activity.row) for each in patch.sightings.values()
    )


def _merged(patch: ActivityPatch, snapshot: Snapshot) -> frozenset[int]:
    """The ids of the conversations all of whose threads are in others now."""
    changes = patch.changes(snapshot)
    held = snapshot.activities_by_id(changes.lost.keys())
    return frozenset(each.row.id for each in held if changes.remaining(each) is None)


def _without(activity: Activity, threads: Set[int]) -> Activity:
    own = tuple(each for each in activity.threads if each.id not in threads)
    return activity if len(own) == len(activity.threads) else activity._replace(threads=own)


def rows_query(query: ActivityQuery) -> ConversationQuery:
    """The mailboxes and folders of a query."""
    return ConversationQuery(query.touched, query.mailboxes, query.folders)

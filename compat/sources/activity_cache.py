"""A cache of conversations with their threads. It keeps which thread time is covered.

A thread may stand on a conversation of any age. So what is kept is not divided by time: there is
one set of conversations, and each reading of some of them replaces what was seen before. Beside it
stands what has been read completely, and when (`CoveredThreads`).

Threads of the last day, and the changes of all conversations, may be as old as recent data. What
was deleted is noticed at once if it has threads of the last day, and otherwise when all is read
again, as old as older data may be.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from compat import clock
from compat.archive.records import INDEX_LAG
from compat.core.intervals import Interval, MaxAges
from compat.core.models import Activity, Thread
from compat.sources.row_cache import Scope
from compat.sources.sightings import Sighting


class Reading(NamedTuple):
    """When something was read.

    Attributes:
        as_of: When reading began, epoch seconds by upstream's clock.
        at: The same moment, in seconds of the local clock that never goes back.
    """

    as_of: int
    at: float


@dataclass
class CoveredThreads:
    """Threads of which all are known.

    Attributes:
        scope: The conversations, apart from times.
        since: The first second in which they were created, epoch UTC.
        whole: When all of it was read.
        recent: When all that was modified in the day before was read.
        changes: When all that was modified since `whole` was read.
        used: When it was last used, in seconds of the local clock.
    """

    scope: Scope
    since: int
    whole: Reading
    recent: Reading
    changes: Reading
    used: float

    def includes(self, scope: Scope, since: int) -> bool:
        """Whether all threads of a scope are covered that were created since a second."""
        return self.scope.includes(scope) and self.since <= since

    def needs(self, sighting: Sighting) -> bool:
        """Whether a conversation may have threads that are covered."""
        is_touched = last_touch(sighting.activity) >= self.since or not sighting.complete
        return is_touched and self.scope.contains(sighting.activity.row)

    def refutes(self, sighting: Sighting) -> bool:
        """Whether a conversation is not there any more, if all was read and it was not listed."""
        row, is_touched = sighting.activity.row, last_touch(sighting.activity) >= self.since
        is_listed = self.scope.contains(row) and row.mailbox is not None
        return is_touched and is_listed and (self.scope.spam or row.status != "spam")


class KeptThreads(NamedTuple):
    """What is kept for a question.

    Attributes:
        sightings: All conversations, by their ids.
        reading: When the threads were last read.
        read_again_since: The second of modification from which conversations must be read again
            before the threads may be used, epoch UTC by upstream's clock; None if they are young
            enough.
    """

    sightings: Mapping[int, Sighting]
    reading: Reading
    read_again_since: int | None


class ActivityCache:
    """Conversations with their threads, and what they cover; safe to share between threads.

    Args:
        ages: How old data may be.
        most: How many conversations, threads and covered parts are kept, all together. The part
            that was least recently used is dropped first, with the conversations that only it
            needs.
        elapsed: Seconds of a clock that never goes back.
    """

    def __init__(
        self, ages: MaxAges, most: int, *, elapsed: Callable[[], float] = clock.elapsed
    ) -> None:
        self.elapsed = elapsed
        self._ages = ages
        self._most = most
        self._day = max(ages.settled, INDEX_LAG)
        self._covered: list[CoveredThreads] = []
        self._sightings: dict[int, Sighting] = {}
        self._loading = threading.Lock()
        self._lock = threading.Lock()

    @contextmanager
    def loading(self, check: Callable[[], None]) -> Iterator[None]:
        """Let one thread at a time load, so that the same is not loaded twice.

        Args:
            check: Called while waiting; raises to stop.
        """
        while not self._loading.acquire(timeout=0.5):
            check()
        try:
            yield
        finally:
            self._loading.release()

    @property
    def conversation_count(self) -> int:
        """The number of conversations kept."""
        return len(self._sightings)

    def find(self, scope: Scope, threads: Interval) -> KeptThreads | None:
        """What is kept of these threads; None if not all were read, or too long ago.

        Args:
            scope: Their conversations.
            threads: When they were created.
        """
        now = self.elapsed()
        oldest = max(self._ages.older, self._ages.recent)
        with self._lock:
            for each in self._covered:
                if each.includes(scope, threads.first) and now - each.whole.at < oldest:
                    each.used = now
                    return self._kept(each, threads.last, now)
        return None

    def sightings(self) -> Mapping[int, Sighting]:
        """The conversations by their ids. The mapping is not changed, but replaced."""
        return self._sightings

    def threads_of(self, ids: Sequence[int]) -> Mapping[int, Sequence[Thread]]:
        """The threads that are kept of some conversations, by the conversation's id."""
        sightings = self._sightings
        return {id_: sightings[id_].activity.threads for id_ in ids if id_ in sightings}

    def _kept(self, covered: CoveredThreads, last: int, now: float) -> KeptThreads:
        is_settled = last <= covered.changes.as_of - self._ages.settled
        reading = covered.changes if is_settled else covered.recent
        since = None
        if now - reading.at >= self._ages.recent:
            since = reading.as_of - (INDEX_LAG if is_settled else self._day)
        return KeptThreads(self._sightings, reading, since)

    def unlisted(self, scope: Scope, since: int, reading: Reading, read: Set[int]) -> list[int]:
        """The ids of conversations that only upstream's index may not show yet as modified.

        They count as deleted if what was modified since a second is kept without them.

        Args:
            scope: The conversations that were read.
            since: The second, epoch UTC by upstream's clock.
            reading: When reading began.
            read: The ids of what was read.
        """
        return [
            id_
            for id_, each in self._sightings.items()
            if id_ not in read
            and each.current_at is not None
            and each.current_at > reading.as_of - INDEX_LAG
            and last_touch(each.activity) >= since
            and scope.contains(each.activity.row)
        ]

    def put_whole(
        self,
        scope: Scope,
        since: int,
        reading: Reading,
        sightings: Mapping[int, Sighting],
        read: Set[int],
    ) -> Mapping[int, Sighting]:
        """Keep what covers some threads completely.

        Args:
            scope: The conversations that were read, apart from times.
            since: The first second in which the threads were created, epoch UTC.
            reading: When reading began.
            sightings: What was read.
            read: The ids of what was read.

        Returns:
            All conversations, also those that are too many to be kept.
        """
        sightings = {**self._sightings, **sightings}
        new = CoveredThreads(scope, since, reading, reading, reading, self.elapsed())
        rest = [each for each in self._covered if not new.includes(each.scope, each.since)]
        obsolete = [
            each for id_, each in sightings.items() if id_ not in read and new.refutes(each)
        ]
        # What is not in these mailboxes any more may be in others: those are looked at again.
        rest = [_outdated(part) if any(map(part.needs, obsolete)) else part for part in rest]
        gone = {each.activity.row.id for each in obsolete}
        there = {id_: each for id_, each in sightings.items() if id_ not in gone}
        return self._keep([*rest, new], there)

    def put_changes(
        self, since: int, reading: Reading, sightings: Mapping[int, Sighting], read: Set[int]
    ) -> Mapping[int, Sighting]:
        """Keep what was modified since a second, in any mailbox, spam included.

        What was touched since then and is not listed is not there any more.

        Args:
            since: The second, epoch UTC by upstream's clock.
            reading: When reading began.
            sightings: What was kept before, and what was read.
            read: The ids of what was read.

        Returns:
            All conversations, also those that are too many to be kept.
        """
        covered = [
            replace(
                part,
                recent=reading if since <= part.recent.as_of - self._day else part.recent,
                changes=reading if since <= part.changes.as_of - INDEX_LAG else part.changes,
            )
            for part in self._covered
        ]
        there = {
            id_: each
            for id_, each in sightings.items()
            if id_ in read or last_touch(each.activity) < since
        }
        return self._keep(covered, there)

    def put_completed(self, sightings: Mapping[int, Sighting]) -> Mapping[int, Sighting]:
        """Keep conversations whose threads were completed."""
        return self._keep(self._covered, sightings)

    def _keep(
        self, covered: list[CoveredThreads], sightings: Mapping[int, Sighting]
    ) -> Mapping[int, Sighting]:
        """Keep these, as far as they are needed and not too many."""
        sightings = one_place_each(sightings)
        covered = sorted(covered, key=lambda each: each.used)
        while True:
            kept = {
                id_: each
                for id_, each in sightings.items()
                if any(part.needs(each) for part in covered)
            }
            threads = sum(len(each.activity.threads) for each in kept.values())
            if not covered or len(kept) + threads + len(covered) <= self._most:
                break
            covered = covered[1:]
        with self._lock:
            self._covered, self._sightings = covered, kept
        return sightings


def _outdated(part: CoveredThreads) -> CoveredThreads:
    """The same part, whose conversations must be read again before they are used."""
    return replace(
        part,
        recent=part.recent._replace(at=-math.inf),
        changes=part.changes._replace(at=-math.inf),
    )


def one_place_each(sightings: Mapping[int, Sighting]) -> dict[int, Sighting]:
    """The same conversations with each thread on the one where it was seen last.

    A conversation that has lost threads, and has no published one left but line items, was merged
    into another, and is left out.
    """
    place: dict[int, int] = {}
    threads = 0
    for sighting in sorted(sightings.values(), key=lambda each: each.number):
        row, shown = sighting.activity.row, sighting.activity.threads
        place |= dict.fromkeys((thread.id for thread in shown), row.id)
        threads += len(shown)
    if threads == len(place):
        return dict(sightings)
    found = {id_: _with_own(each, place) for id_, each in sightings.items()}
    return {id_: each for id_, each in found.items() if each}


def _with_own(sighting: Sighting, place: Mapping[int, int]) -> Sighting | None:
    row, shown = sighting.activity.row, sighting.activity.threads
    own = tuple(thread for thread in shown if place[thread.id] == row.id)
    if len(own) == len(shown):
        return sighting
    if not any(each.state == "published" and each.type != "lineitem" for each in own):
        return None
    return replace(sighting, activity=sighting.activity._replace(threads=own))


def last_touch(activity: Activity) -> int:
    """When something last happened in a conversation that its threads show, epoch seconds UTC."""
    row, threads, closed = activity.row, activity.threads, activity.closed
    return max(row.created, threads[-1].created if threads else row.created, closed or row.created)

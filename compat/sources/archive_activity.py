"""Answers questions on threads from an archive, and from what was modified since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compat.archive.reader import Snapshot
from compat.config.conventions import Conventions
from compat.core.activity import customer_messages
from compat.core.calendar import FIRST_SECOND
from compat.core.counting import UNTAGGED, BucketCounts, CountQuery, CountResult
from compat.core.intervals import Interval
from compat.core.models import (
    Activity,
    ActivityQuery,
    ActivitySet,
    Obstacle,
    Progress,
    Row,
    UnknownValue,
)
from compat.core.ratings import RatingTally
from compat.sources.activity import is_selected, is_touched
from compat.sources.activity_merge import Changes, rows_query


class KnownActivity:
    """All conversations with their threads, from a snapshot and what has changed since.

    Args:
        snapshot: The snapshot.
        changes: What has changed.
        as_of: As in `compat.core.models.ActivitySet`.
        fresh_until: As in `compat.core.models.ActivitySet`.
    """

    def __init__(
        self, snapshot: Snapshot, changes: Changes, as_of: int, fresh_until: float
    ) -> None:
        self._snapshot = snapshot
        self._changes = changes
        self._as_of = as_of
        self._fresh_until = fresh_until

    def activity(self, query: ActivityQuery, _progress: Progress) -> ActivitySet:
        """The conversations that a query needs, which filters by no view."""
        rows = rows_query(query)

        def is_needed(row: Row) -> bool:
            return rows.admits(row) and is_selected(row, query)

        held = self._snapshot.activities(
            query.touched, query.users, rated=query.rated, is_needed=is_needed
        )
        found = [left for each in held if (left := self._changes.remaining(each))]
        found += [
            each
            for each in self._changes.current
            if is_needed(each.row) and is_touched(each, query)
        ]
        undecided = rows.undecided(each.row for each in found)
        return ActivitySet(found, self._as_of, self._fresh_until, undecided)

    def count_messages(self, tally: CountQuery) -> CountResult | None:
        """The messages of customers; None if that may depend on a value that is unknown."""
        counted = self._snapshot.count_messages(tally)
        if counted is None:
            return None
        counts = BucketCounts(tally)
        counts.values = [list(each) for each in counted]
        try:
            for activity, sign in self._differences():
                if tally.matches(activity.row):
                    for message in customer_messages(_within(activity, tally)):
                        counts.add_conversation(message.created, sign)
        except UnknownValue:
            return None
        return CountResult(counts.values, self._as_of, self._fresh_until)

    def count_ratings(self, tally: CountQuery) -> CountResult | None:
        """The ratings, for each range; None if they may depend on a value that is unknown."""
        stored = self._snapshot.count_ratings(tally, self._changes.outdated)
        if stored is None:
            return None
        tallies = _rating_tallies(tally)
        for each, counted in zip(tallies, stored, strict=True):
            each.ratings.update(counted.ratings)
            each.raters.update(counted.raters)
            each.helped.update(counted.helped)
        if not self._add_changes(tally, tallies):
            return None
        counts = [each.counts() for each in tallies]
        return CountResult(counts, self._as_of, self._fresh_until)

    def customers_helped(self, tally: CountQuery) -> int | None:
        """How many customers got a reply in the ranges of a query, each counted once.

        None if that may depend on a value that is unknown.
        """
        stored = self._snapshot.customers_helped(tally, self._changes.outdated)
        tallies = _rating_tallies(tally)
        if stored is None or not self._add_changes(tally, tallies):
            return None
        return len(stored.union(*(each.helped for each in tallies)) - {0})

    def _add_changes(self, tally: CountQuery, tallies: Sequence[RatingTally]) -> bool:
        """Add what counts in place of what the snapshot has; False if a value is unknown."""
        try:
            for activity, sign in self._differences():
                if sign > 0 and tally.matches(activity.row):
                    for each in tallies:
                        each.add(activity)
        except UnknownValue:
            return False
        return True

    def _differences(self) -> Iterator[tuple[Activity, int]]:
        """What the snapshot has that does not count, with -1; and what does instead, with 1."""
        for held in self._snapshot.activities_by_id(self._changes.outdated):
            yield held, -1
            if remaining := self._changes.remaining(held):
                yield remaining, 1
        for each in self._changes.current:
            yield each, 1


def activity_query(tally: CountQuery) -> ActivityQuery:
    """The conversations whose messages or ratings a query counts."""
    needed, which = tally.conversations, tally.filter
    # Conversations without tags have no tag to ask for, so all are needed with them.
    tags = frozenset() if UNTAGGED in which.tags else which.tags
    return ActivityQuery(
        needed.created, needed.mailboxes, needed.folders, which.types, tags, needed.spam
    )


def obstacle(snapshot: Snapshot) -> Obstacle | None:
    """Why an archive does not know all threads of any time; None if only a run has to end."""
    if not snapshot.keeps_threads:
        return "threads not kept"
    if snapshot.kept_since is not None:
        return "older not kept"
    covered = snapshot.coverage()
    if covered and covered[0].interval.first > FIRST_SECOND:
        return "older not read"
    return None


def _rating_tallies(tally: CountQuery) -> list[RatingTally]:
    conventions = Conventions(automatic_replies_count=tally.automatic_replies)
    return [
        RatingTally(Interval(edges[0], edges[-1] - 1), conventions, tally.users)
        for edges in tally.ranges
    ]


def _within(activity: Activity, tally: CountQuery) -> Activity:
    """The conversation with the threads of the ranges alone."""
    own = tuple(
        each
        for each in activity.threads
        if any(edges[0] <= each.created < edges[-1] for edges in tally.ranges)
    )
    return activity._replace(threads=own)

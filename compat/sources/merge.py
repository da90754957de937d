"""Completes what an archive holds with what was modified since, and with what it does not cover."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from compat import clock
from compat.archive.database import Archive
from compat.archive.reader import Snapshot
from compat.archive.records import INDEX_LAG
from compat.archive.sync import queries
from compat.archive.sync.queries import Part
from compat.core import intervals
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import ConversationQuery, Progress, Row
from compat.sources.live import LiveSource

_NO_LIMIT: Final = 1 << 62
_LOCAL_LIFETIME: Final = 1.0
"""Seconds for which an answer that took no request may be used again. Counting again costs less
than a caller notices, and shows at once what a synchronisation has read."""


@dataclass(frozen=True)
class ReadPlan:
    """Where the wanted seconds of creation are read from.

    Attributes:
        covered: All that the archive covers, wanted or not.
        young: The wanted parts of it that may be used as they are.
        aged: The wanted parts of it that are too old for that.
        gaps: What is wanted and not covered.
        young_for: Seconds for which all young parts stay young.
    """

    covered: Sequence[Coverage]
    young: Sequence[Coverage]
    aged: Sequence[Coverage]
    gaps: Sequence[Interval]
    young_for: int

    @property
    def whole(self) -> bool:
        """Whether the archive alone has all that is wanted."""
        return not self.aged and not self.gaps


@dataclass(frozen=True)
class Patch:
    """What turns rows of an archive into the wanted rows.

    Attributes:
        held: The seconds of creation for which the archive's rows are used.
        as_of: As in `compat.core.models.RowSet`.
        fresh_until: As in `compat.core.models.RowSet`.
        beside: The conversations of all other wanted seconds.
        instead: Conversations of the held seconds as they are now, by their ids.
        instead_as_of: When reading these started, epoch seconds by upstream's clock.
        proof: The changes and totals that prove the held seconds which are too old by themselves.
    """

    held: Sequence[Interval]
    as_of: int
    fresh_until: float
    beside: Sequence[Row] = ()
    instead: Mapping[int, Row] = field(default_factory=dict)
    instead_as_of: int = 0
    proof: _Modified | None = None

    def changed(self, snapshot: Snapshot) -> dict[int, Row]:
        """The rows that replace rows of a snapshot, by their ids.

        Of two that were seen in the same second, the one in the patch counts: the archive's may
        have been read before the question, and the patch was not.
        """
        return _newer_than(snapshot, self.instead, self.instead_as_of)


@dataclass(frozen=True)
class _Modified:
    """The conversations created in some intervals that were modified since a second.

    Attributes:
        totals: Upstream's total of each interval.
        version: The version of the archive with which the totals agree.
    """

    since: int
    created: Sequence[Interval]
    rows: Mapping[int, Row]
    as_of: int
    fresh_until: float
    totals: Sequence[int]
    version: int

    def agrees_with(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot with these changes has upstream's totals."""
        changed = _newer_than(snapshot, self.rows, self.as_of)
        held = [expected_total(snapshot, each, changed) for each in self.created]
        return held == list(self.totals)


def plan_read(
    covered: Sequence[Coverage], wanted: Iterable[Interval], now: int, ages: MaxAges
) -> ReadPlan:
    """Decide for all wanted seconds where they are read from.

    Args:
        covered: What the archive covers.
        wanted: Intervals of creation; they may overlap.
        now: The current second, epoch UTC.
        ages: How old the archive's rows may be.
    """
    created = intervals.union(wanted)
    young = intervals.intersection(_at(created), intervals.usable(covered, now, ages))
    rest = intervals.difference(created, (interval for interval, _ in young))
    aged = intervals.intersection(_at(rest), covered)
    gaps = intervals.difference(rest, (interval for interval, _ in aged))
    young_for = min(
        (each.as_of + intervals.lifetime(each, ages) - now for each in young), default=_NO_LIMIT
    )
    return ReadPlan(covered, young, aged, gaps, young_for)


def unchanged(plan: ReadPlan) -> Patch:
    """The patch for a plan that the archive alone has all for."""
    as_of = min(known.as_of for known in plan.young)
    fresh_until = clock.elapsed() + _LOCAL_LIFETIME
    return Patch([interval for interval, _ in plan.young], as_of, fresh_until)


class Completer:
    """Loads from upstream what the archive does not have; safe to share between threads.

    The conversations that were modified are kept for as long as recent conversations may be
    used, so that many queries share them.

    Args:
        archive: The archive.
        live: Loads conversations from upstream.
        ages: How old rows may be.
    """

    def __init__(self, archive: Archive, live: LiveSource, ages: MaxAges) -> None:
        self._archive = archive
        self._live = live
        self._ages = ages
        self._lock = threading.Lock()
        self._last: _Modified | None = None

    def proves(self, patch: Patch, snapshot: Snapshot) -> bool:
        """Whether a snapshot may be used with a patch.

        A synchronisation may have written since the totals were compared: also a conversation
        that it read before, and that was deleted before the totals were requested.
        """
        proof = patch.proof
        if proof is None or proof.version == snapshot.version or proof.agrees_with(snapshot):
            return True
        with self._lock:
            self._last = None
        return False

    def complete(self, plan: ReadPlan, query: ConversationQuery, progress: Progress) -> Patch:
        """Load what was modified in the parts that are too old, and all that is not covered.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        gaps, aged = list(plan.gaps), [interval for interval, _ in plan.aged]
        fresh_until = clock.elapsed() + min(self._ages.recent, plan.young_for)
        patch = Patch([interval for interval, _ in plan.young], _NO_LIMIT, fresh_until)
        if aged:
            since = min(known.as_of for known in plan.aged) - INDEX_LAG
            modified = self._fetch_changes(since, aged, progress)
            if modified:
                patch = replace(
                    patch,
                    held=intervals.union([*patch.held, *aged]),
                    instead=_created_in(aged, modified.rows),
                    instead_as_of=modified.as_of,
                    as_of=modified.as_of,
                    fresh_until=min(patch.fresh_until, modified.fresh_until),
                    proof=modified,
                )
            else:
                gaps += aged
        if gaps:
            found = self._live.rows(replace(query, created=tuple(intervals.union(gaps))), progress)
            patch = replace(
                patch,
                beside=found.rows,
                as_of=min(patch.as_of, found.as_of),
                fresh_until=min(patch.fresh_until, found.fresh_until),
            )
        return replace(patch, as_of=min([patch.as_of, *(known.as_of for known in plan.young)]))

    def _fetch_changes(
        self, since: int, created: Sequence[Interval], progress: Progress
    ) -> _Modified | None:
        """What was modified; None if the totals show that something else has happened.

        A conversation that was deleted, or merged into another, does not count as modified: only
        the totals show it. They are requested first. Conversations that came before them are
        found in the list that is read afterwards, which can only have more. So if both agree,
        nothing was deleted in any of the intervals. If the totals were requested later, new
        conversations could make up for deleted ones.
        """
        last = self._kept(since, created)
        if last:
            return last
        fresh_until = clock.elapsed() + self._ages.recent
        totals = [self._live.total(interval, progress) for interval in created]
        fetched = self._live.modified(since, created, progress)
        rows = {row.id: row for row in fetched.rows}
        as_of = min(fetched.as_of, *(total.requested_at for total in totals))
        numbers = [total.value.page.total_elements for total in totals]
        with self._archive.reading() as snapshot:
            modified = _Modified(
                since, created, rows, as_of, fresh_until, numbers, snapshot.version
            )
            if not modified.agrees_with(snapshot):
                return None
        with self._lock:
            self._last = modified
        return modified

    def _kept(self, since: int, created: Sequence[Interval]) -> _Modified | None:
        with self._lock:
            last = self._last
        fits = (
            last is not None
            and last.fresh_until > clock.elapsed()
            and last.since <= since
            and not intervals.difference(created, last.created)
        )
        return last if fits else None


def expected_total(
    snapshot: Snapshot,
    interval: Interval,
    changed: Mapping[int, Row],
    gone: Collection[int] = (),
) -> int | None:
    """What upstream's total of an interval must be; None if it may or may not include spam.

    Args:
        snapshot: What the archive holds.
        interval: The interval of creation time.
        changed: The rows that replace rows of the snapshot, by their ids.
        gone: Ids of conversations that are not there any more.
    """
    changed = _created_in([interval], changed)
    replaced = sorted({*changed, *gone})
    outdated = snapshot.rows_by_id(replaced)
    held = {
        spam: queries.count(snapshot, Part(interval, spam=spam))
        + _listed(changed.values(), spam=spam)
        - _listed(outdated, spam=spam)
        for spam in (True, False)
    }
    drift = sum(
        each.rows
        for each in queries.offsets_within(queries.accepted_offsets(snapshot), interval, spam=False)
        if each.mailbox == queries.ALL_MAILBOXES
    )
    shown = queries.all_lists_spam(snapshot)
    if shown is None and held[True]:
        return None
    return held[False] + (held[True] if shown else 0) + drift


def _newer_than(snapshot: Snapshot, rows: Mapping[int, Row], as_of: int) -> dict[int, Row]:
    """Those of some rows, read at a second, that a snapshot does not have from a later one."""
    seen = snapshot.seen_at(sorted(rows))
    return {id_: row for id_, row in rows.items() if id_ not in seen or seen[id_] <= as_of}


def _listed(rows: Iterable[Row], *, spam: bool) -> int:
    return sum((row.status == "spam") is spam for row in rows)


def _created_in(created: Sequence[Interval], rows: Mapping[int, Row]) -> dict[int, Row]:
    return {
        id_: row
        for id_, row in rows.items()
        if any(interval.first <= row.created <= interval.last for interval in created)
    }


def _at(created: Iterable[Interval]) -> list[Coverage]:
    return [Coverage(interval, _NO_LIMIT) for interval in created]

"""What an archive has to be completed with: what was modified since, and what it does not cover."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from compat import clock
from compat.archive.database import Archive
from compat.archive.reader import Snapshot
from compat.archive.records import MARGIN
from compat.archive.sync import offsets, queries
from compat.archive.sync.queries import Part
from compat.archive.sync.window_reader import ALL_LISTS_SPAM
from compat.core import intervals
from compat.core.intervals import Coverage, Interval, MaxAges
from compat.core.models import ConversationQuery, Progress, Row
from compat.sources.live import LiveSource

_NOW: Final = 1 << 62
_KEPT: Final = 1.0
"""Seconds for which an answer that took no request is given again: counting anew costs less than
a caller notices, and shows at once what a synchronisation brings."""


@dataclass(frozen=True)
class Plan:
    """How the seconds that are wanted are come by.

    Attributes:
        covered: What the archive covers, wanted or not.
        young: What of it is wanted and may be used as it is.
        aged: What of it is wanted and is too old for that.
        gaps: What is wanted and not covered.
        young_for: For how many seconds what is young stays so.
    """

    covered: Sequence[Coverage]
    young: Sequence[Coverage]
    aged: Sequence[Coverage]
    gaps: Sequence[Interval]
    young_for: int

    @property
    def whole(self) -> bool:
        """Whether the archive alone has all."""
        return not self.aged and not self.gaps


@dataclass(frozen=True)
class Patch:
    """What makes rows of an archive the rows that are wanted.

    Attributes:
        held: The seconds of creation for which the archive's rows are taken.
        beside: Conversations of all other seconds that are wanted.
        instead: Conversations in the seconds held as they are now, by their ids.
        instead_as_of: When the reading of these began, epoch seconds by upstream's clock.
        as_of: As of `compat.core.models.Found`.
        fresh_until: Likewise.
    """

    held: Sequence[Interval]
    as_of: int
    fresh_until: float
    beside: Sequence[Row] = ()
    instead: Mapping[int, Row] = field(default_factory=dict)
    instead_as_of: int = 0

    def changed(self, snapshot: Snapshot) -> dict[int, Row]:
        """The rows that take the place of a state's own, by their ids."""
        seen = snapshot.seen(sorted(self.instead)) if self.instead else {}
        return {
            id_: row for id_, row in self.instead.items() if seen.get(id_, -1) < self.instead_as_of
        }


@dataclass(frozen=True)
class _Modified:
    """What was modified since some second, among what was created in some spans."""

    since: int
    spans: Sequence[Interval]
    rows: Mapping[int, Row]
    as_of: int
    fresh_until: float


def planned(
    covered: Sequence[Coverage], wanted: Iterable[Interval], now: int, ages: MaxAges
) -> Plan:
    """Sort the seconds that are wanted by what the archive knows of them.

    Args:
        covered: What the archive covers.
        wanted: Seconds of creation; they may overlap.
        now: The present second, epoch UTC.
        ages: How old the archive's knowledge may be.
    """
    spans = intervals.union(wanted)
    young = intervals.intersection(_at(spans), intervals.usable(covered, now, ages))
    rest = intervals.difference(spans, (span for span, _ in young))
    aged = intervals.intersection(_at(rest), covered)
    gaps = intervals.difference(rest, (span for span, _ in aged))
    young_for = min(
        (each.as_of + intervals.lifetime(each, ages) - now for each in young), default=_NOW
    )
    return Plan(covered, young, aged, gaps, young_for)


def local(plan: Plan) -> Patch:
    """Nothing is to be added."""
    as_of = min(known.as_of for known in plan.young)
    fresh_until = clock.elapsed() + min(_KEPT, plan.young_for)
    return Patch([span for span, _ in plan.young], as_of, fresh_until)


class Completer:
    """Brings from upstream what a plan lacks.

    What was modified since is remembered for as long as recent conversations may be: one reading
    serves many questions.

    Args:
        archive: The archive that is completed.
        live: Where to ask.
        ages: How old knowledge may be.
    """

    def __init__(self, archive: Archive, live: LiveSource, ages: MaxAges) -> None:
        self._archive = archive
        self._live = live
        self._ages = ages
        self._lock = threading.Lock()
        self._last: _Modified | None = None

    def complete(self, plan: Plan, need: ConversationQuery, progress: Progress) -> Patch:
        """Ask for what was modified among what is too old, and for all that is not covered.

        Raises:
            UpstreamError: Upstream fails, or its answers do not settle.
        """
        gaps, aged = list(plan.gaps), [span for span, _ in plan.aged]
        fresh_until = clock.elapsed() + min(self._ages.recent, plan.young_for)
        patch = Patch([span for span, _ in plan.young], _NOW, fresh_until)
        if aged:
            since = min(known.as_of for known in plan.aged) - MARGIN
            modified = self._all_that_happened(since, aged, progress)
            if modified:
                patch = replace(
                    patch,
                    held=intervals.union([*patch.held, *aged]),
                    instead=_created_in(aged, modified.rows),
                    instead_as_of=modified.as_of,
                    as_of=modified.as_of,
                    fresh_until=min(patch.fresh_until, modified.fresh_until),
                )
            else:
                gaps += aged
        if gaps:
            found = self._live.rows(replace(need, created=tuple(intervals.union(gaps))), progress)
            patch = replace(
                patch,
                beside=found.rows,
                as_of=min(patch.as_of, found.as_of),
                fresh_until=min(patch.fresh_until, found.fresh_until),
            )
        return replace(patch, as_of=min([patch.as_of, *(known.as_of for known in plan.young)]))

    def _all_that_happened(
        self, since: int, spans: Sequence[Interval], progress: Progress
    ) -> _Modified | None:
        """What was modified, if the totals say that nothing else has happened.

        What was deleted, or merged into another, was not modified: only totals show it. They are
        asked for first. Then whatever came until they were told is met in the walk, which can
        only find more than they tell; so if both are the same, nothing was deleted before, in no
        part of the spans. Asked for later, what came meanwhile could make up for it.
        """
        last = self._remembered(since, spans)
        if last:
            return last
        fresh_until = clock.elapsed() + self._ages.recent
        totals = [self._live.total(span, progress) for span in spans]
        fetched = self._live.modified(since, spans, progress)
        rows = {row.id: row for row in fetched.rows}
        as_of = min(fetched.as_of, *(total.asked_at for total in totals))
        modified = _Modified(since, spans, rows, as_of, fresh_until)
        with self._archive.reading() as snapshot:
            expected = [_total(snapshot, span, modified) for span in spans]
        if expected != [total.value.page.total_elements for total in totals]:
            return None
        with self._lock:
            self._last = modified
        return modified

    def _remembered(self, since: int, spans: Sequence[Interval]) -> _Modified | None:
        with self._lock:
            last = self._last
        fits = (
            last is not None
            and last.fresh_until > clock.elapsed()
            and last.since <= since
            and not intervals.difference(spans, last.spans)
        )
        return last if fits else None


def _total(snapshot: Snapshot, span: Interval, modified: _Modified) -> int | None:
    """What upstream's total of a span must be; None if nobody knows whether it tells of spam."""
    patch = Patch((), 0, 0, instead=modified.rows, instead_as_of=modified.as_of)
    changed = _created_in([span], patch.changed(snapshot))
    outdated = snapshot.rows_of(sorted(changed)) if changed else []
    held = {
        spam: queries.held(snapshot, Part(span, spam=spam))
        + _listed(changed.values(), spam=spam)
        - _listed(outdated, spam=spam)
        for spam in (True, False)
    }
    drift = sum(
        each.rows
        for each in offsets.inside(offsets.read(snapshot.note(offsets.NOTE)), span, spam=False)
        if each.mailbox == offsets.EVERY
    )
    shown = snapshot.note(ALL_LISTS_SPAM)
    if shown is None and held[True]:
        return None
    return held[False] + (held[True] if shown else 0) + drift


def _listed(rows: Iterable[Row], *, spam: bool) -> int:
    return sum((row.status == "spam") is spam for row in rows)


def _created_in(spans: Sequence[Interval], rows: Mapping[int, Row]) -> dict[int, Row]:
    return {
        id_: row
        for id_, row in rows.items()
        if any(span.first <= row.created <= span.last for span in spans)
    }


def _at(spans: Iterable[Interval]) -> list[Coverage]:
    return [Coverage(span, _NOW) for span in spans]

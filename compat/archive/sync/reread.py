"""Reading again what is covered: equal totals prove nothing, so every row has its turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compat.archive.sync import queries
from compat.archive.sync.backfill import ROWS
from compat.archive.sync.queries import Part
from compat.archive.sync.session import SyncSession
from compat.archive.sync.window_reader import READ, read
from compat.core import intervals
from compat.core.intervals import Coverage, Interval

TURN: Final = "reread until"
"""The note on how far the rotation has come: up to this second its share is done."""

_DAY: Final = 86_400
_WORTH: Final = 25
"""Fewer rows than fill a page are left for a later run."""


def reread(work: SyncSession) -> None:
    """Read everything again if that is wished, else what is due by now.

    Raises:
        LossAhead: Too much is missing.
    """
    if work.wish.verify:
        _everything(work)
        with work.writing() as writer:
            writer.set_note(TURN, work.now)
    else:
        _due(work)


def _everything(work: SyncSession) -> None:
    """All that is covered of what is wanted, newest first."""
    with work.reading() as snapshot:
        spans = _within(work, snapshot.coverage())
        work.progress.expected = sum(queries.held(snapshot, Part(span)) for span in spans)
    for span in reversed(spans):
        for window in _windows(work, span):
            read(work, window, again=True)


def _within(work: SyncSession, covered: list[Coverage]) -> list[Interval]:
    if work.wanted is None:
        return []
    wanted = [Coverage(work.wanted, work.now)]
    return intervals.union(known.interval for known in intervals.intersection(wanted, covered))


def _windows(work: SyncSession, span: Interval) -> Iterator[Interval]:
    """A span in windows of about the same number of rows, newest first."""
    while span.first <= span.last:
        with work.reading() as snapshot:
            window = queries.newest(snapshot, span, ROWS)
        yield window
        span = Interval(span.first, window.first - 1)


def _due(work: SyncSession) -> None:
    """What was read longest ago, as much of it as the days since the last time are worth."""
    with work.reading() as snapshot:
        size, done = snapshot.conversation_count(), snapshot.get_note(TURN)
    whole = work.wish.reread_days * _DAY
    if done is None or not size:
        _note(work, work.now)
        return
    done = max(done, work.now - whole)
    while (rows := (work.now - done) * size // whole) >= _WORTH:
        window = _oldest(work, min(rows, ROWS))
        if window is None:
            _note(work, work.now)
            return
        with work.reading() as snapshot:
            worth = max(queries.held(snapshot, Part(window)), 1)
        read(work, window, again=True)
        done = min(done + worth * whole // size + 1, work.now)
        _note(work, done)


def _oldest(work: SyncSession, rows: int) -> Interval | None:
    """About so many rows of the stretch that was read longest ago; None if all is fresh."""
    with work.reading() as snapshot:
        known = intervals.intersection(snapshot.layer_coverage(READ), _fresh(snapshot.coverage()))
        oldest = min(known, key=lambda each: each.as_of, default=None)
        if oldest is None or oldest.as_of >= work.now:
            return None
        return queries.newest(snapshot, oldest.interval, rows)


def _fresh(covered: list[Coverage]) -> list[Coverage]:
    """The same seconds, so young that whatever they are compared with is older."""
    return [known._replace(as_of=known.as_of + 10**12) for known in covered]


def _note(work: SyncSession, done: int) -> None:
    with work.writing() as writer:
        writer.set_note(TURN, done)

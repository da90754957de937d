"""Reads again what is covered, because equal totals do not prove that conversations are equal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from compat.archive.sync import queries
from compat.archive.sync.backfill import READ, ROWS, read_window
from compat.archive.sync.queries import Part
from compat.archive.sync.session import SyncSession
from compat.core import intervals
from compat.core.intervals import Coverage, Interval

REREAD_UNTIL: Final = "reread until"
"""The name of the note that says up to which second the share of each day has been read again."""

_DAY: Final = 86_400
_FEWEST_ROWS: Final = 25
"""A share of fewer conversations, which would not fill a page, is left for a later run."""


def reread(session: SyncSession) -> None:
    """Read everything again if the options say so, else the share that is due.

    Raises:
        LossAhead: Too much is missing.
    """
    if session.options.verify:
        _reread_everything(session)
        _note_done(session, session.started_at)
    else:
        _reread_share(session)


def _reread_everything(session: SyncSession) -> None:
    """Read again all that is wanted and covered, newest first."""
    with session.reading() as snapshot:
        spans = _wanted_of(session, snapshot.coverage())
        session.expected = sum(queries.count(snapshot, Part(interval)) for interval in spans)
    for interval in reversed(spans):
        for window in _windows(session, interval):
            read_window(session, window, again=True)


def _wanted_of(session: SyncSession, covered: list[Coverage]) -> list[Interval]:
    if session.wanted is None:
        return []
    wanted = [Coverage(session.wanted, session.started_at)]
    return intervals.union(known.interval for known in intervals.intersection(wanted, covered))


def _windows(session: SyncSession, interval: Interval) -> Iterator[Interval]:
    """An interval in windows with about the same number of conversations, newest first."""
    while interval.first <= interval.last:
        with session.reading() as snapshot:
            window = queries.newest_window(snapshot, interval, ROWS)
        yield window
        interval = Interval(interval.first, window.first - 1)


def _reread_share(session: SyncSession) -> None:
    """Read again what was read longest ago, as much as the time since the last share asks for."""
    with session.reading() as snapshot:
        size, done = snapshot.conversation_count(), snapshot.get_note(REREAD_UNTIL)
    now, whole = session.started_at, session.options.reread_days * _DAY
    if done is None or not size:
        _note_done(session, now)
        return
    done = max(done, now - whole)
    while (due := (now - done) * size // whole) >= _FEWEST_ROWS:
        window = _window_read_longest_ago(session, min(due, ROWS))
        if window is None:
            _note_done(session, now)
            return
        with session.reading() as snapshot:
            rows = max(queries.count(snapshot, Part(window)), 1)
        read_window(session, window, again=True)
        done = min(done + rows * whole // size + 1, now)
        _note_done(session, done)


def _window_read_longest_ago(session: SyncSession, rows: int) -> Interval | None:
    """About so many conversations that were read longest ago; None if all were read in this run.

    What was imported, or read by a run that was killed before it looked for what is gone, counts
    as never read.
    """
    with session.reading() as snapshot:
        now = session.requested_at  # as of now: what is read is as old as its own layer says
        covered = [Coverage(known.interval, now) for known in snapshot.coverage()]
        read = intervals.intersection(snapshot.layer_coverage(READ), covered)
        never = intervals.difference(
            (known.interval for known in covered), (known.interval for known in read)
        )
        every = [*read, *(Coverage(interval, 0) for interval in never)]
        oldest = min(every, key=lambda each: each.as_of, default=None)
        if oldest is None or oldest.as_of >= session.started_at:
            return None
        return queries.newest_window(snapshot, oldest.interval, rows)


def _note_done(session: SyncSession, until: int) -> None:
    with session.writing() as writer:
        writer.set_note(REREAD_UNTIL, until)

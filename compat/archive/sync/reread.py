"""Reads again what is covered, because equal totals do not prove that conversations are equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from compat.archive.records import LAYERS
from compat.archive.sync import queries
from compat.archive.sync.backfill import LISTED, READ, ROWS, read_windows
from compat.archive.sync.queries import Part
from compat.archive.sync.session import SyncSession
from compat.core import intervals
from compat.core.intervals import Coverage, Interval

REREAD_UNTIL: Final = "reread until"
"""The name of the note that says up to which second the share of each day has been read again."""

VERIFY_SINCE: Final = "verify since"
"""The name of the note that says when a run began to read everything again, epoch seconds by
upstream's clock, while that is not finished; what was read since then is not read once more."""

_VERIFY_DAYS: Final = 7
"""Reading everything again begins anew if it was begun longer ago, in days."""

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
    else:
        _reread_share(session)


def _reread_everything(session: SyncSession) -> None:
    """Read again all that is wanted and covered, newest first.

    If an earlier run began this and was killed, what it has read is not read once more.
    """
    with session.reading() as snapshot:
        spans = _wanted_of(session, snapshot.coverage())
        since = snapshot.get_note(VERIFY_SINCE)
    if since is None or since < session.started_at - _VERIFY_DAYS * _DAY:
        since = session.started_at
        _begin_verification(session, spans)
    with session.reading() as snapshot:
        read = [known.interval for known in snapshot.layer_coverage(READ) if known.as_of >= since]
        spans = intervals.difference(spans, read)
        session.expected = sum(queries.count(snapshot, Part(interval)) for interval in spans)
    windows = [each for span in reversed(spans) for each in windows_of_rows(session, span)]
    read_again(session, windows)
    with session.writing() as writer:
        writer.set_note(VERIFY_SINCE, None)
        writer.set_note(REREAD_UNTIL, session.started_at)


def _begin_verification(session: SyncSession, spans: Sequence[Interval]) -> None:
    """Note that what is read from now on is verified, and nothing is that was read before."""
    since = session.started_at
    with session.reading() as snapshot:
        read = [known for known in snapshot.layer_coverage(READ) if known.as_of >= since]
    with session.writing() as writer:
        for interval, _ in read:  # in the same second
            writer.remove_coverage(interval, [READ])
            writer.add_coverage(READ, Coverage(interval, since - 1))
        for interval in spans:
            writer.remove_coverage(interval, LISTED.values())
        writer.set_note(VERIFY_SINCE, since)


def read_again(
    session: SyncSession,
    windows: Sequence[Interval],
    on_read: Callable[[Interval], None] = lambda _: None,
) -> None:
    """Read windows again, except the lists of them that a run which was killed has read."""
    with session.reading() as snapshot:
        listed = {
            layer: [known.interval for known in snapshot.layer_coverage(LISTED[layer])]
            for layer in LAYERS
        }
    read_windows(session, windows, listed, on_read)


def _wanted_of(session: SyncSession, covered: list[Coverage]) -> list[Interval]:
    if session.wanted is None:
        return []
    wanted = [Coverage(session.wanted, session.started_at)]
    return intervals.union(known.interval for known in intervals.intersection(wanted, covered))


def windows_of_rows(session: SyncSession, interval: Interval) -> Iterator[Interval]:
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
    due = (now - done) * size // whole
    windows = list(_windows_read_longest_ago(session, due))

    def note_share(window: Interval) -> None:
        nonlocal done
        with session.reading() as snapshot:
            rows = max(queries.count(snapshot, Part(window)), 1)
        done = min(done + rows * whole // size + 1, now)
        _note_done(session, done)

    read_again(session, [window for window, _ in windows], note_share)
    if due - sum(rows for _, rows in windows) >= _FEWEST_ROWS:  # all was read in this run
        _note_done(session, now)


def _windows_read_longest_ago(session: SyncSession, due: int) -> Iterator[tuple[Interval, int]]:
    """Windows with about so many conversations that were read longest ago, and how many each has.

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
    for interval, as_of in sorted(every, key=lambda each: each.as_of):
        if as_of >= session.started_at:
            return
        rest = interval
        while rest.first <= rest.last and due >= _FEWEST_ROWS:
            with session.reading() as snapshot:
                window = queries.newest_window(snapshot, rest, min(due, ROWS))
                rows = max(queries.count(snapshot, Part(window)), 1)
            yield window, rows
            due -= rows
            rest = Interval(rest.first, window.first - 1)


def _note_done(session: SyncSession, until: int) -> None:
    with session.writing() as writer:
        writer.set_note(REREAD_UNTIL, until)

"""Reads recent threads first, so that recent questions are answered early in a first fill.

A thread of the last month may be in a conversation of any age, but it has modified it. So the
conversations that were modified in the last month have all threads of that month. They are read
before the others, and then those of the rest of the last quarter.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Final

from compat.archive.records import INDEX_LAG, RECENT_THREADS, THREADS_KNOWN
from compat.archive.sync import queries
from compat.archive.sync.backfill import LISTS, ROWS
from compat.archive.sync.deletions import look_up
from compat.archive.sync.lists import read_users
from compat.archive.sync.pages import read_pages, rows_of
from compat.archive.sync.session import WHOLE, SyncSession
from compat.archive.sync.threads import list_threads_of, read_until_settled
from compat.core.calendar import DAY
from compat.core.intervals import Interval
from compat.core.models import ListQuery
from compat.upstream import to_window
from compat.v2.lanes import UnreadWindow
from compat.v2.search import Selection

_STEPS: Final = (31 * DAY, 92 * DAY)
"""How old the threads are that each step reads, at most, in seconds: a month, and a quarter."""

_FEWEST: Final = ROWS
"""An account with no more conversations is read in a few minutes, and needs no steps."""

_SHARE: Final = 4
"""Steps read one conversation in so many, at most: each of them is read again with all others."""

_BEGUN: Final = "recent threads begun"
"""The name of the note that a run leaves which was stopped in a step."""


def is_first_fill(session: SyncSession) -> bool:
    """Whether the run is to read all conversations with threads, and no run has finished that."""
    if not session.keeps_threads or session.lost_mailboxes or session.wanted is None:
        return False
    with session.reading() as snapshot:
        done = snapshot.get_note(THREADS_KNOWN) is not None
    return not done and session.wanted == Interval(WHOLE.first, session.started_at - INDEX_LAG)


def read_recent_threads(session: SyncSession) -> None:
    """Read the threads of the last month and then of the last quarter, if that pays.

    Nothing is read twice for it if an earlier run has done it. If one was stopped meanwhile, this
    one goes on with the fill: repeated runs that are stopped early would else make no progress.

    Raises:
        LossAhead: Too many conversations are missing.
    """
    completes_recent_threads(session)(WHOLE)
    with session.reading() as snapshot:
        was_stopped = snapshot.get_note(_BEGUN) is not None
    if was_stopped:
        _note_begun(session, begun=False)
        return
    steps = _worthwhile_steps(session)
    if not steps:
        return
    _note_begun(session, begun=True)
    for modified, as_of in steps:
        if not _read_step(session, modified, as_of):
            break
    _note_begun(session, begun=False)
    with session.reading() as snapshot:
        is_known = snapshot.recent_threads() is not None
        has_users = snapshot.list_seen_at(ListQuery("users")) is not None
    if is_known and not has_users:  # reports on users need them
        read_users(session)


def completes_recent_threads(session: SyncSession) -> Callable[[Interval], None]:
    """Returns what lists the recent threads that are not known any more, such as those of chats.

    While there is one, no question is answered. It is called whenever a window was read.
    """
    unreadable: set[int] = set()

    def complete(_window: Interval) -> None:
        with session.reading() as snapshot:
            recent = snapshot.recent_threads()
            unread = [] if recent is None else snapshot.unread_in(recent.interval)
        if ids := sorted(set(unread) - unreadable):
            list_threads_of(session, ids)
            with session.reading() as snapshot:
                unreadable.update(snapshot.unread_among(ids))

    return complete


def _worthwhile_steps(session: SyncSession) -> list[tuple[Interval, int]]:
    """The steps that were not taken yet, and pay.

    Returns:
        For each, in which seconds conversations were last modified that it reads; and as of when
        the archive knows recent threads, epoch seconds by upstream's clock.
    """
    with session.reading() as snapshot:
        recent = snapshot.recent_threads()
    as_of = session.requested_at if recent is None else recent.as_of
    known = as_of - INDEX_LAG if recent is None else recent.interval.first
    firsts = [as_of - each for each in _STEPS if as_of - each < known]
    if not firsts:
        return []
    whole = session.first_page(Selection(), WHOLE).page.total_elements
    if whole <= _FEWEST:
        return []
    modified = [(Selection(modified_since=first), WHOLE) for first in firsts]
    pages = session.first_pages(modified)
    steps = []
    for first, page in zip(firsts, pages, strict=True):
        if page.page.total_elements * _SHARE <= whole:
            # The index may hold fractions of the second that two steps share.
            steps.append((Interval(first, known), as_of))
            known = first
    return steps


def _read_step(session: SyncSession, modified: Interval, as_of: int) -> bool:
    """Read the conversations that were last modified in an interval, and what changed since.

    What is modified while the list is read leaves it, to be found among what changed. What the
    archive held before, and was not seen, is looked up: it may be gone.

    Args:
        session: The run.
        modified: The interval. What was modified after it was read in another step, or is among
            what changed.
        as_of: When the reading of recent threads began, epoch seconds by upstream's clock.

    Returns:
        Whether all of these threads are known now, which is noted.
    """
    began = session.requested_at
    touched = Interval(modified.first, as_of - INDEX_LAG)
    _read_lists(session, modified)
    with session.reading() as snapshot:
        not_seen = snapshot.not_seen_in(touched, as_of)
    look_up(session, not_seen)

    def unread() -> list[int]:
        with session.reading() as snapshot:
            read = queries.unread_seen_since(snapshot, began)
            return sorted({*read, *snapshot.unread_in(touched)})

    settled = read_until_settled(session, as_of, lambda: list_threads_of(session, unread()))
    if not settled or session.not_stored or unread():
        return False
    with session.writing() as writer:
        writer.set_note(RECENT_THREADS, {"since": modified.first, "as_of": as_of})
    return True


def _read_lists(session: SyncSession, modified: Interval) -> None:
    """Read the lists of what was last modified in an interval."""
    first, last = modified
    lists = {
        layer: replace(each, modified_since=first, modified_until=last)
        for layer, each in LISTS.items()
    }
    with closing(read_pages(session, lists, [UnreadWindow(to_window(WHOLE))])) as groups:
        for pages in groups:
            with session.writing() as writer:
                session.write_rows(writer, rows_of(pages), modified=True)
            for page in pages:
                session.page_written(len(page.rows), page.left)


def _note_begun(session: SyncSession, *, begun: bool) -> None:
    with session.writing() as writer:
        writer.set_note(_BEGUN, True if begun else None)

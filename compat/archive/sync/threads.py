"""Keeps the threads of conversations: what is read of them beside the lists of conversations."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Final

from compat.archive.database import Archive
from compat.archive.locks import SyncLock
from compat.archive.records import INDEX_LAG, THREADS_KNOWN
from compat.archive.repository import batches
from compat.archive.sync import queries
from compat.archive.sync.backfill import LISTED, LISTS, READ_WITH_THREADS
from compat.archive.sync.deletions import look_up
from compat.archive.sync.pages import read_pages, rows_of
from compat.archive.sync.reread import read_again, windows_of_rows
from compat.archive.sync.session import WHOLE, SyncSession
from compat.core import intervals
from compat.core.intervals import Interval
from compat.upstream import to_window
from compat.v2.changes import ChangesReader
from compat.v2.errors import InconsistentData, MalformedData
from compat.v2.lanes import UnreadWindow
from compat.v2.lists import Missing
from compat.v2.models import FullConversation
from compat.v2.pagination import Batch, Paginator
from compat.v2.search import Selection
from compat.v2.threads import ThreadList, list_threads

_RATED_WITHIN: Final = 30 * 86_400
"""How long after a reply a rating of it is expected, in seconds."""

_ROUNDS: Final = 20

_BATCH: Final = 500
"""Of how many conversations at a time the threads are listed."""


def set_threads_kept(archive: Archive, lock: SyncLock, *, kept: bool) -> None:
    """Let an archive keep threads from now on, or erase them and keep none; nothing if it does.

    All conversations that it holds are to be read again if it is to keep threads.
    """
    with archive.reading() as snapshot:
        if snapshot.sealed_at is not None or snapshot.keeps_threads is kept:
            return
    with archive.writing(lock) as writer:
        writer.keep_threads(kept=kept)
        writer.set_note(THREADS_KNOWN, None)
        # What a run that was killed has listed was listed without threads.
        writer.remove_coverage(WHOLE, [*LISTED.values(), READ_WITH_THREADS])


def complete_threads(session: SyncSession, on_read: Callable[[Interval], None]) -> None:
    """Read the threads that are not known completely.

    Conversations that were never read with threads are read again window by window, newest first.
    The threads of those that are left are listed, such as chats.

    Args:
        session: The run.
        on_read: Called with each part of a window that was read completely.

    Raises:
        LossAhead: Too many conversations are missing.
    """
    _read_windows(session, on_read)
    list_unread_threads(session)


def read_recent(session: SyncSession) -> None:
    """Read again what was last modified in the last 30 days, except what this run has read.

    A customer may rate a reply long after it was sent, and it is not documented that a rating
    modifies the conversation; a reply does. Lists of chats that are unchanged are not read again.
    """
    since = session.started_at - _RATED_WITHIN
    if session.as_of_at_start is None or session.as_of_at_start - INDEX_LAG <= since:
        return
    until = session.as_of_at_start - INDEX_LAG - 1
    selection = Selection(modified_since=since, modified_until=until)
    with session.reading() as snapshot:
        spans = intervals.union(known.interval for known in snapshot.coverage())
    windows = [UnreadWindow(to_window(Interval(spans[0].first, spans[-1].last)))]
    with closing(read_pages(session, {"all": selection}, windows, within=spans)) as groups:
        for pages in groups:
            with session.writing() as writer:
                session.write_rows(writer, rows_of(pages))
            for page in pages:
                session.page_written(len(page.rows), page.left)


def settle(session: SyncSession) -> None:
    """Read what changed while the run was reading, until all is known as it was at one time.

    The archive then knows all threads that were created before the run, or rather before the
    oldest reading of what was modified, less the time that upstream's index lags. If
    conversations are merged faster than they can be read, it knows what it knew before. It never
    knows them if conversations before some time are not stored, since a thread of any time may
    be in one of them.

    Raises:
        LossAhead: Too many conversations are missing.
    """
    with session.reading() as snapshot:
        covered = snapshot.coverage()
        if snapshot.kept_since is not None or not covered:
            return
    if covered[0].interval.first > WHOLE.first:
        return
    as_of = min(known.as_of for known in covered)
    if read_until_settled(session, as_of, lambda: list_unread_threads(session)):
        with session.writing() as writer:
            writer.set_note(THREADS_KNOWN, as_of)
            writer.forget_recent_threads()


def read_until_settled(session: SyncSession, started: int, complete: Callable[[], bool]) -> bool:
    """Read what was modified since a second, until all of it was seen as it was at one time.

    Args:
        session: The run.
        started: When the reading began that this one completes, epoch seconds by upstream's clock.
        complete: Lists the threads that are not known completely. Returns whether all of their
            conversations were still there.

    Returns:
        Whether it was; not if conversations are merged faster than they can be read.

    Raises:
        LossAhead: Too many conversations are missing.
    """
    for _ in range(_ROUNDS):
        since = started - INDEX_LAG
        started = min(_read_changes(session, each, since) for each in LISTS.values())
        if complete():
            return True
    return False


def _read_changes(session: SyncSession, selection: Selection, since: int) -> int:
    """Read all of a list that was modified since a second; returns when that began."""

    def paginator(first: int, last: int) -> Paginator[FullConversation]:
        return session.paginator(replace(selection, modified_since=first, modified_until=last))

    def write(batch: Batch[FullConversation]) -> None:
        # Also what is not covered yet: it may have threads of a conversation that is.
        requested_at = session.note_time(batch.requested_at)
        with session.writing() as writer:
            rows = [(row, requested_at) for row in batch.rows]
            session.write_rows(writer, rows, modified=True)
        session.page_written(len(batch.rows), batch.expected)

    return ChangesReader(paginator, write).read(since)


def list_unread_threads(session: SyncSession) -> bool:
    """List the threads of conversations of which not all are known, those created last first.

    Returns:
        Whether all conversations were still there. The threads of the others may be in another
        conversation now.

    Raises:
        LossAhead: Too many conversations are missing.
    """
    with session.reading() as snapshot:
        session.expected = session.received + snapshot.unread_thread_count()
    all_there = True
    tried: set[int] = set()
    while ids := _unread(session, tried):
        tried.update(ids)
        all_there = list_threads_of(session, ids) and all_there
    return all_there


def list_threads_of(session: SyncSession, ids: Sequence[int]) -> bool:
    """List the threads of some stored conversations.

    Returns:
        As `list_unread_threads`.

    Raises:
        LossAhead: Too many conversations are missing.
    """
    all_there = True
    for some in batches(ids):
        with session.reading() as snapshot:
            seen = snapshot.seen_at(some)
        with closing(_lists(session, [id_ for id_ in some if id_ in seen])) as lists:
            for id_, found in lists:
                if isinstance(found, Missing):
                    all_there = False
                    look_up(session, [id_])
                elif found is not None:
                    _save(session, id_, found, seen[id_])
    return all_there


def _read_windows(session: SyncSession, on_read: Callable[[Interval], None]) -> None:
    """Read again the windows that were never read with threads."""
    with session.reading() as snapshot:
        covered = [known.interval for known in snapshot.coverage()]
        read = [known.interval for known in snapshot.layer_coverage(READ_WITH_THREADS)]
    windows = []
    for span in reversed(intervals.difference(covered, read)):
        for window in windows_of_rows(session, span):
            with session.reading() as snapshot:
                if queries.has_unread_threads(snapshot, window):
                    windows.append(window)
    read_again(session, windows, on_read)


def _unread(session: SyncSession, tried: set[int]) -> list[int]:
    """The next conversations whose threads are to be listed."""
    with session.reading() as snapshot:
        found = snapshot.unread_threads(len(tried) + _BATCH)
    return [id_ for id_, _ in found if id_ not in tried][:_BATCH]


def _lists(
    session: SyncSession, ids: Sequence[int]
) -> Generator[tuple[int, ThreadList | Missing | None], None, None]:
    """The threads of some conversations, several lists at a time; None if one is unreadable."""
    waiting: deque[tuple[int, Future[ThreadList | Missing]]] = deque()
    pool = ThreadPoolExecutor(session.parallel, thread_name_prefix="threads")
    try:
        for id_ in ids:
            reading = pool.submit(list_threads, session.client, id_, session.check_stopped)
            waiting.append((id_, reading))
            if len(waiting) >= session.parallel:
                yield _result(session, *waiting.popleft())
        while waiting:
            yield _result(session, *waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _result(
    session: SyncSession, id_: int, reading: Future[ThreadList | Missing]
) -> tuple[int, ThreadList | Missing | None]:
    try:
        found = reading.result()
    except (InconsistentData, MalformedData) as error:
        session.emit("threads unreadable", conversation=id_, why=str(error))
        return id_, None
    session.note_time(found.requested_at)
    return id_, found


def _save(session: SyncSession, id_: int, found: ThreadList, seen: int) -> None:
    """Write a conversation's threads, except those that are newer than what is stored of it."""
    known = session.known_threads(id_, found, seen)
    if known is not None:
        with session.writing() as writer:
            writer.save_threads(id_, known)
        session.threads_written(id_)

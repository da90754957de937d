"""Keeps the threads of conversations: what is read of them beside the lists of conversations."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Final

from compat.archive.database import Archive
from compat.archive.locks import SyncLock
from compat.archive.records import THREADS_KNOWN, ShownThreads
from compat.archive.sync import queries
from compat.archive.sync.backfill import LISTED, READ_WITH_THREADS
from compat.archive.sync.deletions import look_up
from compat.archive.sync.reread import read_again, windows_of_rows
from compat.archive.sync.session import WHOLE, SyncSession
from compat.core import intervals
from compat.upstream import to_threads
from compat.v2.errors import InconsistentData, MalformedData
from compat.v2.lists import Missing
from compat.v2.threads import ThreadList, list_threads

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


def complete_threads(session: SyncSession) -> None:
    """Read the threads that are not known completely.

    Conversations that were never read with threads are read again window by window, newest first.
    The threads of those that are left are listed, such as chats.

    Raises:
        LossAhead: Too many conversations are missing.
    """
    _read_windows(session)
    list_unread_threads(session)


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
        with session.reading() as snapshot:
            seen = snapshot.seen_at(ids)
        with closing(_lists(session, ids)) as lists:
            for id_, found in lists:
                if isinstance(found, Missing):
                    all_there = False
                    look_up(session, [id_])
                elif found is not None:
                    _save(session, id_, found, seen[id_])
    return all_there


def _read_windows(session: SyncSession) -> None:
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
    read_again(session, windows)


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
    try:
        threads = to_threads(id_, found.threads)
    except MalformedData as error:
        session.emit("threads unreadable", conversation=id_, why=str(error))
        return
    known = tuple(thread for thread in threads if thread.created <= seen)
    with session.writing() as writer:
        writer.save_threads(id_, ShownThreads(known, complete=True, seen=seen))
    session.threads_written(id_)

"""Keeps the threads of conversations: what is read of them beside the lists of conversations."""

from __future__ import annotations

from compat.archive.database import Archive
from compat.archive.locks import SyncLock
from compat.archive.records import THREADS_KNOWN
from compat.archive.sync.backfill import LISTED, READ_WITH_THREADS
from compat.archive.sync.session import WHOLE


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

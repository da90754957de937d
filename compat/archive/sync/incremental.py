"""Reads what was modified since the archive was last up to date."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from compat.archive.records import INDEX_LAG, LAYERS
from compat.archive.sync.backfill import LISTS, SpamOnLists
from compat.archive.sync.pages import read_pages, rows_of
from compat.archive.sync.session import SyncSession
from compat.core import intervals
from compat.core.intervals import Interval
from compat.upstream import to_window
from compat.v2.lanes import UnreadWindow


def read_modified(session: SyncSession) -> None:
    """Read what was modified, if the archive is older than the margin.

    A younger archive waits for the end of the run: a first run that is killed repeatedly would
    otherwise begin with this each time, and make no progress.
    """
    if session.started_at - _oldest_as_of(session) > INDEX_LAG:
        _read_modified(session)


def read_modified_at_end(session: SyncSession) -> None:
    """Read what was modified, if the first step left that, or if the run took long since then."""
    oldest = _oldest_as_of(session)
    if oldest < session.started_at or session.requested_at - oldest > INDEX_LAG:
        _read_modified(session)


def _oldest_as_of(session: SyncSession) -> int:
    """The lowest *as of* of what is covered; the present if nothing is."""
    with session.reading() as snapshot:
        return min((known.as_of for known in snapshot.coverage()), default=session.requested_at)


def _read_modified(session: SyncSession) -> None:
    """Read what was modified since the lowest *as of* of what is covered, less the margin.

    The lists of all layers are read in their order, so a conversation that is marked as spam
    meanwhile, or unmarked, is on one of them. Each page is committed together with the new *as
    of* of what it completes, so a killed run loses at most one page of each worker.
    """
    with session.reading() as snapshot:
        covered = {layer: snapshot.layer_coverage(layer) for layer in LAYERS}
    every = [known for layer in LAYERS for known in covered[layer]]
    since = min(known.as_of for known in every) - INDEX_LAG
    spans = intervals.union(known.interval for known in every)
    windows = [UnreadWindow(to_window(Interval(spans[0].first, spans[-1].last)))]
    lists = {layer: replace(each, modified_since=since) for layer, each in LISTS.items()}
    spam = SpamOnLists(session)
    with closing(read_pages(session, lists, windows, within=spans)) as groups:
        for pages in groups:
            with session.writing() as writer:
                session.write_rows(writer, rows_of(pages), modified=True)
                for page in pages:
                    for known in covered[page.layer]:
                        if proven := page.covered(known.interval):
                            session.add_coverage(writer, page.layer, proven)
            for page in pages:
                session.page_written(len(page.rows), page.left)
                spam.add(page)

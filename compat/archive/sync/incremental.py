"""Seeing again what was modified since the archive was last true."""

from __future__ import annotations

from compat.archive.records import INDEX_LAG, LAYERS
from compat.archive.sync.session import SyncSession
from compat.archive.sync.window_reader import STATUS, note_what_shows
from compat.archive.writer import Writer
from compat.core import intervals
from compat.core.intervals import Coverage, Interval
from compat.v2.search import Selection


def catch_up(work: SyncSession) -> None:
    """See what was modified, if the archive is older than the margin.

    One that is younger is mended at the end of the run: a first run that is killed again and
    again is to come to an end.
    """
    if work.now - _oldest(work) > INDEX_LAG:
        _catch_up(work)


def catch_up_at_last(work: SyncSession) -> None:
    """The same if that was left for now, or if the steps before took longer than the margin."""
    oldest = _oldest(work)
    if oldest < work.now or work.latest - oldest > INDEX_LAG:
        _catch_up(work)


def _oldest(work: SyncSession) -> int:
    """The lowest as-of of any covered stretch."""
    with work.reading() as snapshot:
        return min((known.as_of for known in snapshot.coverage()), default=work.latest)


def _catch_up(work: SyncSession) -> None:
    """Walk what was modified since the lowest as-of of any covered stretch, less the margin.

    In all layers, as when it was first read: what is marked as spam meanwhile, or unmarked, is
    met in one of them. Coverage becomes younger page by page, so a kill loses one of them.
    """
    with work.reading() as snapshot:
        covered = {layer: snapshot.layer_coverage(layer) for layer in LAYERS}
    every = [known for layer in LAYERS for known in covered[layer]]
    since = min(known.as_of for known in every) - INDEX_LAG
    spans = intervals.union(known.interval for known in every)
    hull = Interval(spans[0].first, spans[-1].last)
    spam = {}
    for layer in LAYERS:
        selection = Selection(status=STATUS[layer], modified_since=since)
        mine = [known.interval for known in covered[layer]]
        spam[layer] = work.walk(selection, hull, _Younger(layer, mine), spans=spans).spam
    note_what_shows(work, spam, whole=True)


class _Younger:
    """Makes the coverage of a layer younger, as far as a walk has come.

    Args:
        layer: The layer.
        spans: What is covered in it.
    """

    def __init__(self, layer: str, spans: list[Interval]) -> None:
        self._layer = layer
        self._left = spans

    def __call__(self, writer: Writer, complete: int, began: int) -> None:
        left = []
        for span in self._left:
            if span.first <= complete:
                known = Interval(span.first, min(span.last, complete))
                writer.add_coverage(self._layer, Coverage(known, began))
            if span.last > complete:
                left.append(Interval(max(span.first, complete + 1), span.last))
        self._left = left

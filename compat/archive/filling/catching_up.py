"""Seeing again what was modified since the archive was last true."""

from __future__ import annotations

from compat import coverage
from compat.archive.filling.reading import STATUS
from compat.archive.filling.work import Work
from compat.archive.sighting import LAYERS, MARGIN
from compat.archive.writing import Writer
from compat.coverage import Known, Span
from compat.v2.walking import Selection


def catch_up(work: Work) -> None:
    """Walk what was modified since the lowest as-of of any covered stretch, less the margin.

    In all layers, as when it was first read: what is marked as spam meanwhile, or unmarked, is
    met in one of them. Coverage becomes younger page by page, so a kill loses one of them.
    """
    with work.reading() as snapshot:
        covered = {layer: snapshot.layer(layer) for layer in LAYERS}
    every = [known for layer in LAYERS for known in covered[layer]]
    if not every:
        return
    since = min(known.as_of for known in every) - MARGIN
    spans = coverage.united(known.span for known in every)
    hull = Span(spans[0].first, spans[-1].last)
    for layer in LAYERS:
        selection = Selection(status=STATUS[layer], modified_since=since)
        mine = [known.span for known in covered[layer]]
        work.walk(selection, hull, _Younger(layer, mine), spans=spans)


def catch_up_again(work: Work) -> None:
    """The same once more if the steps before took longer than the margin."""
    with work.reading() as snapshot:
        oldest = min((known.as_of for known in snapshot.coverage()), default=work.latest)
    if work.latest - oldest > MARGIN:
        catch_up(work)


class _Younger:
    """Makes the coverage of a layer younger, as far as a walk has come.

    Args:
        layer: The layer.
        spans: What is covered in it.
    """

    def __init__(self, layer: str, spans: list[Span]) -> None:
        self._layer = layer
        self._left = spans

    def __call__(self, writer: Writer, complete: int, began: int) -> None:
        left = []
        for span in self._left:
            if span.first <= complete:
                known = Span(span.first, min(span.last, complete))
                writer.know(self._layer, Known(known, began))
            if span.last > complete:
                left.append(Span(max(span.first, complete + 1), span.last))
        self._left = left

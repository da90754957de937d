"""Reads and writes the coverage of the layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from compat.archive import repository, schema
from compat.archive.connections import sa
from compat.archive.repository import Columns
from compat.core import intervals
from compat.core.intervals import Coverage, Interval

_EVERY: Final = sa.select(
    schema.known.c.layer, schema.known.c.first, schema.known.c.last, schema.known.c.as_of
).order_by(schema.known.c.first)
_LAYER: Final = _EVERY.where(schema.known.c.layer == sa.bindparam("layer"))


def layer_coverage(connection: sa.Connection, layer: str) -> list[Coverage]:
    """The coverage of a layer, as disjoint intervals in ascending order."""
    found = connection.execute(_LAYER, {"layer": layer})
    return [Coverage(Interval(first, last), as_of) for _, first, last, as_of in found]


class CoverageChanges:
    """What changes in the coverage in one transaction: it is written once, at the end of it.

    Several pages may be written in one transaction, and each proves a part of several layers.

    Args:
        connection: In the transaction.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._known: dict[str, Sequence[Coverage]] = {}

    def add(self, layer: str, coverage: Coverage) -> None:
        """Add that an interval is covered in a layer; more recent coverage in it stays."""
        known = self._layer(layer)
        newer = [part.interval for part in known if part.as_of > coverage.as_of]
        for part in intervals.difference([coverage.interval], newer):
            known = intervals.add_coverage(known, Coverage(part, coverage.as_of))
        self._known[layer] = intervals.coalesce(known)

    def remove(self, span: Interval, layers: Iterable[str]) -> None:
        """Remove the coverage of an interval from some layers."""
        for layer in layers:
            self._known[layer] = [
                Coverage(part, as_of)
                for covered, as_of in self._layer(layer)
                for part in intervals.difference([covered], [span])
            ]

    def remove_from_all(self, span: Interval) -> None:
        """Remove the coverage of an interval from every layer there is."""
        self.remove(span, {*self._stored, *self._known})

    def write(self) -> bool:
        """Write what has changed; returns whether anything has."""
        removed: list[Columns] = []
        added: list[Columns] = []
        for layer, known in self._known.items():
            stored = self._stored.get(layer, ())
            kept = {each.interval.first for each in known}
            removed += [
                {"layer": layer, "first": span.first}
                for span, _ in stored
                if span.first not in kept
            ]
            added += [
                {"layer": layer, "first": span.first, "last": span.last, "as_of": as_of}
                for span, as_of in sorted(set(known).difference(stored))
            ]
        repository.delete_rows(self._connection, schema.known, removed)
        repository.upsert(self._connection, schema.known, ("layer", "first"), added)
        return bool(removed or added)

    @cached_property
    def _stored(self) -> Mapping[str, Sequence[Coverage]]:
        """The coverage of all layers as the transaction found it."""
        layers: dict[str, list[Coverage]] = {}
        for layer, first, last, as_of in self._connection.execute(_EVERY):
            layers.setdefault(layer, []).append(Coverage(Interval(first, last), as_of))
        return layers

    def _layer(self, layer: str) -> Sequence[Coverage]:
        """The coverage of a layer as it is now in this transaction."""
        return self._known.get(layer, self._stored.get(layer, ()))

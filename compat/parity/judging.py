"""What a recorded answer says about a recount of it: refuted, or how many have gone since.

Conversations that were deleted or merged since are missing from a recount and were in the record.
So a recount may fall short anywhere, and must exceed the record nowhere. How many buckets there
are and where they begin does not change with time: there a recount must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from compat.conventions import Conventions
from compat.parity.records import Record
from compat.parity.recounting import Prediction, Series

_LAG: Final = 15 * 60
"""Seconds that a conversation may have taken to show in the old counts."""


class Cell(NamedTuple):
    """One bucket in the record and in a recount.

    Attributes:
        series: The name of its series.
        first: Its first second, epoch UTC.
        after: The first second after it.
        old: The recorded count.
        new: That of the recount; not above `old`.
    """

    series: str
    first: int
    after: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Refuted:
    """A recount that cannot be how the record was made.

    Attributes:
        path: Where it shows, such as `current[3].count`.
        old: What the record says there.
        new: What the recount says.
    """

    path: str
    old: object
    new: object


Judgement = tuple[Cell, ...] | Refuted
"""The cells of a record that its recount may explain, or why it cannot."""


def judge(record: Record, predicted: Prediction | None, conventions: Conventions) -> Judgement:
    """Hold a recount against a record."""
    if predicted is None:
        return Refuted("status", 200, 400)
    if predicted.keys() != record.series.keys():
        return Refuted("body", tuple(record.series), tuple(predicted))
    cells: list[Cell] = []
    for name, counted in predicted.items():
        judged = _series(name, record, counted, conventions)
        if isinstance(judged, Refuted):
            return judged
        cells += judged
    return tuple(cells)


def visible(predicted: Prediction | None, conventions: Conventions) -> object:
    """What a caller would see of a recount: equal things look equal."""
    if predicted is None:
        return None
    return tuple(
        (name, tuple(_listed(counted, conventions))) for name, counted in predicted.items()
    )


def _listed(counted: Series, conventions: Conventions) -> list[tuple[int, int]]:
    points = zip(counted.starts, counted.counts, strict=True)
    return [point for point in points if point[1] or conventions.empty_buckets_listed]


def _series(
    name: str, record: Record, counted: Series, conventions: Conventions
) -> list[Cell] | Refuted:
    recorded = record.series[name]
    if (odd := _misshapen(name, recorded, counted, conventions)) is not None:
        return odd
    old = dict(recorded)
    ends = (*counted.starts[1:], counted.last + 1)
    ahead = 60 * conventions.clock_shift_minutes
    known_until = None if record.taken_at is None else record.taken_at - _LAG + ahead
    cells = []
    for at, (first, after, new) in enumerate(
        zip(counted.starts, ends, counted.counts, strict=True)
    ):
        if known_until is not None and after > known_until:
            break  # it was still filling when it was recorded
        cell = Cell(name, first, after, old.get(first, 0), new)
        if new > cell.old:
            return Refuted(f"{name}[{at}].count", cell.old, new)
        cells.append(cell)
    return cells


def _misshapen(
    name: str,
    recorded: tuple[tuple[int, int], ...],
    counted: Series,
    conventions: Conventions,
) -> Refuted | None:
    if conventions.empty_buckets_listed and len(recorded) != len(counted.starts):
        return Refuted(name, len(recorded), len(counted.starts))
    possible = set(counted.starts)
    for at, (start, count) in enumerate(recorded):
        if conventions.empty_buckets_listed and start != counted.starts[at]:
            return Refuted(f"{name}[{at}].start", start, counted.starts[at])
        if start not in possible:
            return Refuted(f"{name}[{at}].start", start, None)
        if not count and not conventions.empty_buckets_listed:
            return Refuted(f"{name}[{at}]", 0, None)
    starts = [start for start, _ in recorded]
    if starts != sorted(set(starts)):
        return Refuted(name, "not in ascending order", None)
    return None

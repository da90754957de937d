"""What a recorded answer says about a recount of it: refuted, or how many have gone since.

Conversations that were deleted or merged since are missing from a recount and were in the record.
So a recount may fall short anywhere, and must exceed the record nowhere. How many buckets there
are and where they begin does not change with time: there a recount must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log, sqrt
from typing import Final, NamedTuple

from compat.config.conventions import Conventions
from compat.parity.fit.records import FitRecord
from compat.parity.fit.recount import Prediction, RecountedSeries

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


def judge(record: FitRecord, predicted: Prediction | None, conventions: Conventions) -> Judgement:
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


def _listed(counted: RecountedSeries, conventions: Conventions) -> list[tuple[int, int]]:
    points = zip(counted.starts, counted.counts, strict=True)
    return [point for point in points if point[1] or conventions.empty_buckets_listed]


def _series(
    name: str, record: FitRecord, counted: RecountedSeries, conventions: Conventions
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
    counted: RecountedSeries,
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


DECISIVE: Final = log(1_000)
"""A recount is ruled out by another that makes the records a thousand times likelier."""

NOTABLE: Final = log(20)
"""What one half of the captures has to say for a change that the other half found."""

Cells = Mapping[tuple[object, ...], Cell]
"""The cells of a recount of some records, by keys that other recounts of them share."""


def share_gone(cells: Iterable[Cell]) -> float:
    """The share of recorded conversations that a recount misses; 0 where none was recorded."""
    old, new = _totals(cells)
    return (old - new) / old if old else 0.0


def too_many_gone(cells: Iterable[Cell], most: float) -> bool:
    """Whether a recount misses more than a share of the conversations, and not by chance."""
    old, new = _totals(cells)
    return old - new > most * old + 3 * sqrt(most * (1 - most) * old)


def weight(ours: Cells, theirs: Cells) -> float:
    """How much likelier one recount makes the records than another: the logarithm of the odds.

    What only one of the two can tell, such as a bucket that was still filling, is left out.
    """
    gone, other_gone = _chance(ours.values()), _chance(theirs.values())
    both = [(cell, theirs[key]) for key, cell in ours.items() if key in theirs]
    differing = [(one, other) for one, other in both if one.new != other.new]
    # The earliest to end first: of buckets that do not overlap that takes the most.
    differing.sort(key=lambda pair: (pair[0].after, -pair[0].first))
    total, covered = 0.0, None
    for one, other in differing:
        if covered is None or one.first >= covered:
            covered = one.after
            total += _binomial(one.old, one.new, gone)
            total -= _binomial(other.old, other.new, other_gone)
    return total


def _totals(cells: Iterable[Cell]) -> tuple[int, int]:
    distinct = {(cell.first, cell.after, cell.old, cell.new) for cell in cells}
    return sum(each[2] for each in distinct), sum(each[3] for each in distinct)


def _chance(cells: Iterable[Cell]) -> float:
    """The chance of a conversation to be gone, never none or certainty; 5 % before any is seen."""
    old, new = _totals(cells)
    return (old - new + 0.5) / (old + 10)


@lru_cache(maxsize=100_000)
def _binomial(there: int, left: int, gone: float) -> float:
    """The logarithm of the probability that so many are left."""
    ways = lgamma(there + 1) - lgamma(left + 1) - lgamma(there - left + 1)
    return ways + left * log(1 - gone) + (there - left) * log(gone)

"""How likely a recorded answer is under a recount of it: impossible, or how many have gone since.

Conversations that were deleted or merged since are in the record and not in a recount. So a
recount may be smaller than the record anywhere, and must not be larger anywhere. How many buckets
there are and where they start does not change with time: there a recount must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import lgamma, log, sqrt
from typing import Final, NamedTuple

from compat.config.conventions import Conventions
from compat.parity.fit.inputs import FitRecord

DECISIVE: Final = log(1_000)
"""A recount is ruled out by another that makes the records a thousand times likelier."""

NOTABLE: Final = log(20)
"""How much likelier each half of the records has to be under a change that is recommended."""

_LAG: Final = 15 * 60
"""Seconds until a new conversation was counted by the old API."""


class RecountedSeries(NamedTuple):
    """A series with all its buckets, also the empty ones.

    Attributes:
        starts: Where each bucket starts, epoch seconds UTC.
        last: The last second of the range.
        counts: How many conversations are in each bucket.
    """

    starts: tuple[int, ...]
    last: int
    counts: tuple[int, ...]


Prediction = Mapping[str, RecountedSeries]
"""The series of an answer by their names."""


class Cell(NamedTuple):
    """One bucket in the record and in a recount.

    Attributes:
        series: The name of its series.
        first: Its first second, epoch UTC.
        after: The first second after it.
        old: The recorded count.
        new: The count of the recount; not larger than `old`.
    """

    series: str
    first: int
    after: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Refuted:
    """Why a recount cannot be how the record was made.

    Attributes:
        path: Where they contradict, such as `current[3].count`.
        old: The value in the record.
        new: The value in the recount.
    """

    path: str
    old: object
    new: object


Judgement = tuple[Cell, ...] | Refuted
"""The cells of a record that a recount may explain, or why it cannot."""

Cells = Mapping[tuple[object, ...], Cell]
"""The cells of a recount of some records. Recounts of the same records have the same keys."""


def judge(record: FitRecord, predicted: Prediction | None, conventions: Conventions) -> Judgement:
    """Compare a recount with a record."""
    if predicted is None:
        return Refuted("status", 200, 400)
    if predicted.keys() != record.series.keys():
        return Refuted("body", tuple(record.series), tuple(predicted))
    cells: list[Cell] = []
    for name, counted in predicted.items():
        judged = _judge_series(name, record, counted, conventions)
        if isinstance(judged, Refuted):
            return judged
        cells += judged
    return tuple(cells)


def share_gone(cells: Iterable[Cell]) -> float:
    """The share of recorded conversations that a recount misses; 0 if none was recorded."""
    old, new = _totals(cells)
    return (old - new) / old if old else 0.0


def too_many_gone(cells: Iterable[Cell], most: float) -> bool:
    """Whether a recount misses more than a share of the conversations, and not by chance."""
    old, new = _totals(cells)
    return old - new > most * old + 3 * sqrt(most * (1 - most) * old)


def weight(ours: Cells, theirs: Cells) -> float:
    """How much likelier the records are under one recount than under another, as a logarithm.

    Cells that only one of the two has, such as a bucket that was not over yet, are left out.
    """
    gone, other_gone = _chance_gone(ours.values()), _chance_gone(theirs.values())
    both = [(cell, theirs[key]) for key, cell in ours.items() if key in theirs]
    differing = [(one, other) for one, other in both if one.new != other.new]
    # Of buckets that overlap only one counts. To start with the earliest end keeps the most.
    differing.sort(key=lambda pair: (pair[0].after, -pair[0].first))
    total, covered = 0.0, None
    for one, other in differing:
        if covered is None or one.first >= covered:
            covered = one.after
            total += _log_probability(one.old, one.new, gone)
            total -= _log_probability(other.old, other.new, other_gone)
    return total


def _judge_series(
    name: str, record: FitRecord, counted: RecountedSeries, conventions: Conventions
) -> list[Cell] | Refuted:
    recorded = record.series[name]
    if (fault := _wrong_shape(name, recorded, counted, conventions)) is not None:
        return fault
    old = dict(recorded)
    ends = (*counted.starts[1:], counted.last + 1)
    ahead = 60 * conventions.clock_shift_minutes
    known_until = None if record.taken_at is None else record.taken_at - _LAG + ahead
    cells = []
    for at, (first, after, new) in enumerate(
        zip(counted.starts, ends, counted.counts, strict=True)
    ):
        if known_until is not None and after > known_until:
            break  # the bucket was not over when it was recorded
        cell = Cell(name, first, after, old.get(first, 0), new)
        if new > cell.old:
            return Refuted(f"{name}[{at}].count", cell.old, new)
        cells.append(cell)
    return cells


def _wrong_shape(
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


def _totals(cells: Iterable[Cell]) -> tuple[int, int]:
    distinct = {(cell.first, cell.after, cell.old, cell.new) for cell in cells}
    return sum(each[2] for each in distinct), sum(each[3] for each in distinct)


def _chance_gone(cells: Iterable[Cell]) -> float:
    """The chance that a conversation has gone: never 0 or 1, and 5 % without any evidence."""
    old, new = _totals(cells)
    return (old - new + 0.5) / (old + 10)


def _log_probability(recorded: int, left: int, gone: float) -> float:
    """The logarithm of the binomial probability that so many of the recorded are left."""
    ways = lgamma(recorded + 1) - lgamma(left + 1) - lgamma(recorded - left + 1)
    return ways + left * log(1 - gone) + (recorded - left) * log(gone)

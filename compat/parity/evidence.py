"""How much more records speak for one recount than for another.

Each conversation of a record is gone with one and the same probability, independently: so a
bucket's recount is a binomial draw from its recorded count. Two recounts are compared where they
differ, on buckets that do not overlap, since one conversation is evidence once, however many
captures show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import lgamma, log, sqrt
from typing import Final

from compat.parity.judging import Cell

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

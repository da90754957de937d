"""What all measurements share: ways that take turns, ratios with their spread, tables.

Machines are noisy, and noise comes in stretches. So the ways of doing a thing take turns, round
after round; a ratio is formed within each round, where both sides saw the same machine; and the
median of the rounds is what is told, with the middle half of them beside it.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Any, Final, Literal, NamedTuple

Scale = Literal["tiny", "quick", "full"]
"""How large: for a test that it runs at all, for a look, for the documentation."""

ROUNDS: Final[Mapping[Scale, int]] = {"tiny": 1, "quick": 5, "full": 15}
_LEAST: Final[Mapping[Scale, float]] = {"tiny": 0.0, "quick": 0.01, "full": 0.05}
"""Seconds that a turn lasts at least, however quick one call is."""


class Disagreement(Exception):
    """A peer gives another result than ours: a comparison would be worth nothing."""


class Ratio(NamedTuple):
    """The median over all rounds, and the quartiles around it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{shown(self.median)} ({shown(self.low)} to {shown(self.high)})"


@dataclass(frozen=True)
class Table:
    """What a measurement found.

    Attributes:
        columns: The names of the columns; absolute figures come last.
        rows: The cells, as they are to be read.
        notes: What is to be said below the table, a paragraph each.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        head = [self.columns, ["---"] * len(self.columns)]
        table = "\n".join(f"| {' | '.join(row)} |" for row in (*head, *self.rows))
        return "\n\n".join([table, *self.notes])


def agree(ways: Mapping[str, Callable[[], Any]], same: Callable[[Any, Any], bool] = eq) -> None:
    """Make sure that all ways give what the first one gives, ours.

    Raises:
        Disagreement: One does not; the message names it.
    """
    (ours, do), *peers = ways.items()
    expected = do()
    for name, peer in peers:
        if not same(peer(), expected):
            raise Disagreement(f"{name} gives another result than {ours}")


def take_turns(
    ways: Mapping[str, Callable[[], Any]],
    scale: Scale,
    *,
    clock: Callable[[], float] = time.perf_counter,
    rounds: int | None = None,
) -> dict[str, list[float]]:
    """The seconds that one call takes, by the name of the way, round by round.

    Args:
        ways: What takes turns.
        scale: Says for how long.
        clock: What the seconds are read from. Those of processor time are less disturbed by what
            else the machine does; for what takes but moments they are too coarse.
        rounds: How many, where calls are so long that the scale's number is too many.
    """
    repeats = {name: _repeats(do, _LEAST[scale], clock) for name, do in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for _ in range(min(rounds or ROUNDS[scale], ROUNDS[scale])):
        for name in names:
            seconds[name].append(_seconds(ways[name], repeats[name], clock) / repeats[name])
        names.reverse()  # whatever one way leaves behind for the next, both get it
    return seconds


def ratio(these: Sequence[float], those: Sequence[float]) -> Ratio:
    """How many times as much these are as those, round by round."""
    return spread([this / that for this, that in zip(these, those, strict=True)])


def spread(values: Sequence[float]) -> Ratio:
    """The median of some values and their quartiles."""
    if len(values) < 2:
        return Ratio(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Ratio(median, low, high)


def shown(value: float) -> str:
    """A figure with as many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{shown(seconds / size)} {unit}"
    return f"{shown(seconds * 1e6)} µs"


def judged(value: float, *, least: float = 0.0, most: float = math.inf) -> str:
    """Whether an aim is met, in a word for the table."""
    return "met" if least <= value <= most else "missed"


def _repeats(do: Callable[[], Any], least: float, clock: Callable[[], float]) -> int:
    took = _seconds(do, 1, clock)  # the first call may have more to do than others
    if took < least:
        took = min(took, _seconds(do, 1, clock))
    return max(1, min(1_000_000, math.ceil(least / max(took, 1e-9))))


def _seconds(do: Callable[[], Any], times: int, clock: Callable[[], float]) -> float:
    began = clock()
    for _ in range(times):
        do()
    return clock() - began

"""Common parts of all benchmarks: timing in turns, ratios with their spread, tables.

Other work on a machine disturbs measurements, often for some seconds. So the programs that are
compared run in turns, round after round. A ratio is computed within each round, where both sides
had the same conditions. The median of all rounds is reported, with the quartiles.
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
"""The size: `tiny` for a test that it works, `quick` for a first look, `full` for the page."""

ROUNDS: Final[Mapping[Scale, int]] = {"tiny": 1, "quick": 5, "full": 15}
_LEAST: Final[Mapping[Scale, float]] = {"tiny": 0.0, "quick": 0.01, "full": 0.05}
"""The shortest duration of a turn in seconds; fast calls are repeated."""


class Disagreement(Exception):
    """A peer gives another result, so a comparison of times would mean nothing."""


class Ratio(NamedTuple):
    """The median over all rounds, and its lower and upper quartile."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{shown(self.median)} ({shown(self.low)} to {shown(self.high)})"


@dataclass(frozen=True)
class Table:
    """The result of a benchmark.

    Attributes:
        columns: The names of the columns; absolute figures are last.
        rows: The cells, as formatted text.
        notes: Paragraphs below the table.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        head = [self.columns, ["---"] * len(self.columns)]
        table = "\n".join(f"| {' | '.join(row)} |" for row in (*head, *self.rows))
        return "\n\n".join([table, *self.notes])


def agree(ways: Mapping[str, Callable[[], Any]], same: Callable[[Any, Any], bool] = eq) -> None:
    """Check that all ways give the same result as the first one, which is ours.

    Raises:
        Disagreement: One gives another result; the message names it.
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
    """The seconds of one call, by the name of the way, one value for each round.

    Args:
        ways: The functions to compare; they run in turns.
        scale: Decides how long a turn is and how many rounds there are.
        clock: Returns the time in seconds. Processor time is less disturbed by other work on the
            machine, but too coarse for very short calls.
        rounds: The highest number of rounds, for calls that take long.
    """
    repeats = {name: _repeats(do, _LEAST[scale], clock) for name, do in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for _ in range(min(rounds or ROUNDS[scale], ROUNDS[scale])):
        for name in names:
            seconds[name].append(_seconds(ways[name], repeats[name], clock) / repeats[name])
        names.reverse()  # so each way runs equally often after the other
    return seconds


def ratio(these: Sequence[float], those: Sequence[float]) -> Ratio:
    """The ratio of two series of seconds, computed round by round."""
    return spread([this / that for this, that in zip(these, those, strict=True)])


def spread(values: Sequence[float]) -> Ratio:
    """The median of some values and their quartiles."""
    if len(values) < 2:
        return Ratio(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Ratio(median, low, high)


def shown(value: float) -> str:
    """A number with as many digits as are significant."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(seconds: float) -> str:
    """A duration in s, ms or µs."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{shown(seconds / size)} {unit}"
    return f"{shown(seconds * 1e6)} µs"


def judged(value: float, *, least: float = 0.0, most: float = math.inf) -> str:
    """`met` or `missed`: whether a value is between `least` and `most`."""
    return "met" if least <= value <= most else "missed"


def _repeats(do: Callable[[], Any], least: float, clock: Callable[[], float]) -> int:
    took = _seconds(do, 1, clock)  # the first call can take longer than others
    if took < least:
        took = min(took, _seconds(do, 1, clock))
    return max(1, min(1_000_000, math.ceil(least / max(took, 1e-9))))


def _seconds(do: Callable[[], Any], times: int, clock: Callable[[], float]) -> float:
    began = clock()
    for _ in range(times):
        do()
    return clock() - began

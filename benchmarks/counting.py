"""Counting instants into 31 daily buckets: bisecting against a loop, on the same sorted input."""

from __future__ import annotations

import random
import sys
import time
from array import array
from collections.abc import Callable, Sequence

from compat import buckets

FIRST = 1_420_070_400
LAST = FIRST + 31 * buckets.DAY - 1
SIZES = (10_000, 1_000_000)


def loop(instants: Sequence[int], starts: Sequence[int], end: int) -> list[int]:
    """Count one by one; buckets are of equal length here."""
    counts = [0] * len(starts)
    for instant in instants:
        if starts[0] <= instant <= end:
            counts[min((instant - starts[0]) // buckets.DAY, len(starts) - 1)] += 1
    return counts


def best(count: Callable[[], list[int]], times: int) -> tuple[float, list[int]]:
    """The least of several timings, in seconds, and what was counted."""
    shortest, result = float("inf"), []
    for _ in range(times):
        began = time.perf_counter()
        result = count()
        shortest = min(shortest, time.perf_counter() - began)
    return shortest, result


def main() -> int:
    """Print the table; the exit status."""
    rng = random.Random(1)
    starts = buckets.starts(FIRST, LAST, "day")
    print(f"{'instants':>12} {'bisect (µs)':>12} {'loop (µs)':>12} {'loop / bisect':>14}")
    for size in SIZES:
        instants = array("q", sorted(rng.randint(FIRST, LAST) for _ in range(size)))
        ours, counted = best(lambda: buckets.count(instants, starts, LAST), 20)  # noqa: B023
        peer, again = best(lambda: loop(instants, starts, LAST), 3)  # noqa: B023
        if counted != again:
            return 1
        print(f"{size:>12,} {ours * 1e6:>12,.1f} {peer * 1e6:>12,.1f} {peer / ours:>14,.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

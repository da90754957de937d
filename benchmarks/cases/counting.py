"""Counting instants into buckets.

All libraries count the same sorted instants, each in its own data structure, into 31 daily
buckets. Sorting is measured separately. A ratio says how many times as long the peer takes. Aim:
faster than every peer except `numpy.searchsorted`, which does the same in compiled code, and at
most five times as long as that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from benchmarks.harness import Scale, Table, agree, duration, judged, ratio, spread, take_turns
from compat.core import buckets, calendar

NEEDS = ("duckdb", "numpy", "polars")
FIRST: Final = 1_420_070_400
LAST: Final = FIRST + 31 * calendar.DAY - 1
STARTS: Final = buckets.starts(FIRST, LAST, "day")
SIZES: Final[Mapping[Scale, Sequence[int]]] = {
    "tiny": (2_000,),
    "quick": (10_000, 1_000_000),
    "full": (10_000, 1_000_000, 10_000_000),
}
LONG: Final = 5_000_000
"""From this number of instants on, five rounds are enough."""

OURS: Final = "ours"
SEARCHSORTED: Final = "numpy.searchsorted"

Ways = Mapping[str, Callable[[], Any]]


def measure(scale: Scale) -> Table:
    """Counting and sorting, compared at every size."""
    import numpy as np

    rows = []
    for size in SIZES[scale]:
        rounds = 5 if size >= LONG else None
        instants = np.random.default_rng(1).integers(FIRST, LAST + 1, size)
        rows += _compared(f"count {size:,}", _counting(np.sort(instants)), scale, rounds)
        rows += _compared(f"sort {size:,}", _sorting(instants), scale, rounds, judge=False)
    return Table(("task", "peer", "peer / ours", "aim", "peer", "ours"), rows)


def _compared(
    task: str, ways: Ways, scale: Scale, rounds: int | None, *, judge: bool = True
) -> list[list[str]]:
    agree(ways, lambda these, those: list(these) == list(those))
    seconds = take_turns(ways, scale, rounds=rounds)
    rows = []
    for peer in list(ways)[1:]:
        compared = ratio(seconds[peer], seconds[OURS])
        least = 0.2 if peer == SEARCHSORTED else 1.0
        aim = f"≥ {least:g}: {judged(compared.median, least=least)}" if judge else ""
        took = [duration(spread(seconds[each]).median) for each in (peer, OURS)]
        rows.append([task, peer, str(compared), aim, *took])
    return rows


def _counting(instants: Any) -> Ways:
    import duckdb
    import numpy as np
    import polars as pl

    ours, edges = instants.tolist(), np.array([*STARTS, LAST + 1])
    series, frame, column = (
        pl.Series(instants),
        pl.DataFrame({"second": instants}),
        pl.Series(edges),
    )
    day = (pl.col("second") - FIRST) // calendar.DAY
    table = duckdb.connect()
    table.register("given", {"second": instants})
    table.execute("CREATE TABLE instants AS SELECT * FROM given")
    grouped = f"SELECT (second - {FIRST}) // {calendar.DAY} AS day, count(*) FROM instants"
    return {
        OURS: lambda: buckets.count(ours, STARTS, LAST),
        SEARCHSORTED: lambda: np.diff(np.searchsorted(instants, edges)).tolist(),
        "numpy.histogram": lambda: np.histogram(instants, edges)[0].tolist(),
        "polars search_sorted": lambda: series.search_sorted(column).diff()[1:].to_list(),
        "polars group_by": lambda: frame.group_by(day).len().sort("second")["len"].to_list(),
        "DuckDB GROUP BY": lambda: _second_column(
            table.execute(f"{grouped} GROUP BY day ORDER BY day").fetchall()
        ),
        "a loop": lambda: _loop(ours),
    }


def _sorting(instants: Any) -> Ways:
    import duckdb
    import numpy as np
    import polars as pl

    ours, series = instants.tolist(), pl.Series(instants)
    table = duckdb.connect()
    table.register("given", {"second": instants})
    ordered = "SELECT second FROM given ORDER BY second"
    ways: Ways = {
        OURS: lambda: sorted(ours),
        "numpy.sort": lambda: np.sort(instants),
        "polars sort": lambda: series.sort(),
        "DuckDB ORDER BY": lambda: table.execute(ordered).fetchnumpy()["second"],
    }
    return ways


def _loop(instants: Sequence[int]) -> list[int]:
    counts = [0] * len(STARTS)
    for instant in instants:
        if FIRST <= instant <= LAST:
            counts[(instant - FIRST) // calendar.DAY] += 1
    return counts


def _second_column(rows: Sequence[Sequence[int]]) -> list[int]:
    return [row[1] for row in rows]

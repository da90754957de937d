"""Answering from the archive.

The same conversations are in an SQLite archive, in DuckDB and in polars: 10⁶ of them over five
years, with twice as many tags. Each question is a filter and a resolution. Months have thirty
days here, so that every peer can divide instead of searching. *First* is the archive's answer to
a question about a range of time that was not requested before: one statement. Its peer is the
faster of two queries that were written by hand for the same tables, without SQLAlchemy: a count
for each bucket, and one GROUP BY. *Again* is the answer from memory, with any tags, including the
check that nothing changed; *another view* is the same with new buckets. A ratio says how many
times as long the peer takes. Aims: first, at most twice as long as the best SQLite query; again,
faster than all peers and under a millisecond.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.archive_peers import (
    KINDS,
    RESOLUTIONS,
    Ask,
    Kind,
    conversations,
    duckdb_peer,
    edges_of,
    polars_peer,
    sqlite_peer,
)
from benchmarks.harness import Scale, Table, agree, duration, judged, ratio, spread, take_turns
from compat.archive.database import open_archive
from compat.archive.index import CountIndex
from compat.archive.records import ConversationRecord
from compat.core.models import Row

NEEDS = ("duckdb", "polars")
SIZES: Final[Mapping[Scale, int]] = {"tiny": 2_000, "quick": 100_000, "full": 1_000_000}
ON_REQUEST: Final = "BENCH_CONVERSATIONS"
"""The variable that sets the number of conversations, in place of the scale."""

_COLUMNS: Final = (
    *("question", "SQLite / first", "aim", "SQLite / again", "DuckDB / again", "polars / again"),
    *("aim", "first", "again", "another view", "SQLite", "DuckDB", "polars"),
)
_MISSED: Final = (
    "Where an aim is missed: five years by day are 1,825 buckets, and each takes a microsecond in "
    "memory. A month of a few conversations takes SQLite a millisecond or two, and our own "
    "transaction and the look for unknown values take about as long. On a slow machine everything "
    "takes longer, and the limit of a millisecond is exceeded first."
)
_PEERS: Final = ("DuckDB", "polars")


def measure(scale: Scale) -> Table:
    """The ratios for each kind of filter and each resolution."""
    size = int(os.environ.get(ON_REQUEST, SIZES[scale]))
    rows = conversations(size)
    with tempfile.TemporaryDirectory() as directory, _ours(Path(directory), rows) as (ours, index):
        peers = [
            sqlite_peer(Path(directory)),
            duckdb_peer(Path(directory), rows),
            polars_peer(rows),
        ]
        for kind in KINDS.values():
            ours["again"](kind, edges_of("5 years by day"))
        note = (
            f"{size:,} conversations with {sum(len(row.tags or ()) for row in rows):,} tags; in "
            f"memory they take {index.memory_bytes() / 1e6:,.0f} MB."
        )
        del rows
        table = [
            [
                f"{name}, {resolution}",
                *_compared(
                    {
                        way: partial(ask, kind, edges_of(resolution))
                        for each in (ours, *peers)
                        for way, ask in each.items()
                    },
                    scale,
                ),
            ]
            for name, kind in KINDS.items()
            for resolution in (RESOLUTIONS if scale != "tiny" else list(RESOLUTIONS)[:2])
        ]
    return Table(_COLUMNS, table, [note, _MISSED])


def _compared(ways: Mapping[str, Callable[[], object]], scale: Scale) -> list[str]:
    """The cells in the row of one question."""
    agree(ways)
    seconds = take_turns(ways, scale)
    best = [min(pair) for pair in zip(seconds["per bucket"], seconds["grouped"], strict=True)]
    first = ratio(best, seconds["first"])
    again = [ratio(each, seconds["again"]) for each in (best, *(seconds[name] for name in _PEERS))]
    took = {name: spread(each).median for name, each in {**seconds, "best": best}.items()}
    met = min(each.median for each in again) >= 1 and took["again"] < 1e-3
    return [
        str(first),
        f"≥ 0.5: {judged(first.median, least=0.5)}",
        *map(str, again),
        f"≥ 1, < 1 ms: {'met' if met else 'missed'}",
        *(
            duration(took[name])
            for name in ("first", "again", "another view", "best", "DuckDB", "polars")
        ),
    ]


@contextmanager
def _ours(directory: Path, rows: Sequence[Row]) -> Iterator[tuple[Mapping[str, Ask], CountIndex]]:
    with open_archive(f"sqlite:///{directory}/archive.db", create=True) as archive:
        with archive.lock() as lock:
            for at in range(0, len(rows), 20_000):
                with archive.writing(lock) as writer:
                    writer.save(ConversationRecord(row, 1) for row in rows[at : at + 20_000])
        index = CountIndex(archive)

        def first(kind: Kind, edges: Sequence[int]) -> list[int]:
            with archive.reading() as snapshot:
                return snapshot.count(kind.count_query(edges))[0]

        def again(kind: Kind, edges: Sequence[int]) -> list[int]:
            with archive.reading() as snapshot:
                counts = index.count(snapshot, kind.count_query(edges))[0]
            index.wait_until_loaded()
            return counts

        def another_view(kind: Kind, edges: Sequence[int]) -> list[int]:
            index.clear_segments()
            return again(kind, edges)

        yield {"first": first, "again": again, "another view": another_view}, index
        index.close()

"""Questions to an archive, and the same conversations in SQLite, DuckDB and polars."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from compat.core.counting import UNTAGGED, CountQuery, Filter
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Row

FIRST: Final = 1_420_070_400
DAY: Final = 86_400
YEARS: Final = 5 * 365 * DAY
RESOLUTIONS: Final = {
    "31 days": (DAY, 31),
    "a year by day": (DAY, 365),
    "5 years by month": (30 * DAY, 61),
    "5 years by week": (7 * DAY, 261),
    "5 years by day": (DAY, 1825),
}
_STATES, _UNCOUNTED = frozenset({"published"}), frozenset({"spam"})
_TAGS: Final = range(1_000, 1_200)


@dataclass(frozen=True)
class Kind:
    """A kind of filter, for the archive and as SQL."""

    mailboxes: frozenset[int] = frozenset()
    folders: frozenset[int] = frozenset()
    types: frozenset[str] = frozenset()
    tags: frozenset[int] = frozenset()
    each: bool = False

    def count_query(self, edges: Sequence[int]) -> CountQuery:
        """The query for the archive: counts between these edges."""
        need = ConversationQuery((Interval(edges[0], edges[-1] - 1),), self.mailboxes, self.folders)
        which = Filter(_STATES, _UNCOUNTED, self.types, self.tags, self.each)
        return CountQuery(need, which, (tuple(edges),))

    @property
    def where(self) -> str:
        """The SQL conditions except those on tags."""
        parts = ["state = 'published'", "status <> 'spam'"]
        for column in ("mailboxes", "folders", "types"):
            if values := sorted(getattr(self, column)):
                name = {"mailboxes": "mailbox", "folders": "folder", "types": "type"}[column]
                parts.append(f"{name} IN ({', '.join(map(repr, values))})")
        return " AND ".join(parts)


KINDS: Final = {
    "no filter": Kind(),
    "mailboxes": Kind(mailboxes=frozenset({1, 3})),
    "folders": Kind(folders=frozenset({11, 12})),
    "types": Kind(types=frozenset({"email", "phone"})),
    "a tag": Kind(tags=frozenset({1_000})),
    "one of two tags": Kind(tags=frozenset({1_001, 1_040})),
    "both of two tags": Kind(tags=frozenset({1_000, 1_001}), each=True),
    "untagged": Kind(tags=frozenset({UNTAGGED})),
    "all together": Kind(
        frozenset({1, 2}),
        frozenset({11, 12, 21}),
        frozenset({"email"}),
        frozenset({1_000, UNTAGGED}),
    ),
}


Ask = Callable[[Kind, Sequence[int]], Any]
"""Counts what a filter admits between the edges of buckets."""


def conversations(size: int) -> list[Row]:
    """Random conversations of five years, sorted by creation, with two tags each on average."""
    rng = random.Random(1)
    weights = [1 / (rank + 3) for rank in range(len(_TAGS))]
    seconds = sorted(rng.randrange(FIRST, FIRST + YEARS) for _ in range(size))
    mailboxes = rng.choices(range(1, 6), (40, 25, 20, 10, 5), k=size)
    types = rng.choices(("email", "chat", "phone"), (85, 10, 5), k=size)
    statuses = rng.choices(("active", "pending", "closed", "spam"), (10, 5, 83, 2), k=size)
    states = rng.choices(("published", "draft", "hidden"), (97, 2, 1), k=size)
    numbers = rng.choices((0, 1, 2, 3, 4), (15, 20, 30, 20, 15), k=size)
    tags = iter(rng.choices(_TAGS, weights, k=4 * size))
    return [
        Row(
            created,
            id_,
            mailbox,
            10 * mailbox + id_ % 5,
            type_,
            status,
            state,
            tuple(sorted({next(tags) for _ in range(number)})),
        )
        for id_, (created, mailbox, type_, status, state, number) in enumerate(
            zip(seconds, mailboxes, types, statuses, states, numbers, strict=True), 1
        )
    ]


def edges_of(resolution: str) -> list[int]:
    """The edges of a resolution's buckets."""
    step, number = RESOLUTIONS[resolution]
    return [FIRST + at * step for at in range(number + 1)]


def sqlite_peer(directory: Path) -> Mapping[str, Ask]:
    """By hand, on the archive's own tables."""
    connection = sqlite3.connect(directory / "archive.db")
    connection.execute("PRAGMA cache_size = -32768")

    def source(kind: Kind) -> tuple[str, str]:
        """What to count, and of what."""
        tags = sorted(kind.tags)
        if not tags:
            return "count(*)", f"conversation AS c WHERE {kind.where}"
        if kind.each:
            others = "".join(
                f" AND EXISTS (SELECT 1 FROM conversation_tag AS t WHERE t.tag = {tag}"
                " AND t.created = c.created AND t.conversation = c.conversation)"
                for tag in tags[1:]
            )
            return (
                "count(*)",
                f"conversation_tag AS c WHERE tag = {tags[0]} AND {kind.where}{others}",
            )
        what = "count(*)" if len(tags) == 1 else "count(DISTINCT conversation)"
        among = f"IN ({', '.join(map(str, tags))})" if len(tags) > 1 else f"= {tags[0]}"
        return what, f"conversation_tag AS c WHERE tag {among} AND {kind.where}"

    def per_bucket(kind: Kind, edges: Sequence[int]) -> list[int]:
        what, of = source(kind)
        query = f"SELECT {what} FROM {of} AND created >= ? AND created < ?"
        return [connection.execute(query, pair).fetchone()[0] for pair in pairwise(edges)]

    def grouped(kind: Kind, edges: Sequence[int]) -> list[int]:
        what, of = source(kind)
        step = edges[1] - edges[0]
        query = (
            f"SELECT (created - {edges[0]}) / {step}, {what} FROM {of}"
            f" AND created >= {edges[0]} AND created < {edges[-1]} GROUP BY 1"
        )
        return _filled(connection.execute(query).fetchall(), edges)

    return {"per bucket": per_bucket, "grouped": grouped}


def duckdb_peer(directory: Path, rows: Sequence[Row]) -> Mapping[str, Ask]:
    """In memory, both tables sorted as a question reads them."""
    import duckdb

    connection = duckdb.connect()
    frame, tags = _frames(rows)
    for name, given, order in (
        ("conversation", frame, "created"),
        ("tagged", tags, "tag, created"),
    ):
        file = directory / f"{name}.parquet"
        given.write_parquet(file)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM '{file}' ORDER BY {order}")

    def ask(kind: Kind, edges: Sequence[int]) -> list[int]:
        step = edges[1] - edges[0]
        bucket = f"(created - {edges[0]}) // {step}"
        within = f"created >= {edges[0]} AND created < {edges[-1]} AND {kind.where}"
        tags = ", ".join(map(str, sorted(kind.tags)))
        if not tags:
            query = f"SELECT {bucket}, count(*) FROM conversation WHERE {within} GROUP BY 1"
        elif kind.each:
            query = (
                f"SELECT bucket, count(*) FROM (SELECT {bucket} AS bucket, id FROM tagged"
                f" WHERE tag IN ({tags}) AND {within} GROUP BY 1, 2 HAVING count(*) ="
                f" {len(kind.tags)}) GROUP BY 1"
            )
        else:
            what = "count(*)" if len(kind.tags) == 1 else "count(DISTINCT id)"
            query = (
                f"SELECT {bucket}, {what} FROM tagged WHERE tag IN ({tags}) AND {within} GROUP BY 1"
            )
        return _filled(connection.execute(query).fetchall(), edges)

    return {"DuckDB": ask}


def polars_peer(rows: Sequence[Row]) -> Mapping[str, Ask]:
    """In memory, words as categories."""
    import polars as pl

    frame, tags = _frames(rows)

    def ask(kind: Kind, edges: Sequence[int]) -> list[int]:
        within = (pl.col("created") >= edges[0]) & (pl.col("created") < edges[-1])
        within &= (pl.col("state") == "published") & (pl.col("status") != "spam")
        for column, values in (
            ("mailbox", kind.mailboxes),
            ("folder", kind.folders),
            ("type", kind.types),
        ):
            if values:
                within &= pl.col(column).is_in(sorted(values))
        found = frame.lazy().filter(within)
        if kind.tags:
            found = tags.lazy().filter(pl.col("tag").is_in(sorted(kind.tags)) & within)
        if kind.each:
            found = found.group_by("id", "created").len().filter(pl.col("len") == len(kind.tags))
            found = found.select("id", "created")
        elif len(kind.tags) > 1:
            found = found.unique("id")
        bucket = ((pl.col("created") - edges[0]) // (edges[1] - edges[0])).alias("bucket")
        return _filled(found.group_by(bucket).len().collect().rows(), edges)

    return {"polars": ask}


def _frames(rows: Sequence[Row]) -> tuple[Any, Any]:
    """The conversations as a table, and a table with a row for each tag of theirs."""
    import polars as pl

    columns = [name for name in Row._fields if name != "tags"]
    words = dict.fromkeys(("type", "status", "state"), pl.Categorical)
    frame = pl.DataFrame({name: [getattr(row, name) for row in rows] for name in columns}).cast(
        words
    )
    tags = frame.with_columns(
        pl.Series("tag", [list(row.tags or ()) or [UNTAGGED] for row in rows])
    ).explode("tag")
    return frame, tags.sort("tag", "created")


def _filled(found: Sequence[Sequence[Any]], edges: Sequence[int]) -> list[int]:
    """The counts with those buckets that peers leave out, where nothing is in them."""
    counts = [0] * (len(edges) - 1)
    for bucket, number in found:
        counts[bucket] = number
    return counts

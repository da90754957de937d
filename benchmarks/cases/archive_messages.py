"""Counting received messages in the archive.

An SQLite archive holds 10⁶ conversations of five years with five threads each; DuckDB and polars
hold the same in memory. Each question counts the messages of customers by day, for conversations
that a filter admits, whatever their age. The archive answers it with one statement. Its peer is
the faster of two queries that were written by hand for the same tables, without SQLAlchemy: a
count for each bucket, and one GROUP BY. A ratio says how many times as long the peer takes. Aim:
at most twice as long as the best SQLite query. Memory is how much a process grows that asks the
archive all questions and does nothing else.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice, pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from benchmarks.archive_peers import DAY, FIRST, KINDS, YEARS, Kind, conversations
from benchmarks.harness import Scale, Table, agree, duration, judged, ratio, spread, take_turns
from compat.archive.database import Archive, open_archive
from compat.archive.records import ConversationRecord, ShownThreads
from compat.core.counting import CountQuery
from compat.core.models import Row, Thread

NEEDS = ("duckdb", "polars")
SIZES: Final[Mapping[Scale, int]] = {"tiny": 2_000, "quick": 50_000, "full": 1_000_000}
THREADS: Final = 5
QUESTIONS: Final = {"31 days": 31, "a year by day": 365}
FILTERS: Final = ("no filter", "mailboxes", "types", "a tag")

_COLUMNS: Final = (
    *("question", "SQLite / archive", "aim", "DuckDB / archive", "polars / archive"),
    *("archive", "SQLite", "DuckDB", "polars"),
)
_IS_MESSAGE: Final = (
    "state = 'published' AND action <> 'imported'"
    " AND (type = 'customer' OR type = 'chat' AND author_type = 'customer')"
)


def measure(scale: Scale) -> Table:
    """The ratios for some filters, for a month and for a year."""
    rows = conversations(SIZES[scale])
    with (
        tempfile.TemporaryDirectory() as directory,
        open_archive(url := f"sqlite:///{directory}/archive.db", create=True) as archive,
    ):
        _fill(archive, rows)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            grown = process.submit(_memory_of_questions, url).result()
        connection = sqlite3.connect(Path(directory) / "archive.db")
        connection.execute("PRAGMA cache_size = -32768")
        peers: dict[str, Callable[..., list[int]]] = {
            "per bucket": partial(_per_bucket, connection),
            "grouped": partial(_grouped, connection),
            "DuckDB": _duckdb(Path(directory)),
            "polars": _polars(Path(directory)),
        }
        table = [
            [f"{name}, {question}", *_compared(archive, peers, KINDS[name], days, scale)]
            for name in FILTERS
            for question, days in QUESTIONS.items()
        ]
        connection.close()
    note = (
        f"{len(rows):,} conversations with {THREADS * len(rows):,} threads; the questions to the "
        f"archive took {grown / 1e6:,.0f} MB of memory."
    )
    return Table(_COLUMNS, table, [note])


def _compared(
    archive: Archive, peers: Mapping[str, Callable[..., Any]], kind: Kind, days: int, scale: Scale
) -> list[str]:
    """The cells in the row of one question."""
    edges = _edges(days)
    ways: dict[str, Callable[[], Any]] = {"archive": partial(_ours, archive, kind, edges)}
    ways |= {name: partial(peer, kind, edges) for name, peer in peers.items()}
    agree(ways)
    seconds = take_turns(ways, scale, rounds=5)
    best = [min(pair) for pair in zip(seconds["per bucket"], seconds["grouped"], strict=True)]
    ratios = [ratio(each, seconds["archive"]) for each in (best, seconds["DuckDB"])]
    ratios.append(ratio(seconds["polars"], seconds["archive"]))
    took = (seconds["archive"], best, seconds["DuckDB"], seconds["polars"])
    return [
        str(ratios[0]),
        f"≥ 0.5: {judged(ratios[0].median, least=0.5)}",
        *map(str, ratios[1:]),
        *(duration(spread(each).median) for each in took),
    ]


def _edges(days: int) -> list[int]:
    """The edges of days in the fourth year, where conversations of all ages have threads."""
    first = FIRST + 3 * 365 * DAY
    return [first + at * DAY for at in range(days + 1)]


def _memory_of_questions(url: str) -> int:
    """By how many bytes a process grows that asks an archive all questions.

    It is for a process of its own: the peak of the one that fills the archive is higher.
    """
    with open_archive(url) as archive:
        before = _peak_bytes()
        for name in FILTERS:
            for days in QUESTIONS.values():
                _ours(archive, KINDS[name], _edges(days))
        return _peak_bytes() - before


def _fill(archive: Archive, rows: Sequence[Row]) -> None:
    with archive.lock() as lock:
        with archive.writing(lock) as writer:
            writer.keep_threads(kept=True)
        records = _records(rows)
        for _ in range(0, len(rows), 20_000):
            with archive.writing(lock) as writer:
                writer.save(islice(records, 20_000))


def _records(rows: Sequence[Row]) -> Iterator[ConversationRecord]:
    """Conversations with random threads, most of them in the days after the creation."""
    rng = random.Random(2)
    for row in rows:
        seconds = [row.created]
        for _ in range(THREADS - 1):
            later = int(rng.expovariate(1 / (3 * DAY))) + 1
            seconds.append(min(seconds[-1] + later, FIRST + YEARS - 1))
        threads = tuple(_thread(rng, row, at, second) for at, second in enumerate(seconds))
        yield ConversationRecord(row, 1, shown=ShownThreads(threads, complete=True, seen=1))


def _thread(rng: random.Random, row: Row, at: int, second: int) -> Thread:
    kinds = (("customer", "customer"), ("message", "user"), ("note", "user"), ("lineitem", "user"))
    type_, by = kinds[0] if at == 0 else rng.choices(kinds, (30, 45, 10, 15))[0]
    type_ = "chat" if row.type == "chat" and type_ in {"customer", "message"} else type_
    state = "draft" if rng.random() < 0.02 else "published"
    action = "imported" if rng.random() < 0.01 else "default"
    return Thread(second, row.id * THREADS + at, type_, state, by=by, action=action)


def _ours(archive: Archive, kind: Kind, edges: Sequence[int]) -> list[int]:
    asked = kind.count_query(edges)
    query = CountQuery(asked.conversations, asked.filter, asked.ranges, "messages")
    with archive.reading() as snapshot:
        counted = snapshot.count_messages(query)
    if counted is None:
        raise ValueError("no value is unknown, so the archive must count")
    return counted[0]


def _messages(kind: Kind) -> str:
    """The messages of the conversations that a filter admits, as SQL."""
    admitted = f"SELECT id FROM conversation WHERE {kind.where}"
    if tags := sorted(kind.tags):
        tagged = f"conversation_tag WHERE tag = {tags[0]} AND {kind.where}"
        admitted = f"SELECT conversation AS id FROM {tagged}"
    return (
        f"(SELECT created, conversation FROM thread WHERE {_IS_MESSAGE}) AS message"
        f" JOIN ({admitted}) AS admitted ON admitted.id = message.conversation"
    )


def _per_bucket(connection: Any, kind: Kind, edges: Sequence[int]) -> list[int]:
    query = f"SELECT count(*) FROM {_messages(kind)} WHERE created >= ? AND created < ?"
    return [connection.execute(query, pair).fetchone()[0] for pair in pairwise(edges)]


def _grouped(connection: Any, kind: Kind, edges: Sequence[int], divide: str = "/") -> list[int]:
    query = (
        f"SELECT (created - {edges[0]}) {divide} {DAY}, count(*) FROM {_messages(kind)}"
        f" WHERE created >= {edges[0]} AND created < {edges[-1]} GROUP BY 1"
    )
    counts = [0] * (len(edges) - 1)
    for bucket, number in connection.execute(query).fetchall():
        counts[bucket] = number
    return counts


def _duckdb(directory: Path) -> Callable[[Kind, Sequence[int]], list[int]]:
    """In memory, with threads sorted by creation."""
    import duckdb

    connection = duckdb.connect()
    for name, frame in _frames(directory).items():
        file = directory / f"{name}.parquet"
        frame.write_parquet(file)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM '{file}'")
    return partial(_grouped, connection, divide="//")


def _polars(directory: Path) -> Callable[[Kind, Sequence[int]], list[int]]:
    """In memory, with threads sorted by creation."""
    import polars as pl

    frames = _frames(directory)

    def ask(kind: Kind, edges: Sequence[int]) -> list[int]:
        admitted = frames["conversation_tag" if kind.tags else "conversation"].lazy()
        admitted = admitted.filter((pl.col("state") == "published") & (pl.col("status") != "spam"))
        for column, values in (("mailbox", kind.mailboxes), ("type", kind.types)):
            if values:
                admitted = admitted.filter(pl.col(column).is_in(sorted(values)))
        if kind.tags:
            admitted = admitted.filter(pl.col("tag").is_in(sorted(kind.tags)))
        by_customer = (pl.col("type") == "chat") & (pl.col("author_type") == "customer")
        found = (
            frames["thread"]
            .lazy()
            .filter(
                (pl.col("created") >= edges[0])
                & (pl.col("created") < edges[-1])
                & (pl.col("state") == "published")
                & (pl.col("action") != "imported")
                & ((pl.col("type") == "customer") | by_customer)
            )
        )
        key = "conversation" if kind.tags else "id"
        found = found.join(admitted, left_on="conversation", right_on=key, how="semi")
        bucket = ((pl.col("created") - edges[0]) // DAY).alias("bucket")
        counts = [0] * (len(edges) - 1)
        for at, number in found.group_by(bucket).len().collect().rows():
            counts[at] = number
        return counts

    return ask


def _frames(directory: Path) -> dict[str, Any]:
    """The archive's own tables, words as categories."""
    import polars as pl

    columns = {
        "conversation": "id, mailbox, folder, type, status, state",
        "conversation_tag": "tag, conversation, mailbox, folder, type, status, state",
        "thread": "conversation, created, type, state, author_type, action",
    }
    order = {"conversation": "id", "conversation_tag": "tag", "thread": "created"}
    frames = {}
    with sqlite3.connect(directory / "archive.db") as connection:
        for name, chosen in columns.items():
            rows = connection.execute(f"SELECT {chosen} FROM {name} ORDER BY {order[name]}")
            frame = pl.DataFrame(rows.fetchall(), schema=chosen.split(", "), orient="row")
            frames[name] = frame.cast({pl.String: pl.Categorical})
    return frames


def _peak_bytes() -> int:
    """The most memory that this process has had so far.

    `getrusage` would count what the parent had before this process was started.
    """
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

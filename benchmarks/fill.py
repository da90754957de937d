"""Fills an archive in this process, and measures it: `python -m benchmarks.fill BASE_URL ARCHIVE`.

Prints one line of JSON. The highest memory is that of this process alone. (What a parent learns of
its children, `RUSAGE_CHILDREN`, includes the memory of the parent itself before the child's program
was started.)
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import httpx
from pydantic import SecretStr

from compat import Settings
from compat.archive.sync.run import Sync, SyncOptions

_MB: Final = 1024
_TABLES: Final = {
    "conversation": "id",
    "conversation_tag": "conversation",
    "document": "conversation",
}
"""The tables that a fill without threads writes to, with the column of the conversation's id."""


@dataclass(frozen=True)
class Fill:
    """What a fill took.

    Attributes:
        conversations: How many were stored.
        requests: How many requests were sent.
        seconds: By the clock.
        processor: Seconds of processor time.
        decoding: Seconds of processor time that `json.loads` takes for the same conversations, page
            by page as they are received.
        least: Seconds of processor time to fetch these pages with httpx, one after the other, to
            decode them with `json.loads`, and to insert with `sqlite3` the rows that the fill has
            made of them, a page in a transaction.
        megabytes: The highest memory of the process.
    """

    conversations: int
    requests: int
    seconds: float
    processor: float
    decoding: float
    least: float
    megabytes: float


def main(base_url: str, archive: str) -> None:
    """Fill an empty archive, then decode all pages once more, and print the figures."""
    settings = Settings(
        app_id="demo-app",
        app_secret=SecretStr("demo-secret"),
        base_url=base_url,
        archive=SecretStr(archive),
    )
    began, busy = time.perf_counter(), time.process_time()
    result = Sync(settings, SyncOptions()).run()
    seconds, processor = time.perf_counter() - began, time.process_time() - busy
    megabytes = _highest_memory()
    conversations, decoding, least = _least_work(base_url, Path(archive.removeprefix("sqlite:///")))
    fill = Fill(conversations, result.requests, seconds, processor, decoding, least, megabytes)
    print(json.dumps(asdict(fill)))


def _least_work(base_url: str, archive: Path) -> tuple[int, float, float]:
    """Fetch all conversations by page number, decode them, and store the rows that `sync` made.

    Returns:
        How many there are; the seconds to decode them; and those of all three together.
    """
    form = {"grant_type": "client_credentials", "client_id": "demo-app"}
    form["client_secret"] = "demo-secret"  # noqa: S105 - of the simulator
    decoded, number, pages, decoding, whole = 0, 0, 1, 0.0, 0.0
    with httpx.Client(timeout=60) as client, _Copy(archive) as copy:
        token = client.post(f"{base_url}/oauth2/token", data=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        while number < pages:
            number += 1
            query = {"status": "all", "query": "(createdAt:[* TO *])", "page": str(number)}
            get = partial(client.get, f"{base_url}/conversations", params=query, headers=headers)
            response, fetching = _timed(get)
            page, took = _timed(partial(json.loads, response.content))
            conversations = page["_embedded"]["conversations"]
            rows = copy.rows([each["id"] for each in conversations])
            _, storing = _timed(partial(copy.store, rows))
            pages = page["page"]["totalPages"]
            decoded += len(conversations)
            decoding += took
            whole += fetching + took + storing
    return decoded, decoding, whole


class _Copy:
    """Copies the rows of conversations from an SQLite archive to a new one, page by page."""

    def __init__(self, archive: Path) -> None:
        self._archive = sqlite3.connect(archive)
        self._copy = sqlite3.connect(archive.with_name("copy.db"))
        self._copy.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        for (statement,) in self._archive.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
        ):
            self._copy.execute(statement)
        # Without it each page would read the tags of all conversations: hours for a million.
        self._archive.execute("CREATE INDEX by_conversation ON conversation_tag (conversation)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._archive.close()
        self._copy.close()

    def rows(self, ids: Sequence[int]) -> Mapping[str, Sequence[Sequence[Any]]]:
        """The rows of some conversations, by table."""
        marks = ", ".join("?" * len(ids))
        return {
            table: self._archive.execute(
                f"SELECT * FROM {table} WHERE {key} IN ({marks})",  # noqa: S608 (no values)
                ids,
            ).fetchall()
            for table, key in _TABLES.items()
        }

    def store(self, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        """Store rows in one transaction."""
        with self._copy:
            for table, some in rows.items():
                if some:
                    marks = ", ".join("?" * len(some[0]))
                    self._copy.executemany(
                        f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 (no values)
                        some,
                    )


def _timed(do: Callable[[], Any]) -> tuple[Any, float]:
    began = time.thread_time()
    result = do()
    return result, time.thread_time() - began


def _highest_memory() -> float:
    """In MB; NaN where the system does not say it."""
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return float("nan")
    return int(status.partition("VmHWM:")[2].split()[0]) / _MB


if __name__ == "__main__":
    main(*sys.argv[1:])

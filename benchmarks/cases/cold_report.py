"""A cold report.

A report for which every conversation must be fetched, over HTTP, from a process that sends
recorded pages. Measured is the processor time of this project's process: sending requests,
parsing, sorting and counting. One peer is `json.loads` of the same pages, which are already in
memory. The other is a loop that fetches them with httpx, one after the other, and decodes them. A
ratio says how many times as long ours takes. Parsing the pages is also compared alone. Only
parsing has an aim: no longer than `json.loads`. Memory is what Python reports as allocated, at
the peak and at the end; the peer keeps the decoded pages in a list.
"""

from __future__ import annotations

import gc
import json
import pickle
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx
from pydantic import SecretStr

from benchmarks.apps import Recording
from benchmarks.harness import (
    Scale,
    Table,
    agree,
    duration,
    judged,
    ratio,
    shown,
    spread,
    take_turns,
)
from benchmarks.load import serving
from compat import LegacyReports, Settings
from compat.simulator import Behaviour, Simulator, make_account
from compat.simulator.server import running
from compat.v2.models import ConversationPage

NEEDS = ("uvicorn",)
SIZES: Final[Mapping[Scale, int]] = {"tiny": 200, "quick": 10_000, "full": 100_000}
PAGE: Final = 50
MOST_ROUNDS: Final = 5
PATH: Final = "/v2/conversations"
LOOP: Final = "httpx and json.loads"
ALONE: Final = "json.loads alone"

Recorded = Mapping[tuple[str, str, bytes], bytes]


def measure(scale: Scale) -> Table:
    """The time of fetching and counting, and the memory for it."""
    recorded = _recorded(SIZES[scale])
    targets = [name for name in recorded if name[1] == PATH]
    pages = [recorded[name] for name in targets]
    options: Any = {"clock": time.process_time, "rounds": MOST_ROUNDS}
    with _playback(recorded) as origin:

        def ours() -> int:
            with _reports(origin) as reports:
                return _asked(reports)

        def fetched() -> list[Any]:
            return _fetched(origin, targets)

        def decoded() -> list[Any]:
            return [json.loads(page) for page in pages]

        agree({"ours": ours, LOOP: lambda: _count(fetched()), ALONE: lambda: _count(decoded())})
        whole = take_turns({"ours": ours, LOOP: fetched, ALONE: decoded}, scale, **options)
        memory = _memory(origin, decoded)
    reading = {
        "ours": lambda: [ConversationPage.model_validate_json(page) for page in pages],
        ALONE: decoded,
    }
    read = take_turns(reading, scale, **options)
    rows = [
        _row("whole report", LOOP, whole),
        _row("whole report", ALONE, whole),
        _row("parsing the pages", ALONE, read, most=1.0),
        *memory,
    ]
    size = sum(map(len, pages)) / 1e6
    note = f"{SIZES[scale]:,} conversations, {len(pages):,} pages of {PAGE}, {size:,.1f} MB."
    return Table(("what", "peer", "ours / peer", "aim", "ours", "peer"), rows, [note])


def _row(
    what: str, peer: str, seconds: Mapping[str, Sequence[float]], most: float | None = None
) -> list[str]:
    compared = ratio(seconds["ours"], seconds[peer])
    aim = f"≤ {most:g}: {judged(compared.median, most=most)}" if most else ""
    took = [duration(spread(seconds[each]).median) for each in ("ours", peer)]
    return [what, peer, str(compared), aim, *took]


def _memory(origin: str, decoded: Callable[[], list[Any]]) -> list[list[str]]:
    """Memory at the peak and at the end: the service with its rows, and the decoded pages."""
    with _reports(origin) as reports:
        ours = _traced(lambda: _asked(reports))
    theirs = _traced(decoded)
    return [
        [
            f"memory {when}",
            ALONE,
            shown(our / their),
            "",
            f"{our / 1e6:,.1f} MB",
            f"{their / 1e6:,.1f} MB",
        ]
        for when, our, their in zip(("in the end", "at its peak"), ours, theirs, strict=True)
    ]


def _traced(do: Callable[[], object]) -> tuple[int, int]:
    """Bytes that are allocated after a call, and at most during it."""
    tracemalloc.start()
    try:
        result = do()
        gc.collect()
        kept = tracemalloc.get_traced_memory()
        del result
        return kept
    finally:
        tracemalloc.stop()


def _recorded(size: int) -> Recorded:
    """Every answer of Mailbox API 2.0 to a cold report of this many conversations."""
    simulator = Simulator(make_account(size, seed=1), Behaviour(rate_limit=None, page_size=PAGE))
    recording: Any = Recording(simulator)
    with running(recording) as base_url, _reports(base_url.removesuffix("/v2")) as reports:
        _asked(reports)
    recorded: Recorded = recording.bodies
    return recorded


@contextmanager
def _playback(recorded: Recorded) -> Iterator[str]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(pickle.dumps(recorded))
        file.flush()
        with serving("playback", file.name) as server:
            yield server.url


def _reports(origin: str) -> LegacyReports:
    # One request at a time: what several ask for depends on who is first, and is not recorded.
    settings = Settings(
        app_id="demo-app",
        app_secret=SecretStr("demo-secret"),
        base_url=f"{origin}/v2",
        parallel=1,
    )
    return LegacyReports(settings)


def _asked(reports: LegacyReports) -> int:
    report = reports.new_conversations(start="2010-01-01", end="2040-01-01", view_by="month")
    return sum(bucket.count for bucket in report.current)


def _fetched(origin: str, targets: Sequence[tuple[str, str, bytes]]) -> list[Any]:
    with httpx.Client() as client:
        urls = (f"{origin}{path}?{query.decode()}" for _, path, query in targets)
        return [json.loads(client.get(url).content) for url in urls]


def _count(pages: Sequence[Any]) -> int:
    """How many conversations on the pages count."""
    rows = {
        row["id"]: row
        for page in pages
        for row in page.get("_embedded", {}).get("conversations", [])
    }
    return sum(row["state"] == "published" and row["status"] != "spam" for row in rows.values())

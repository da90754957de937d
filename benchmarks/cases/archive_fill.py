"""Filling an archive.

`helpscout-v1 sync` fills an empty archive, with documents, from a simulator without a rate limit,
in a process of its own. The first peer only decodes the same pages with `json.loads`: the ratio
says how many times as long `sync` takes, including the work of the simulator and the start of the
process. The second peer is `tap-helpscout`, the Singer tap. It reads by page number in the order
of modification and stores nothing; a ratio below 1 means that `sync` is faster. Then both run
while conversations are modified, three before every two pages, and those are counted that existed
the whole time and are missing at the end.

The larger fills are from an account whose pages are generated as they are requested. Each is
measured in a process of its own, which then fetches all pages once more: the ratio of processor
time leaves out what generates the pages. *The least* is what no program with these libraries can do
without: to fetch each page with httpx, to decode it with `json.loads`, and to insert the rows that
`sync` had made of it, already compressed, with `sqlite3`. Aims: at most five times `json.loads`; at
most 150 MB.

With Help Scout itself the rate limit decides: 200 requests a minute fetch about 80 conversations
a second, with any program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks import singer_tap
from benchmarks.fill import Fill
from benchmarks.harness import Scale, Table, duration, judged, ratio, shown, take_turns
from benchmarks.load import serving
from compat.archive.database import open_archive
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Interval
from compat.simulator import Account, Behaviour, Simulator, make_account, running
from compat.simulator.faults import Delivery
from compat.simulator.messages import Request

NEEDS = ("sqlalchemy", "uvicorn")
SIZES: Final[Mapping[Scale, int]] = {"tiny": 60, "quick": 500, "full": 5_000}
LARGE_SIZES: Final[Mapping[Scale, tuple[int, ...]]] = {
    "tiny": (60,),
    "quick": (5_000, 100_000),
    "full": (100_000, 1_000_000),
}
CHURN: Final = 1.5
WHY: Final = (
    "Where an aim is missed: the least is itself more than four times `json.loads`, because a "
    "request fetches 25 conversations only, and each of them is stored in three tables with "
    "indexes. Measured alone, and with `json.loads` at 9 µs for a conversation, the request "
    "takes 26 µs; decoding the page, making models and writing each document anew 19 µs; "
    "making the columns 8 µs; compressing 11 µs; the statements of SQLite about 15 µs; and "
    "its share of the transaction, which has one to four pages and the coverage that they "
    "prove, 8 to 20 µs. The rest, such as the turns of threads, was not measured part by "
    "part."
)


class Recording(Simulator):
    """A simulator that keeps the pages of conversations that it has sent."""

    def __init__(self, account: Account, behaviour: Behaviour) -> None:
        super().__init__(account, behaviour)
        self.pages: list[bytes] = []

    def respond(self, request: Request) -> Delivery:
        """Answer one request."""
        delivery = super().respond(request)
        if request.path == "/v2/conversations":
            self.pages.append(delivery.response.body)
        return delivery


def measure(scale: Scale) -> Table:
    """Times, requests and losses of both programs, and the memory that `sync` uses."""
    python = None if scale == "tiny" else singer_tap.environment()
    size = SIZES[scale]
    account = make_account(size, seed=1)
    simulator = Recording(account, Behaviour(rate_limit=None))
    with running(simulator) as base_url:
        _filled(base_url)
        pages, requests = list(simulator.pages), sum(simulator.requests.values())
        ways: dict[str, Callable[[], Any]] = {
            "decode": partial(_decode, pages),
            "sync": partial(_filled, base_url),
        }
        if python:
            ways["tap"] = partial(_tapped, python, base_url)
            simulator.reset()
            ways["tap"]()
            tap_requests = sum(simulator.requests.values())
        seconds = take_turns(ways, scale)
    rate = size / sorted(seconds["sync"])[len(seconds["sync"]) // 2]
    rows = [
        _row("sync / json.loads", ratio(seconds["sync"], seconds["decode"])),
        _row(f"conversations a second, with the start, of {size:,}", f"{rate:,.0f}"),
        _row("requests, least there can be", f"{requests:,}, {-(-size // 25):,}"),
    ]
    if python:
        rows += [
            _row("sync / tap-helpscout, time", ratio(seconds["sync"], seconds["tap"])),
            _row("requests of tap-helpscout", f"{tap_requests:,}"),
            _row("lost by sync while rows move", f"{_lost(size, _filled):,} of {size:,}"),
            _row("lost by tap-helpscout", f"{_lost(size, partial(_tapped, python)):,} of {size:,}"),
        ]
    for large in LARGE_SIZES[scale]:
        rows += _large_rows(_fill(large))
    notes = [WHY] if python else [WHY, "tap-helpscout was not measured."]
    return Table(("what", "figure"), rows, notes)


def _row(what: str, figure: object) -> list[str]:
    return [what, str(figure)]


def _decode(pages: list[bytes]) -> None:
    for page in pages:
        json.loads(page)


def _filled(base_url: str) -> set[int]:
    """Fill an archive in a process of its own, and return the ids in it."""
    with _synced(base_url) as url, open_archive(url) as archive, archive.reading() as snapshot:
        return set(snapshot.conversation_ids(Interval(FIRST_SECOND, LAST_SECOND)))


def _tapped(python: Path, base_url: str) -> set[int]:
    return singer_tap.fetched_ids(python, base_url, _token(base_url))


@contextmanager
def _synced(base_url: str) -> Iterator[str]:
    settings = {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "HELPSCOUT_BASE_URL": base_url,
    }
    with tempfile.TemporaryDirectory() as place:
        url = f"sqlite:///{place}/archive.db"
        subprocess.run(
            [Path(sys.executable).parent / "helpscout-v1", "sync"],
            env=os.environ | settings | {"COMPAT_ARCHIVE": url},
            capture_output=True,
            check=True,
        )
        yield url


def _token(base_url: str) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": "demo-app",
        "client_secret": "demo-secret",
    }
    return str(httpx.post(f"{base_url}/oauth2/token", data=form).json()["access_token"])


def _lost(size: int, run: Any) -> int:
    """How many conversations that existed the whole time a program does not fetch."""
    account = make_account(size, seed=2)
    there = {row.id for row in account.conversations() if row.listed}
    lively = Behaviour(rate_limit=None, churn=CHURN, churn_of=("touch",))
    with running(Simulator(account, lively)) as base_url:
        return len(there - run(base_url))


def _fill(size: int) -> Fill:
    """A fill from a generated account, by a process of its own."""
    with (
        serving("generated account", str(size)) as server,
        tempfile.TemporaryDirectory() as place,
    ):
        command = [sys.executable, "-m", "benchmarks.fill"]
        arguments = [f"{server.url}/v2", f"sqlite:///{place}/archive.db"]
        done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, check=True)
        return Fill(**json.loads(done.stdout))


def _large_rows(fill: Fill) -> list[list[str]]:
    of = f"{fill.conversations:,} conversations"
    work, least = fill.processor / fill.decoding, fill.processor / fill.least
    return [
        _row(
            f"processor time, sync / json.loads, {of}",
            f"{shown(work)} (≤ 5: {judged(work, most=5)})",
        ),
        _row(f"processor time, sync / the least, {of}", shown(least)),
        _row(f"the least / json.loads, {of}", shown(fill.least / fill.decoding)),
        _row(f"processor time of one, {of}", duration(fill.processor / fill.conversations)),
        _row(f"a second, {of}", f"{fill.conversations / fill.seconds:,.0f}"),
        _row(
            f"memory, {of}", f"{fill.megabytes:,.0f} MB (≤ 150: {judged(fill.megabytes, most=150)})"
        ),
    ]

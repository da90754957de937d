"""Filling an archive.

`helpscout-v1 sync` fills an empty archive from a simulator without a rate limit, documents
included, as a process of its own. It is held against decoding the very same pages with `json.loads`
and doing nothing with them: a ratio tells how many times as long the whole takes, the simulator's
own work and the start of the process included. And it is held against `tap-helpscout`, the Singer
tap, which goes by page number in the order of modification and keeps nothing: there a ratio below 1
is in our favour. Then both run while conversations are touched, three before every two pages, and
those are counted that were there all the time and are missing at the end.

At Help Scout itself the rate limit decides: 200 requests a minute bring about 80 conversations a
second, whoever asks.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks import tap
from benchmarks.harness import Scale, Table, ratio, take_turns
from compat.archive.database import open_archive
from compat.archive.records import BEGINNING, END
from compat.core.intervals import Interval
from compat.simulator import Account, Behaviour, Simulator, make_account, running
from compat.simulator.faults import Delivery
from compat.simulator.messages import Request

NEEDS = ("sqlalchemy", "uvicorn")
SIZES: Final[Mapping[Scale, int]] = {"tiny": 60, "quick": 500, "full": 5_000}
FLAT: Final[Mapping[Scale, tuple[int, ...]]] = {
    "tiny": (60,),
    "quick": (500, 5_000),
    "full": (10_000, 100_000),
}
CHURN: Final = 1.5


class Recording(Simulator):
    """A simulator that remembers the pages of conversations it has sent."""

    def __init__(self, account: Account, behaviour: Behaviour) -> None:
        super().__init__(account, behaviour)
        self.pages: list[bytes] = []

    def respond(self, request: Request) -> Delivery:
        """The answer to one request."""
        delivery = super().respond(request)
        if request.path == "/v2/conversations":
            self.pages.append(delivery.response.body)
        return delivery


def measure(scale: Scale) -> Table:
    """Times, requests and losses of both, and the memory of ours."""
    python = None if scale == "tiny" else tap.environment()
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
        _row("conversations a second", f"{rate:,.0f}"),
        _row("requests, least there can be", f"{requests:,}, {-(-size // 25):,}"),
    ]
    if python:
        rows += [
            _row("sync / tap-helpscout, time", ratio(seconds["sync"], seconds["tap"])),
            _row("requests of tap-helpscout", f"{tap_requests:,}"),
            _row("lost by sync while rows move", f"{_lost(size, _filled):,} of {size:,}"),
            _row("lost by tap-helpscout", f"{_lost(size, partial(_tapped, python)):,} of {size:,}"),
        ]
    rows += [
        _row(f"memory, {many:,} conversations", f"{_memory(many):,.0f} MB") for many in FLAT[scale]
    ]
    notes = [] if python else ["tap-helpscout was not measured."]
    return Table(("what", "figure"), rows, notes)


def _row(what: str, figure: object) -> list[str]:
    return [what, str(figure)]


def _decode(pages: list[bytes]) -> None:
    for page in pages:
        json.loads(page)


def _filled(base_url: str) -> set[int]:
    """The ids in an archive that was filled by a process of its own."""
    with _synced(base_url) as url, open_archive(url) as archive, archive.reading() as snapshot:
        return set(snapshot.ids(Interval(BEGINNING, END)))


def _tapped(python: Path, base_url: str) -> set[int]:
    return tap.seen(python, base_url, _token(base_url))


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
    """How many conversations that were there all the time are missing in what a way brings."""
    account = make_account(size, seed=2)
    there = {row.id for row in account.conversations() if row.listed}
    lively = Behaviour(rate_limit=None, churn=CHURN, churn_of=("touch",))
    with running(Simulator(account, lively)) as base_url:
        return len(there - run(base_url))


def _memory(size: int) -> float:
    """The most memory that a process takes which fills an archive, in megabytes."""
    account = make_account(size, seed=3)
    wide = Behaviour(rate_limit=None, page_size=500)
    with running(Simulator(account, wide)) as base_url, _synced(base_url):
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024

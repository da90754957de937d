"""Cached answers over HTTP.

A report that was asked for before, answered from the cache, against the same bytes from two
others on the same server with the same options, each in a process of its own: an ASGI callable
that only sends them, and a starlette route that returns a JSONResponse. Ours alone reads the
query, checks the API key and writes a line to the access log, which goes to a file. A ratio says
how many answers a second ours gives for each one of the peer's. Aim: at least starlette's.
"""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final

from benchmarks.apps import APPLICATIONS, AUTHORIZATION, TARGET
from benchmarks.harness import ROUNDS, Scale, Table, agree, judged, ratio, shown, spread
from benchmarks.load import CONNECTIONS, rate, serving

NEEDS = ("starlette", "uvicorn")
HEADERS: Final = {"Authorization": AUTHORIZATION}
SECONDS: Final[Mapping[Scale, float]] = {"tiny": 0.1, "quick": 1.0, "full": 2.0}


def measure(scale: Scale) -> Table:
    """The ratios, and answers a second."""
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serving(name)) + TARGET for name in APPLICATIONS}
        agree({name: lambda url=url: _asked(url) for name, url in urls.items()})  # type: ignore[misc]
        names = list(urls)
        rates: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(ROUNDS[scale]):
            for name in names:
                rates[name].append(rate(urls[name], HEADERS, SECONDS[scale]))
            names.reverse()
    ours = rates["ours"]
    rows = []
    for peer in ("starlette", "bare ASGI"):
        compared = ratio(ours, rates[peer])
        aim = f"≥ 1: {judged(compared.median, least=1)}" if peer == "starlette" else ""
        took = [shown(spread(each).median) for each in (ours, rates[peer])]
        rows.append([peer, str(compared), aim, *took])
    client = "wrk" if shutil.which("wrk") else "a loader of our own"
    note = f"Load came from {client} over {CONNECTIONS} connections."
    columns = ("peer", "ours / peer", "aim", "ours, a second", "peer, a second")
    return Table(columns, rows, [note])


def _asked(url: str) -> Any:
    request = urllib.request.Request(url, headers=HEADERS)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)

"""Cached answers over HTTP.

A report that was requested before is answered from the cache. The peers send the same bytes, on
the same server with the same options, each in a process of its own: a starlette route that
returns a JSONResponse, without and with a line in a log, and an ASGI callable that only sends
bytes. Ours reads the query, checks the API key, creates a correlation id, and writes a line to
the access log, which is a file. A ratio says how many answers a second ours gives for each answer
of the peer: by the clock, and by the processor time that the servers used, which a busy machine
disturbs less. Aim: by processor time 0.9 of a starlette route that writes a line in a log.
"""

from __future__ import annotations

import json
import math
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from benchmarks.apps import AUTHORIZATION, PEERS, TARGET
from benchmarks.harness import ROUNDS, Scale, Table, agree, judged, ratio, shown, spread
from benchmarks.load import CONNECTIONS, Server, rate, serving

REASON: Final = (
    "Where the aim is missed: ours does what a fixed route does not. It checks the key, creates a "
    "correlation id, looks into the cache with its lock, and sends seven more headers, which the "
    "server checks and writes one by one."
)
NEEDS = ("starlette", "uvicorn")
HEADERS: Final = {"Authorization": AUTHORIZATION}
SECONDS: Final[Mapping[Scale, int]] = {"tiny": 1, "quick": 1, "full": 2}


def measure(scale: Scale) -> Table:
    """The ratios and the answers a second."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(name)) for name in ("ours", *PEERS)}
        agree({name: partial(_asked, server) for name, server in servers.items()})
        rates = _rates(servers, ROUNDS[scale], SECONDS[scale])
    rows = [_row(peer, rates["ours"], rates[peer]) for peer in PEERS]
    client = "wrk" if shutil.which("wrk") else "this project's own load generator"
    load = f"Load came from {client} over {CONNECTIONS} connections."
    columns = ("peer", "ours / peer, by the clock", "by processor time", "aim")
    return Table((*columns, "ours, a second", "peer, a second"), rows, [REASON, load])


Rates = Sequence[tuple[float, float]]
"""Answers a second by the clock and by processor time, round by round."""


def _rates(servers: Mapping[str, Server], rounds: int, seconds: int) -> Mapping[str, Rates]:
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    names = list(servers)
    for _ in range(rounds):
        for name in names:
            before = servers[name].processor_time()
            by_clock = rate(servers[name].url + TARGET, HEADERS, seconds)
            worked = servers[name].processor_time() - before
            rates[name].append((by_clock, by_clock * seconds / worked if worked else math.nan))
        names.reverse()
    return rates


def _row(peer: str, ours: Rates, theirs: Rates) -> list[str]:
    by_clock, by_work = (
        ratio([each[way] for each in ours], [each[way] for each in theirs]) for way in (0, 1)
    )
    is_aim = peer == "starlette with a log"
    aim = f"≥ 0.9: {judged(by_work.median, least=0.9)}" if is_aim else ""
    took = [shown(spread([each[0] for each in rates]).median) for rates in (ours, theirs)]
    shown_work = "" if math.isnan(by_work.median) else str(by_work)
    return [peer, str(by_clock), shown_work, aim, *took]


def _asked(server: Server) -> Any:
    request = urllib.request.Request(server.url + TARGET, headers=HEADERS)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)

"""Importing and starting.

Whole processes from their start to their end, by the processor time they use, against one that
only imports httpx, which every door needs in the end. A ratio says how many times as long ours
takes. Aim: within twice.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.harness import Scale, Table, duration, judged, ratio, spread, take_turns

NEEDS = ("httpx", "uvicorn")
PEER: Final = "import httpx"
OURS: Final[Mapping[str, tuple[str, ...]]] = {
    "import compat": ("-c", "import compat"),
    "from compat import LegacyReports": ("-c", "from compat import LegacyReports"),
    "from compat.asgi import create_app": ("-c", "from compat.asgi import create_app"),
    "helpscout-v1 --help": ("-c", "from compat.cli import main; main(['--help'])"),
    "helpscout-v1 report new --help": (
        "-c",
        "from compat.cli import main; main(['report', 'new', '--help'])",
    ),
}


def measure(scale: Scale) -> Table:
    """The ratio for each of our ways to start."""
    ways = {name: partial(_run, *code) for name, code in {**OURS, PEER: ("-c", PEER)}.items()}
    seconds = take_turns(ways, scale, clock=_worked)
    rows = []
    for name in OURS:
        compared = ratio(seconds[name], seconds[PEER])
        aim = f"≤ 2: {judged(compared.median, most=2)}"
        took = [duration(spread(seconds[each]).median) for each in (name, PEER)]
        rows.append([name, str(compared), aim, *took])
    return Table(("ours", f"ours / {PEER}", "aim", "ours", PEER), rows)


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def _worked() -> float:
    """Processor time of all processes that were started from here and have ended."""
    times = os.times()
    return times.children_user + times.children_system

"""Importing and starting.

The processor time of whole processes, from start to end. The peer only imports httpx, without
httpx's own command line, which is imported where `click` and `rich` are installed. A ratio says
how many times as long ours takes. Aim: at most twice as long. The last two rows have no aim:
pydantic alone, and a service that is ready to answer.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.harness import Scale, Table, duration, judged, ratio, spread, take_turns

REASON: Final = (
    "Where the aim is missed, half of the time is pydantic, which alone takes longer than httpx; "
    "its first model imports more of it, and settings and conventions are such models. The rest is "
    "asyncio and about sixty modules of this project, none of which takes a twentieth of it. The "
    "client of Mailbox API 2.0, engines, answers and the archive are imported when an account "
    "needs them, and the command line reads its options without them. A service that is ready "
    "has imported httpx as well, and has made the models of what Mailbox API 2.0 sends and a TLS "
    "context."
)
NEEDS = ("httpx", "uvicorn")
PEER: Final = "import httpx"
PLAIN: Final = "import sys; sys.modules['click'] = None; "
"""Makes httpx import as if the libraries of its command line were not installed."""

READY_SERVICE: Final = """
from compat.asgi import create_app
from compat import LegacyReports, Settings
settings = Settings(app_id="an-id", app_secret="a-secret", api_keys=["a-key"])
with LegacyReports(settings) as reports:
    create_app(reports)
"""
OURS: Final[Mapping[str, str]] = {
    "import compat": "import compat",
    "from compat import LegacyReports": "from compat import LegacyReports",
    "from compat.asgi import create_app": "from compat.asgi import create_app",
}
COMMANDS: Final[Mapping[str, str]] = {
    "helpscout-v1 --help": "from compat.cli import main; main(['--help'])",
    "helpscout-v1 report --help": "from compat.cli import main; main(['report', '--help'])",
}
"""What needs click; it imports no httpx."""
FOR_COMPARISON: Final[Mapping[str, str]] = {
    "import pydantic, alone": "from pydantic import BaseModel, Field, SecretStr, AwareDatetime",
    "create_app(LegacyReports(…)), ready to answer": READY_SERVICE,
}


def measure(scale: Scale) -> Table:
    """The ratio for each way to start."""
    codes = {**OURS, **FOR_COMPARISON, PEER: PEER}
    plain = {name: PLAIN + code for name, code in codes.items()}
    ways = {name: partial(_run, code) for name, code in {**plain, **COMMANDS}.items()}
    seconds = take_turns(ways, scale, clock=_worked)
    rows = []
    for name in (*OURS, *COMMANDS, *FOR_COMPARISON):
        compared = ratio(seconds[name], seconds[PEER])
        aim = f"≤ 2: {judged(compared.median, most=2)}" if name not in FOR_COMPARISON else ""
        took = [duration(spread(seconds[each]).median) for each in (name, PEER)]
        rows.append([name, str(compared), aim, *took])
    return Table(("what", f"what / {PEER}", "aim", "what", PEER), rows, [REASON])


def _run(code: str) -> None:
    # As installed by pip: compiled once, and not at every start.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)


def _worked() -> float:
    """Processor time of all processes that were started from here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

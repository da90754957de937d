"""Checking recorded answers.

`parity check` reads captures from a file, asks the questions again, and compares the answers. The
conversations come from memory, where an earlier question put them, or from an archive in SQLite,
offline. The questions are different ranges of up to a month in five years, some with a previous
range or a filter. The peer asks the same service the same questions and does nothing else, so the
ratio says what the check itself costs: 1 would be nothing. Memory is how much Python allocates
during the check, in addition to the service. Aim: at most 8 MiB, for any number of captures. The
requests to Help Scout of a check that starts with an empty memory are compared with the number of
rows divided by the rows on a page.
"""

from __future__ import annotations

import math
import random
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydantic import SecretStr

from benchmarks.harness import Scale, Table, judged, shown
from compat import LegacyReports, Settings
from compat.archive.sync.run import Sync, SyncOptions
from compat.parity.captures.models import Capture
from compat.parity.captures.reader import read_captures
from compat.parity.check import Replayer, check
from compat.parity.ignore_rules import Rules
from compat.server.recorder import Record
from compat.simulator import Behaviour, Simulator, make_account, running
from compat.v1.http import LegacyRequest
from compat.v1.query import parse_pairs
from compat.v1.routes import find_route

NEEDS = ("sqlalchemy", "uvicorn")
SINCE: Final = datetime(2014, 1, 1, tzinfo=UTC)
UNTIL: Final = datetime(2019, 1, 1, tzinfo=UTC)
_MAX_GROWTH: Final = 8.0
ROWS: Final[Mapping[Scale, int]] = {"tiny": 200, "quick": 5_000, "full": 20_000}
SIZES: Final[Mapping[Scale, tuple[int, int]]] = {
    "tiny": (10, 20),
    "quick": (100, 1_000),
    "full": (1_000, 10_000),
}


def measure(scale: Scale) -> Table:
    """Speed, cost, memory and requests for two numbers of captures, from both sources."""
    account = make_account(ROWS[scale], 1, UNTIL, SINCE)
    simulator = Simulator(account, Behaviour(rate_limit=None))
    with running(simulator) as base_url, TemporaryDirectory() as folder:
        live = Settings(
            app_id="demo-app",
            app_secret=SecretStr("demo-secret"),
            base_url=base_url,
            answers=1,
            recent_age=86_400,
        )
        archive = SecretStr(f"sqlite:///{Path(folder) / 'archive.db'}")
        kept = live.model_copy(update={"archive": archive})
        Sync(kept, SyncOptions()).run()
        sources = {"remembered": live, "an archive": kept.model_copy(update={"offline": True})}
        rows = []
        for name, settings in sources.items():
            for number in SIZES[scale]:
                path = Path(folder) / f"{number}.jsonl"
                with _warm_service(settings) as reports:
                    _write(reports, path, number)
                    pace, cost = _paced(reports, path)
                    grown = _grown(reports, path) / 1024**2
                asked = _asked(settings, simulator, path)
                rows.append(
                    [
                        f"{number:,}",
                        name,
                        shown(cost),
                        judged(grown, most=_MAX_GROWTH),
                        shown(asked / math.ceil(ROWS[scale] / 50)),
                        f"{pace:,.0f}",
                        f"{grown:.1f} MiB",
                    ]
                )
    columns = ("captures", "conversations", "check / asking alone", "memory", "requests / least")
    return Table((*columns, "captures a second", "memory grows by"), rows)


@contextmanager
def _warm_service(settings: Settings) -> Iterator[LegacyReports]:
    """A service with all conversations in memory."""
    with LegacyReports(settings) as reports:
        reports.new_conversations(start=SINCE, end=UNTIL, view_by="month")
        yield reports


def _write(reports: LegacyReports, path: Path, number: int) -> None:
    rng = random.Random(number)
    with path.open("w", encoding="utf-8") as file:
        for at in range(number):
            target = _target(rng, at)
            answer = reports.answer(target, authorization="Basic a2V5Olg=")
            record = Record(target=target, status=answer.status, body=answer.body.decode())
            file.write(record.model_dump_json() + "\n")


def _target(rng: random.Random, at: int) -> str:
    def spell(instant: datetime) -> str:
        return instant.strftime("%Y-%m-%dT%H:%M:%SZ")

    length = timedelta(days=rng.randint(1, 31))
    start = SINCE + length + timedelta(minutes=rng.randrange(1_400 * 24 * 60), seconds=at % 60)
    target = f"/v1/reports/conversations/new.json?start={spell(start)}&end={spell(start + length)}"
    if at % 4 == 0:
        target += f"&previousStart={spell(start - length)}&previousEnd={spell(start)}"
    filters = ("", "&types=email,chat", "&tags=1", "&mailboxes=8501")
    return f"{target}&viewBy={rng.choice(('day', 'week'))}{rng.choice(filters)}"


def _paced(reports: LegacyReports, path: Path) -> tuple[float, float]:
    """Captures a second, and how many times as much processor time as asking alone."""
    began, busy = time.perf_counter(), time.process_time()
    number = _checked(reports, path)
    lasted, ours = time.perf_counter() - began, time.process_time() - busy
    busy = time.process_time()
    for each in read_captures([str(path)]):
        assert isinstance(each, Capture)
        request = LegacyRequest.from_target(each.target)
        reports.compute(find_route("GET", request.path).report, parse_pairs(request.query))
    return number / lasted, ours / (time.process_time() - busy)


def _grown(reports: LegacyReports, path: Path) -> int:
    """Bytes that a check allocates at most, in addition to what was allocated before."""
    tracemalloc.start()
    try:
        _checked(reports, path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _asked(settings: Settings, simulator: Simulator, path: Path) -> int:
    """The number of requests of a check that starts with an empty memory."""
    before = simulator.requests["/v2/conversations"]
    with LegacyReports(settings) as reports:
        _checked(reports, path)
    return int(simulator.requests["/v2/conversations"] - before)


def _checked(reports: LegacyReports, path: Path) -> int:
    """Check all captures, which must be equal, and return their number."""
    number = 0
    for verdict in check(read_captures([str(path)]), Replayer(reports), Rules()):
        assert verdict.outcome == "equal", verdict
        number += 1
    return number

"""What old programs ask is recorded by the server, and checked: equal, until something changes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.settings import Settings
from compat.parity.captures.reader import read_captures
from compat.parity.check import Replayer, check
from compat.parity.ignore_rules import Rules
from compat.parity.verdicts import Verdict
from compat.server.recorder import Recorder
from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator, make_account
from tests.integration.exactness.simulated_upstream import NOW, SINCE, Upstream
from tests.integration.exactness.test_old_programs import (
    DOCUMENTED,
    GOLDEN,
    call,
    documented_account,
)
from tests.unit.server.threaded_server import LOOPBACK, serving

KEYS = {"api_keys": (SecretStr("60783dd23ef"),)}
DAYS = [
    f"/v1/reports/conversations/new.json?start=2019-{month:02}-{day:02}T00:00:00Z"
    f"&end=2019-{month:02}-{day:02}T23:59:59Z&viewBy=day"
    for month in (3, 4, 5)
    for day in range(1, 31)
]


def record(settings: Settings, path: Path, lines: list[tuple[str, str]]) -> None:
    """What a server writes down while programs ask it."""
    with (
        LegacyReports(settings) as reports,
        Recorder(path) as recorder,
        serving(create_app(reports, recorder=recorder), lifespan="off") as port,
    ):
        for target, authorization in lines:
            call(f"{LOOPBACK}:{port}", target, authorization)


def checked(settings: Settings, path: Path) -> list[Verdict]:
    with LegacyReports(settings) as reports:
        return list(check(read_captures([str(path)]), Replayer(reports), Rules()))


def test_every_known_request_line_is_recorded_and_checked_equal(
    upstream_server: Upstream, tmp_path: Path
) -> None:
    settings = upstream_server.show(Simulator(documented_account(), Behaviour(rate_limit=None)))
    path = tmp_path / "old.jsonl"
    lines = [(line["target"], line["authorization"]) for line in GOLDEN]
    record(settings.model_copy(update=KEYS), path, lines)
    verdicts = checked(settings, path)
    assert len(verdicts) == len(GOLDEN)
    assert {verdict.outcome for verdict in verdicts} == {"equal"}, verdicts


def test_conversations_that_have_gone_since_are_told_week_by_week(
    upstream_server: Upstream, tmp_path: Path
) -> None:
    account = documented_account()
    settings = upstream_server.show(Simulator(account, Behaviour(rate_limit=None)))
    path = tmp_path / "old.jsonl"
    record(settings.model_copy(update=KEYS), path, [(DOCUMENTED, "Basic NjA3ODNkZDIzZWY6eA==")])
    first = min(account.conversations(), key=lambda row: (-row.created // 31_536_000, row.created))
    account.delete(first.id)
    (verdict,) = checked(settings, path)
    assert verdict.deltas == {"current": -1, "previous": 0}
    assert [place.path for place in verdict.differences] == ["current[0].count"]


def test_many_short_ranges_cost_few_requests(upstream_server: Upstream, tmp_path: Path) -> None:
    simulator = Simulator(make_account(300, 3, NOW, SINCE), Behaviour(rate_limit=None))
    settings = upstream_server.show(simulator)
    path = tmp_path / "old.jsonl"
    authorization = "Basic NjA3ODNkZDIzZWY6eA=="
    record(settings.model_copy(update=KEYS), path, [(day, authorization) for day in DAYS])
    before = Counter(simulator.requests)["/v2/conversations"]
    assert {verdict.outcome for verdict in checked(settings, path)} == {"equal"}
    asked = simulator.requests["/v2/conversations"] - before
    assert before >= len(DAYS)
    assert asked < len(DAYS) / 3

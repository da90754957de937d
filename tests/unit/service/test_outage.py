"""Callers, the log and `/readyz` say that Help Scout does not answer, as soon as it is known."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from pydantic import SecretStr

from compat.archive.database import open_archive
from compat.config.environment import EngineChoice
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator
from compat.simulator.behaviour import Plan
from compat.sources.live import LiveSource
from compat.v1.http import LegacyRequest
from compat.v2.errors import Redirected, UntrustedCertificate, UpstreamError
from compat.v2.models import ListPage
from tests.integration.exactness.simulated_upstream import Upstream, upstream
from tests.unit.doctor.conftest import account_of
from tests.unit.engines.successor import Secretive
from tests.unit.service.doubles import JANUARY, LONG, basic, use_manual_clock
from tests.unit.v2.upstream import one_tls_context


@pytest.fixture(scope="module")
def served() -> Iterator[Upstream]:
    with upstream() as made, one_tls_context():
        yield made


@pytest.fixture
def simulator(served: Upstream) -> Simulator:
    return Simulator(account_of(0), Behaviour())


@pytest.fixture
def alive(served: Upstream, simulator: Simulator) -> Settings:
    return served.show(simulator)


@pytest.fixture
def dead(alive: Settings) -> Settings:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return alive.model_copy(update={"base_url": f"http://127.0.0.1:{port}/v2"})


def problems(reports: LegacyReports) -> dict[str, str | None]:
    return asyncio.run(reports.problems())


def first_failure(reports: LegacyReports, account: str = "default") -> threading.Event:
    """Set once an attempt to reach Help Scout has failed, and the log says so."""
    failed = threading.Event()
    source = reports.accounts[account]._source
    assert isinstance(source, LiveSource)
    log = source.client.on_outage

    def note(error: UpstreamError) -> None:
        log(error)
        failed.set()

    source.client.on_outage = note
    return failed


def upstream_log(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "compat.upstream"]


def test_the_503_of_an_impatient_caller_names_the_failure(dead: Settings) -> None:
    with LegacyReports(dead) as reports:
        failed = first_failure(reports)
        pending = reports.start(LegacyRequest.from_target(JANUARY, authorization=basic()))
        assert failed.wait(LONG)
        answer = pending.wait(0)
    assert answer.status == 503
    message = json.loads(answer.body)["error"]
    assert "no answer from 127.0.0.1" in message
    assert "still being fetched" not in message


def test_the_first_failure_is_logged_at_once_and_the_next_ones_are_not(
    dead: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with stamina.set_testing(True, attempts=3), LegacyReports(dead) as reports:
        assert reports.answer(JANUARY, authorization=basic()).status == 503
    (line,) = upstream_log(caplog)
    assert line.startswith("account default: no answer from 127.0.0.1")


def test_a_failure_is_logged_again_after_a_minute(
    dead: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual_clock = use_manual_clock(monkeypatch)
    with stamina.set_testing(True, attempts=1), LegacyReports(dead) as reports:
        for seconds in (0, 59, 2):
            manual_clock.now += seconds
            reports.answer(JANUARY, authorization=basic())
    assert len(upstream_log(caplog)) == 2


@pytest.fixture
def silent(alive: Settings) -> Iterator[Settings]:
    """Settings that lead to a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        yield alive.model_copy(update={"base_url": f"http://127.0.0.1:{port}/v2"})


def test_the_503_of_an_impatient_caller_says_that_nothing_answers(
    silent: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.v2.client._SILENT", 0.1)
    with LegacyReports(silent) as reports:
        answer = reports.answer(JANUARY, authorization=basic(), patience=0.5)
    assert answer.status == 503
    message = json.loads(answer.body)["error"]
    assert re.search(r"tried again: no answer from 127\.0\.0\.1:[0-9]+ for [01] s$", message)


def test_an_upstream_that_is_slow_to_begin_with_is_no_outage(silent: Settings) -> None:
    with LegacyReports(silent) as reports:
        answer = reports.answer(JANUARY, authorization=basic(), patience=0.5)
        assert reports.accounts["default"].outage is None
    assert "still being fetched" in json.loads(answer.body)["error"]


def test_an_upstream_that_is_asked_nothing_is_no_outage(
    alive: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compat.v2.client._SILENT", 0)
    with LegacyReports(alive) as reports:
        assert reports.accounts["default"].outage is None
        assert reports.answer(JANUARY, authorization=basic()).status == 200
        assert reports.accounts["default"].outage is None


def test_an_answer_ends_the_outage(alive: Settings, simulator: Simulator) -> None:
    simulator.behaviour = Behaviour(fail_rate=1)
    with stamina.set_testing(True, attempts=1), LegacyReports(alive) as reports:
        assert reports.answer(JANUARY, authorization=basic()).status == 503
        assert reports.accounts["default"].outage is not None
        simulator.behaviour = Behaviour()
        assert reports.answer(JANUARY, authorization=basic()).status == 200
        assert reports.accounts["default"].outage is None


def test_a_rate_limit_is_no_outage(alive: Settings, served: Upstream) -> None:
    served.app = Simulator(account_of(0), Behaviour(limit_rate=1, limit_wait=0))
    with stamina.set_testing(True, attempts=1), LegacyReports(alive) as reports:
        source = reports.accounts["default"]._source
        assert isinstance(source, LiveSource)
        with pytest.raises(UpstreamError) as caught:
            source.client.get("/mailboxes", {}, ListPage)
        assert caught.value.status == 429
        assert reports.accounts["default"].outage is None


def test_a_refused_account_is_logged_by_the_place_of_its_credentials(
    alive: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = alive.model_copy(update={"app_secret": SecretStr("a-wrong-secret")})
    keys = {name: (SecretStr(f"{name}-key"),) for name in ("acme", "other")}
    accounts = {name: wrong.model_copy(update={"api_keys": keys[name]}) for name in keys}
    with LegacyReports(accounts) as reports:
        answer = reports.answer(JANUARY, authorization=basic("acme-key"))
    assert answer.status == 403
    assert b"HELPSCOUT_APP_ID" in answer.body
    (line,) = upstream_log(caplog)
    assert line.startswith("account acme: ")
    assert "app_id and app_secret of [acme]" in line
    assert "HELPSCOUT_APP_ID" not in line
    assert "a-wrong-secret" not in line


def test_the_only_account_is_logged_by_its_variables(
    alive: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = alive.model_copy(update={"app_secret": SecretStr("a-wrong-secret")})
    with LegacyReports(wrong) as reports:
        reports.answer(JANUARY, authorization=basic())
    (line,) = upstream_log(caplog)
    assert "HELPSCOUT_APP_ID and HELPSCOUT_APP_SECRET" in line


def test_an_answer_that_refuses_the_application_is_logged(
    served: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    shown = served.show(Secretive(account_of(3), Behaviour()))
    with LegacyReports(shown) as reports:
        assert reports.answer(JANUARY, authorization=basic()).status == 403
    (line,) = (each.getMessage() for each in caplog.records if each.name == "compat")
    assert "does not let this account's application see its conversations" in line


@pytest.mark.parametrize(
    ("error", "variable"),
    [
        (Redirected("answered with a redirect"), "HELPSCOUT_BASE_URL"),
        (UntrustedCertificate("no answer"), "COMPAT_CA_FILE"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_the_log_names_the_setting_that_can_end_an_outage(
    alive: Settings, caplog: pytest.LogCaptureFixture, error: UpstreamError, variable: str
) -> None:
    with LegacyReports(alive) as reports:
        source = reports.accounts["default"]._source
        assert isinstance(source, LiveSource)
        source.client.on_outage(error)
    (line,) = upstream_log(caplog)
    assert line.endswith(f"; check {variable}")


def test_an_account_whose_upstream_answers_is_ready(alive: Settings) -> None:
    with LegacyReports(alive) as reports:
        assert problems(reports) == {"default": None}


def test_each_account_is_ready_or_not_by_itself(alive: Settings, dead: Settings) -> None:
    wrong = alive.model_copy(update={"app_secret": SecretStr("a-wrong-secret")})
    accounts = {
        name: each.model_copy(update={"api_keys": (SecretStr(f"{name}-key"),)})
        for name, each in {"alive": alive, "dead": dead, "wrong": wrong}.items()
    }
    with LegacyReports(accounts) as reports:
        found = problems(reports)
    assert found["alive"] is None
    assert "no answer from 127.0.0.1" in str(found["dead"])
    assert "refuses this account's application" in str(found["wrong"])
    assert "a-wrong-secret" not in str(found)


@pytest.mark.parametrize(
    "behaviour", [Behaviour(fail_rate=1), Behaviour(garble_rate=1), Behaviour(drop_rate=1)]
)
def test_an_account_whose_upstream_fails_is_not_ready(
    alive: Settings, simulator: Simulator, behaviour: Behaviour
) -> None:
    simulator.behaviour = behaviour
    with LegacyReports(alive) as reports:
        assert "cannot be" in str(problems(reports)["default"])


@pytest.mark.parametrize(
    ("engine", "plan", "secretive", "problem"),
    [
        ("computed", "standard", False, None),
        ("computed", "plus", True, "see its conversations"),
        ("relayed", "plus", False, None),
        ("relayed", "plus", True, None),
        ("relayed", "standard", False, "set COMPAT_ENGINE to computed"),
        ("auto", "standard", False, None),
        ("auto", "plus", True, None),
        ("auto", "standard", True, "see its conversations"),
    ],
)
def test_an_account_is_ready_if_the_engine_that_is_set_can_answer(
    served: Upstream, engine: EngineChoice, plan: Plan, secretive: bool, problem: str | None
) -> None:
    kind = Secretive if secretive else Simulator
    shown = served.show(kind(account_of(3), Behaviour(rate_limit=None), plan=plan))
    with LegacyReports(shown.model_copy(update={"engine": engine})) as reports:
        found = problems(reports)["default"]
    assert (problem is None) == (found is None)
    assert problem is None or problem in str(found)


def test_readiness_of_relayed_reports_needs_one_request(served: Upstream) -> None:
    simulator = Simulator(account_of(3), Behaviour(rate_limit=None), plan="plus")
    settings = served.show(simulator).model_copy(update={"engine": "relayed"})
    with LegacyReports(settings) as reports:
        assert problems(reports) == problems(reports) == {"default": None}
    asked = [path for path in simulator.requests if "token" not in path]
    assert len(asked) == 1
    assert "/reports/" in asked[0]


def test_an_engine_that_relays_is_not_ready_while_help_scout_fails(
    served: Upstream, dead: Settings
) -> None:
    with LegacyReports(dead.model_copy(update={"engine": "relayed"})) as reports:
        assert "no answer from 127.0.0.1" in str(problems(reports)["default"])


def test_whether_an_account_is_ready_is_checked_once_in_ten_seconds(
    alive: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual_clock = use_manual_clock(monkeypatch)
    with LegacyReports(alive) as reports:
        problems(reports)
        after_one = simulator.requests.total()
        manual_clock.now += 9
        problems(reports)
        assert simulator.requests.total() == after_one
        manual_clock.now += 2
        problems(reports)
        assert simulator.requests.total() == after_one + 1


def test_an_archive_without_help_scout_is_ready_while_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with open_archive(f"sqlite:///{path}", create=True):
        pass
    with LegacyReports(Settings(archive=SecretStr(f"sqlite:///{path}"), offline=True)) as reports:
        assert problems(reports) == {"default": None}


def test_a_closed_service_is_not_ready(alive: Settings) -> None:
    with LegacyReports(alive) as reports:
        pass
    assert problems(reports)["default"]

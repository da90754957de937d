"""Figures for Prometheus: what is counted, and what never shows."""

from __future__ import annotations

import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

import compat
from compat.asgi import create_app
from compat.config.settings import Settings
from compat.core.models import SourceWithStats
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, make_account, running
from compat.sources.live import LiveSource
from tests.unit.server.commands import environment, run
from tests.unit.server.threaded_server import KEY, ask, serving
from tests.unit.service.doubles import FIRST, JANUARY, LONG, PATH, FakeSource, basic, reports_on

TOTAL = "requests_total"
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@contextmanager
def measured(fake_source: FakeSource, **settings: Any) -> Iterator[int]:
    with (
        reports_on(fake_source, metrics=True, **settings) as reports,
        serving(create_app(reports), lifespan="off") as port,
    ):
        yield port


@contextmanager
def in_front_of(simulator: Simulator, *, knows: bool = True) -> Iterator[int]:
    with running(simulator) as base_url:
        settings = Settings(
            app_id="demo-app",
            app_secret=SecretStr("demo-secret" if knows else "another"),
            base_url=base_url,
            api_keys=(SecretStr("an-old-key"),),
            metrics=True,
        )
        with (
            LegacyReports({"acme": settings}) as reports,
            serving(create_app(reports), lifespan="off") as port,
        ):
            yield port


def figures(port: int) -> Figures:
    """Every sample of the page, by its name and labels."""
    answer = ask(port, "/metrics", headers={})
    assert answer.status == 200
    return {
        (sample.name.removeprefix("helpscout_v1_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def figure(port: int, name: str, **labels: str) -> float | None:
    return figures(port).get((name, frozenset(labels.items())))


def test_unless_they_are_wanted_there_are_none(port: int) -> None:
    answer = ask(port, "/metrics", headers={})
    assert answer.status == 404
    assert answer.json["error"] == "The specified resource was not found: '/metrics'"


def test_they_are_text_of_the_kind_that_prometheus_reads(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        answer = ask(port, "/metrics", headers={})
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["correlation-id"]


def test_they_are_only_read(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        assert ask(port, "/metrics", method="POST").status == 404


def test_requests_are_counted_by_route_and_status(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        for target, headers in [
            *((JANUARY, KEY), (JANUARY, KEY), (PATH, KEY), (JANUARY, {})),
            *(("/v1/mailboxes/7/folders.json?page=x", KEY), ("/healthz", {}), ("/x/y", {})),
        ]:
            ask(port, target, headers=headers)
        printed_text = {
            labels: value for (name, labels), value in figures(port).items() if name == TOTAL
        }
    assert {
        tuple(value for _, value in sorted(labels)): printed_text[labels] for labels in printed_text
    } == {
        (PATH, "200"): 2,
        (PATH, "400"): 1,
        (PATH, "401"): 1,
        ("/v1/mailboxes/{mailbox}/folders.json", "400"): 1,
        ("/healthz", "200"): 1,
        ("other", "404"): 1,
    }


def test_unknown_paths_do_not_make_the_page_grow(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        ask(port, "/a")
        before = figures(port).keys()
        for number in range(20):
            ask(port, f"/a/{number}?x={number}", headers={"Authorization": basic(f"k{number}")})
        assert len(figures(port).keys() - before) < 20


def unanswered(port: int) -> dict[str, float]:
    return {
        dict(labels)["path"]: value
        for (name, labels), value in figures(port).items()
        if name == "unanswered_requests_total"
    }


def test_paths_of_the_old_api_that_are_not_answered_are_counted(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        for target in (
            *("/v1/reports/docs.json?start=x", "/v1//reports/docs.json", "/v1/reports/none.json"),
            *("/v1/conversations/123.json", "/v1/conversations.json", "/v1/customers.json"),
            *("/v1/", "/v1/nowhere/docs.json"),
            *(JANUARY, PATH, "/healthz", "/nowhere", "/v2/conversations"),
        ):
            ask(port, target)
        found = unanswered(port)
    assert found == {
        "/v1/reports/docs.json": 2,
        "/v1/reports": 1,
        "/v1/conversations": 2,
        "/v1/customers": 1,
        "other": 2,
    }


def test_no_caller_can_add_a_name_to_the_unanswered_paths(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        for number in range(20):
            ask(port, f"/v1/x{number}/y.json")
            ask(port, f"/v1/reports/x{number}.json")
            ask(port, f"/v1/conversations/{number}.json")
        assert set(unanswered(port)) == {"other", "/v1/reports", "/v1/conversations"}


def test_the_versions_of_the_program_and_of_python_show(fake_source: FakeSource) -> None:
    labels = {"version": compat.__version__, "python": platform.python_version()}
    with measured(fake_source) as port:
        assert figure(port, "build_info", **labels) == 1


@contextmanager
def with_archive(path: Path, *options: str) -> Iterator[int]:
    """A server above an archive that `sync` has just made."""
    with running(Simulator(make_account(30))) as base_url:
        variables = {
            "HELPSCOUT_APP_ID": "demo-app",
            "HELPSCOUT_APP_SECRET": "demo-secret",
            "HELPSCOUT_BASE_URL": base_url,
            "COMPAT_ARCHIVE": str(path),
            "COMPAT_METRICS": "true",
        }
        done = run("sync", *options, **variables)
        assert done.returncode == 0, done.stderr
        with (
            LegacyReports({"acme": Settings.from_env(variables)}) as reports,
            serving(create_app(reports), lifespan="off") as port,
        ):
            yield port


@pytest.mark.parametrize("options", [(), ("--threads",)])
def test_the_age_of_an_archive_and_of_its_threads_shows(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    before = time.time()
    with with_archive(tmp_path / "archive.db", *options) as port:
        age = figure(port, "archive_age_seconds", account="acme")
        threads_age = figure(port, "archive_threads_age_seconds", account="acme")
    most = time.time() - before + 2
    assert age is not None
    assert 0 <= age <= most
    assert (threads_age is not None) == bool(options)
    assert threads_age is None or 0 <= threads_age <= most


def test_an_archive_that_fails_hides_no_other_figure(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with with_archive(path) as port:
        with closing(sqlite3.connect(path)) as database:
            database.execute("DROP TABLE known")
        assert figure(port, "questions_under_way", account="acme") == 0
        assert figure(port, "archive_age_seconds", account="acme") is None


def test_without_an_archive_no_age_shows(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        assert not {name for name, _ in figures(port) if "archive" in name}


def test_the_time_that_answers_take_is_shown(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        ask(port, JANUARY)
        shown = figures(port)
    assert shown["request_seconds_count", frozenset({("route", PATH)})] == 1
    assert 0 < shown["request_seconds_sum", frozenset({("route", PATH)})] < LONG


def test_cached_answers_are_counted_apart_from_computed_ones(fake_source: FakeSource) -> None:
    fake_source.kept = LONG
    with measured(fake_source) as port:
        for _ in range(3):
            ask(port, JANUARY)
        ask(port, PATH)
        assert figure(port, "answers_total", account="default", source="fetched") == 1
        assert figure(port, "answers_total", account="default", source="cache") == 2


def test_as_of_when_the_last_report_is_shows(fake_source: FakeSource) -> None:
    with measured(fake_source) as port:
        assert figure(port, "answer_as_of_timestamp_seconds", account="default") is None
        ask(port, JANUARY)
        as_of = figure(port, "answer_as_of_timestamp_seconds", account="default")
    assert as_of == 1_425_254_400


def test_questions_under_way_show_while_they_are_worked_on(fake_source: FakeSource) -> None:
    fake_source.gate.clear()
    with measured(fake_source, patience=0.01) as port:
        assert figure(port, "questions_under_way", account="default") == 0
        assert ask(port, JANUARY).status == 503
        assert fake_source.started.wait(LONG)
        assert figure(port, "questions_under_way", account="default") == 1
        fake_source.gate.set()


def test_a_source_without_figures_shows_none(fake_source: FakeSource) -> None:
    assert not isinstance(fake_source, SourceWithStats)
    with measured(fake_source) as port:
        assert figure(port, "rows_remembered", account="default") == 0
        assert figure(port, "rate_budget_left", account="default") is None


def test_what_is_fetched_shows_by_account() -> None:
    account = Account()
    for second in range(3):
        account.add(FIRST + second)
    assert issubclass(LiveSource, SourceWithStats)
    with in_front_of(Simulator(account, Behaviour(rate_limit=400))) as port:
        assert figure(port, "rate_budget_left", account="acme") is None
        assert ask(port, JANUARY).status == 200
        assert figure(port, "rows_remembered", account="acme") == 3
        left = figure(port, "rate_budget_left", account="acme")
        assert left is not None
        assert 390 < left < 400
        asked = figure(port, "upstream_requests_total", account="acme", outcome="answered")
        assert asked is not None
        assert asked >= 2  # signed in, and asked


def test_refusals_of_upstream_show() -> None:
    with in_front_of(Simulator(Account(), Behaviour(rate_limit=None)), knows=False) as port:
        assert ask(port, JANUARY).status == 403
        assert figure(port, "upstream_requests_total", account="acme", outcome="refused") == 1


def test_no_key_no_secret_and_no_value_of_a_query_shows() -> None:
    account = Account()
    account.add(FIRST)
    with in_front_of(Simulator(account, Behaviour(rate_limit=None))) as port:
        ask(port, f"{JANUARY}&tags=987654321")
        ask(port, JANUARY, headers={"Authorization": basic("a-strange-key")})
        page = ask(port, "/metrics", headers={}).body.decode()
    for hidden in ("an-old-key", "a-strange-key", "987654321", "demo-secret", "2015-01"):
        assert hidden not in page


def test_two_servers_in_one_process_count_apart(fake_source: FakeSource) -> None:
    with measured(fake_source) as one, measured(fake_source) as other:
        ask(one, "/healthz")
        labels = {"route": "/healthz", "status": "200"}
        assert figure(one, TOTAL, **labels) == 1
        assert figure(other, TOTAL, **labels) is None


def test_accounts_that_came_later_show(fake_source: FakeSource) -> None:
    ready = Settings(
        app_id="an-app",
        app_secret=SecretStr("a-secret"),
        api_keys=(SecretStr("k"),),
        metrics=True,
    )
    with (
        LegacyReports({"one": ready}) as reports,
        serving(create_app(reports), lifespan="off") as port,
    ):
        reports.reload({"two": ready})
        assert figure(port, "rows_remembered", account="two") == 0
        assert figure(port, "rows_remembered", account="one") is None


def test_without_the_library_it_says_what_to_install() -> None:
    blocked = "import sys; sys.modules['prometheus_client'] = None; from compat.cli import main; "
    done = subprocess.run(
        [sys.executable, "-c", f"{blocked}sys.exit(main(['serve', '--demo', '--port', '0']))"],
        env=environment({"COMPAT_METRICS": "true"}),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'helpscout-v1-compat[metrics]'" in done.stderr
    assert "Traceback" not in done.stderr

"""What `/progress.json` shows of the answers that are being computed, over real HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, running
from tests.unit.server.threaded_server import KEY, Stage, ask
from tests.unit.service.doubles import FIRST, JANUARY, LONG, FakeSource, basic, reports_on

PROGRESS = "/progress.json"
SECRET = "a-key-in-a-query"


@pytest.fixture
def slow(fake_source: FakeSource) -> FakeSource:
    fake_source.gate.clear()
    return fake_source


@contextmanager
def impatient(stage: tuple[Stage, int], source: FakeSource, **settings: object) -> Iterator[int]:
    """A server on which no caller waits for an answer."""
    with reports_on(source, patience=0.01, **settings) as reports:
        stage[0].app = create_app(reports)
        yield stage[1]
        source.gate.set()


def shown(port: int, key: str | None = None) -> list[dict[str, Any]]:
    headers = KEY if key is None else {"Authorization": basic(key)}
    answer = ask(port, PROGRESS, headers=headers)
    assert answer.status == 200
    assert set(answer.json) == {"progress"}
    found: list[dict[str, Any]] = answer.json["progress"]
    return found


def test_nothing_is_shown_while_nothing_is_computed(port: int) -> None:
    ask(port, JANUARY)
    assert shown(port) == []


def test_a_question_shows_with_how_far_it_has_come(
    stage: tuple[Stage, int], slow: FakeSource
) -> None:
    slow.received, slow.expected, slow.waits = 250, 1000, 0.24
    before = datetime.now(UTC).replace(microsecond=0)
    with impatient(stage, slow) as port:
        ask(port, JANUARY)
        [row] = shown(port)
    since = datetime.fromisoformat(row.pop("since"))
    assert before <= since <= before + timedelta(seconds=LONG)
    assert row == {
        "path": JANUARY.partition("?")[0],
        "query": JANUARY.partition("?")[2],
        "requests_done": 10,
        "requests_left": 30,
        "seconds_left": 30.2,
    }


def test_the_seconds_left_are_those_of_retry_after(
    stage: tuple[Stage, int], slow: FakeSource
) -> None:
    slow.received, slow.expected = 250, 1000
    with impatient(stage, slow) as port:
        retry_after = int(ask(port, JANUARY).headers["retry-after"])
        assert shown(port)[0]["seconds_left"] == retry_after == 30


def test_what_is_not_known_yet_is_null(stage: tuple[Stage, int], slow: FakeSource) -> None:
    with impatient(stage, slow) as port:
        ask(port, JANUARY)
        [row] = shown(port)
    assert (row["requests_done"], row["requests_left"], row["seconds_left"]) == (0, None, None)


def test_queued_questions_show_behind_those_that_are_computed(
    stage: tuple[Stage, int], slow: FakeSource
) -> None:
    with impatient(stage, slow, jobs=1) as port:
        for days in ("day", "week", "month"):
            ask(port, f"{JANUARY}&viewBy={days}")
        assert [row["query"][-9:] for row in shown(port)] == ["iewBy=day", "ewBy=week", "wBy=month"]


def test_equal_questions_are_one(stage: tuple[Stage, int], slow: FakeSource) -> None:
    with impatient(stage, slow) as port:
        ask(port, JANUARY)
        ask(port, JANUARY.replace("/v1/", "/v1//").replace("T00:00:00Z", ""))
        assert [row["query"] for row in shown(port)] == [JANUARY.partition("?")[2]]


def test_an_answered_question_is_gone(stage: tuple[Stage, int], slow: FakeSource) -> None:
    with impatient(stage, slow) as port:
        ask(port, JANUARY)
        slow.gate.set()
        end = time.monotonic() + LONG
        while shown(port):
            assert time.monotonic() < end


def test_the_ids_of_a_path_stand_in_it(stage: tuple[Stage, int], slow: FakeSource) -> None:
    with impatient(stage, slow) as port:
        ask(port, "/v1/mailboxes/17/folders.json?page=2&mailbox=3")
        [row] = shown(port)
    assert (row["path"], row["query"]) == ("/v1/mailboxes/17/folders.json", "page=2")


def test_lists_can_be_sent_again_as_they_show(stage: tuple[Stage, int], slow: FakeSource) -> None:
    with impatient(stage, slow) as port:
        ask(port, f"{JANUARY}&tags[]=1&tags[]=2&types=email,chat&mailboxes=1")
        [row] = shown(port)
        ask(port, f"{row['path']}?{row['query']}")
        assert shown(port) == [row]
    assert row["query"].endswith("&tags%5B%5D=1&tags%5B%5D=2&types=email,chat&mailboxes=1")


@pytest.mark.parametrize("parameter", [f"key={SECRET}", SECRET, f"{SECRET}=1", f"mailbox={SECRET}"])
def test_what_has_no_effect_is_not_shown_as_it_may_be_a_secret(
    stage: tuple[Stage, int], slow: FakeSource, parameter: str
) -> None:
    with impatient(stage, slow) as port:
        ask(port, f"{JANUARY}&{parameter}")
        page = ask(port, PROGRESS).body.decode()
    assert JANUARY.partition("?")[2] in page
    assert SECRET not in page
    assert "an-old-key" not in page


@pytest.mark.parametrize("headers", [{}, {"Authorization": basic("wrong")}])
def test_it_needs_the_old_api_key_as_reports_do(
    stage: tuple[Stage, int], slow: FakeSource, headers: dict[str, str]
) -> None:
    with impatient(stage, slow, api_keys=("an-old-key",)) as port:
        report, progress = (ask(port, path, headers=headers) for path in (JANUARY, PROGRESS))
    assert report.status == progress.status == 401
    assert report.body == progress.body
    assert report.headers["www-authenticate"] == progress.headers["www-authenticate"]


def test_no_browser_and_no_proxy_keeps_it(port: int) -> None:
    assert ask(port, PROGRESS).headers["cache-control"] == "no-store"


def test_head_is_answered_as_get_without_the_body(port: int) -> None:
    answer = ask(port, PROGRESS, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(ask(port, PROGRESS).body))


def simulated(conversations: int, spam: int = 0) -> Simulator:
    account = Account()
    for number in range(conversations):
        account.add(FIRST + number * 600, status="spam" if number < spam else "active")
    return Simulator(account, Behaviour(rate_limit=None, latency=0.05))


def settings_for(base_url: str, key: str, **others: Any) -> Settings:
    return Settings(
        **others,
        app_id="demo-app",
        app_secret=SecretStr("demo-secret"),
        base_url=base_url,
        api_keys=(SecretStr(key),),
        patience=0.01,
        parallel=1,
    )


def test_while_help_scout_answers_the_requests_done_grow_and_those_left_shrink(
    stage: tuple[Stage, int],
) -> None:
    with (
        running(simulated(500)) as base_url,
        LegacyReports(settings_for(base_url, "an-old-key")) as reports,
    ):
        stage[0].app = create_app(reports)
        ask(stage[1], JANUARY)
        seen: list[dict[str, Any]] = []
        while rows := shown(stage[1]):
            seen += rows
            time.sleep(0.02)
    counted = [row for row in seen if row["requests_left"] is not None]
    done = [row["requests_done"] for row in counted]
    left = [row["requests_left"] for row in counted]
    assert done == sorted(done)
    assert done[0] < done[-1]
    assert left[0] > left[-1]
    assert all(row["seconds_left"] <= 10 for row in counted)
    assert {row["since"] for row in seen} == {seen[0]["since"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", seen[0]["since"])


def test_totals_have_as_many_requests_left_as_they_then_take(stage: tuple[Stage, int]) -> None:
    with (
        running(simulated(2000, spam=100)) as base_url,
        LegacyReports(settings_for(base_url, "an-old-key", count_by="totals")) as reports,
    ):
        stage[0].app = create_app(reports)
        by_day = f"{JANUARY}&viewBy=day"
        ask(stage[1], by_day)
        seen: list[dict[str, Any]] = []
        while rows := shown(stage[1]):
            seen += rows
            time.sleep(0.02)
        assert ask(stage[1], by_day).headers["compat-engine"] == "totals"
    counted = [row for row in seen if row["requests_left"] is not None]
    done = [row["requests_done"] for row in counted]
    assert done == sorted(done)
    assert done[0] < done[-1]
    sums = [row["requests_done"] + row["requests_left"] for row in counted]
    assert sums == sorted(sums, reverse=True)
    assert sums[-1] >= 32  # the whole month, and each of its days
    assert all(row["seconds_left"] is not None for row in counted)


def test_only_the_questions_of_the_own_account_show(stage: tuple[Stage, int]) -> None:
    with (
        running(simulated(200)) as first,
        running(simulated(200)) as second,
        LegacyReports(
            {"acme": settings_for(first, "key-a"), "globex": settings_for(second, "key-b")}
        ) as reports,
    ):
        stage[0].app = create_app(reports)
        ask(stage[1], JANUARY, headers={"Authorization": basic("key-a")})
        assert [row["path"] for row in shown(stage[1], "key-a")] == [JANUARY.partition("?")[0]]
        assert shown(stage[1], "key-b") == []

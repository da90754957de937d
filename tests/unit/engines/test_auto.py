"""`auto` computes, and gives way to the successor where that is refused or cannot be exact."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from compat.v1.http import LegacyResponse
from tests.integration.exactness import simulated_upstream
from tests.unit.engines.successor import (
    JANUARY,
    NEW,
    ONE_DAY,
    SERIES,
    Secretive,
    body,
    header,
    reach,
)
from tests.unit.service.doubles import LONG, basic
from tests.unit.v2.upstream import (
    FIRST,
    Asked,
    Reply,
    Script,
    Upstream,
    answer,
    conversation,
    page_of,
)

ENDLESS = page_of([], total=5, pages=1)
"""An empty page with a positive total, whenever it is asked for."""


class Refusing:
    """Its reports answer; the conversations that counting needs do not, but for one page."""

    def __init__(self, lists: Reply, reports: Reply | None = None) -> None:
        self.lists = lists
        self.reports = reports

    def __call__(self, asked: Asked) -> Reply:
        if asked.path.endswith("/v2/conversations"):
            return self.lists if "query" in asked.params else page_of([conversation(1)])
        if self.reports is not None:
            return self.reports
        alone = asked.params["start"] == "2014-12-31T23:59:59Z"
        return answer({"current": ONE_DAY} if alone else SERIES)


def asked_of(upstream: Upstream, script: Script, **settings: Any) -> LegacyResponse:
    upstream.script = script
    with LegacyReports(reach(upstream.url, engine="auto", **settings)) as reports:
        return reports.answer(f"{NEW}?{JANUARY}", authorization=basic(), patience=LONG)


def test_what_can_be_computed_is_computed(upstream_server: simulated_upstream.Upstream) -> None:
    account = Account()
    account.add(FIRST)
    simulator = Simulator(account, Behaviour(rate_limit=None), plan="plus")
    settings = upstream_server.show(simulator).model_copy(update={"engine": "auto"})
    with LegacyReports(settings) as reports:
        answered = reports.answer(f"{NEW}?{JANUARY}", authorization=basic(), patience=LONG)
    assert header(answered, "Compat-Engine") == "computed"
    assert not any("reports" in path for path in simulator.requests)


@pytest.mark.parametrize(
    "lists", [Reply(403), Reply(400), ENDLESS], ids=["forbidden", "refused", "incoherent"]
)
def test_what_cannot_be_computed_is_relayed_and_says_so(
    upstream: Upstream, lists: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "compat"):
        answered = asked_of(upstream, Refusing(lists))
    assert body(answered) == SERIES
    assert header(answered, "Compat-Engine") == "relayed"
    assert "was relayed, since it cannot be computed" in caplog.text


@pytest.mark.parametrize("manner", ["included", "excluded"])
def test_where_no_conversation_may_be_seen_the_reports_are_enough(
    upstream_server: simulated_upstream.Upstream, manner: Any
) -> None:
    account = Account()
    for day in range(5):
        account.add(FIRST + day * 7 * 86_400)
    behaviour = Behaviour(rate_limit=None, report_end=manner)
    settings = upstream_server.show(Secretive(account, behaviour, plan="plus"))
    with LegacyReports(settings.model_copy(update={"engine": "auto"})) as reports:
        target = f"{NEW}?start=2015-01-01T00:00:00Z&end=2015-01-29T00:00:00Z"
        answered = reports.answer(target, authorization=basic(), patience=LONG)
    assert header(answered, "Compat-Engine") == "relayed"
    assert [each["count"] for each in body(answered)["current"]] == [1, 1, 1, 2]


@pytest.mark.parametrize("lists", [Reply(500), Reply(302, headers={"Location": "/"})])
def test_an_error_of_upstream_as_a_whole_is_no_reason_to_relay(
    upstream: Upstream, lists: Reply
) -> None:
    assert asked_of(upstream, Refusing(lists)).status == 503


@pytest.mark.parametrize("reports", [Reply(403), Reply(500), answer({"current": []})])
def test_where_neither_engine_answers_the_first_error_is_returned(
    upstream: Upstream, reports: Reply
) -> None:
    answered = asked_of(upstream, Refusing(Reply(403), reports))
    assert answered.status == 403
    assert "HELPSCOUT_APP_ID" in json.loads(answered.body)["error"]


def test_a_report_that_the_successor_counts_differently_is_not_relayed(upstream: Upstream) -> None:
    drafts = Conventions(counted_states=frozenset({"published", "draft"}))
    answered = asked_of(upstream, Refusing(Reply(403)), conventions=drafts)
    assert answered.status == 403
    assert not any("reports" in asked.path for asked in upstream.asked)

"""The simulated account's own report, counted in another way, agrees with ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import assume, given, settings

from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import any_folders, questions
from tests.integration.exactness.simulated_upstream import busy_account, upstream
from tests.unit.service.doubles import LONG, basic

EXAMPLES = min(settings().max_examples, 300)
ACCOUNT = busy_account()
GRANT = {
    "grant_type": "client_credentials",
    "client_id": "demo-app",
    "client_secret": "demo-secret",
}


@dataclass(frozen=True)
class Pair:
    """Ours, and the successor's own."""

    reports: LegacyReports
    successor: httpx.Client

    def ours(self, asked: Asked) -> Any:
        answer = self.reports.answer(asked.target(), authorization=basic(), patience=LONG)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def theirs(self, asked: Asked) -> httpx.Response:
        return self.successor.get("/reports/conversations/new", params=dict(asked.pairs()))


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    quiet = Behaviour(rate_limit=None, index_fractions=True)
    with upstream() as upstream_server:
        reach = upstream_server.show(Simulator(busy_account(), quiet, plan="plus"))
        with (
            LegacyReports(reach) as reports,
            httpx.Client(base_url=reach.base_url, timeout=LONG, trust_env=False) as client,
        ):
            token = client.post("/oauth2/token", data=GRANT).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield Pair(reports, client)


@settings(max_examples=EXAMPLES)
@given(asked=questions(ACCOUNT, any_folders(ACCOUNT)))
def test_both_reports_say_the_same(pair: Pair, asked: Asked) -> None:
    assume(asked.not_counted == {"spam"})
    theirs = pair.theirs(asked)
    if theirs.status_code == 400:  # it takes fewer ranges by day, week and month than ours
        asked = Asked(asked.start, asked.end, asked.previous, None, asked.filters)
        theirs = pair.theirs(asked)
    assert theirs.status_code == 200, theirs.text
    assert pair.ours(asked) == theirs.json()

"""Programs written for the old API, from their request line to the numbers they print."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.simulated_upstream import upstream
from tests.unit.server.threaded_server import LOOPBACK, serving

LINES = Path(__file__).parents[2] / "unit" / "v1" / "data" / "golden-requests.jsonl"
GOLDEN: list[dict[str, Any]] = [json.loads(line) for line in LINES.read_text().splitlines()]
DOCUMENTED = (
    "/v1/reports/conversations/new.json?start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
    "&previousStart=2014-01-01T00:00:00Z&previousEnd=2014-01-31T23:59:59Z&viewBy=week"
)
FILTERS = ("mailboxes", "tags", "types", "folders")
CURRENT = {1: 29, 8: 28, 15: 24, 22: 14, 29: 9}
PREVIOUS = {1: 3, 8: 15, 15: 577, 22: 9, 29: 20}


def documented_account() -> Account:
    """An account in which the vendor's example is the truth."""
    account = Account()
    for year, weeks in ((2015, CURRENT), (2014, PREVIOUS)):
        for day, count in weeks.items():
            week = int(datetime(year, 1, day, tzinfo=UTC).timestamp())
            longest = 3 * 86_400 if day == 29 else 7 * 86_400
            for number in range(count):
                account.add(week + (longest - 1) * number // max(count - 1, 1))
    return account


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with upstream() as upstream_server:
        reach = upstream_server.show(Simulator(documented_account(), Behaviour(rate_limit=None)))
        keys = {"api_keys": (SecretStr("60783dd23ef"),)}
        with (
            LegacyReports(reach.model_copy(update=keys)) as reports,
            serving(create_app(reports), lifespan="off") as port,
        ):
            yield f"{LOOPBACK}:{port}"


def call(base: str, target: str, authorization: str) -> tuple[int, Any]:
    """What an old program does: one request, with its key already in the header."""
    request = urllib.request.Request(
        f"http://{base}{target}", headers={"Authorization": authorization}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def points(weeks: dict[int, int], year: int) -> list[dict[str, object]]:
    return [
        {"start": f"{year}-01-{day:02d}T00:00:00Z", "count": count} for day, count in weeks.items()
    ]


def meant_by(query: dict[str, Any]) -> Asked:
    """The query of a request line, as noted when the line was captured."""
    start, end, *previous = (
        int(datetime.fromisoformat(query[name]).timestamp())
        for name in ("start", "end", "previousStart", "previousEnd")
        if query[name]
    )
    filters = {name: tuple(query[name]) for name in FILTERS if query[name]}
    before = (previous[0], previous[1]) if previous else None
    return Asked(start, end, before, query["viewBy"], filters)


def test_the_documented_request_gets_the_documented_answer(base: str) -> None:
    status, content = call(base, DOCUMENTED, "Basic NjA3ODNkZDIzZWY6eA==")
    assert status == 200
    assert content == {"current": points(CURRENT, 2015), "previous": points(PREVIOUS, 2014)}


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: line["name"])
def test_every_known_request_line_is_answered(base: str, line: dict[str, Any]) -> None:
    status, content = call(base, line["target"], line["authorization"])
    assert status == line.get("status", 200)
    if status == 400:
        blamed = [
            {k: each[k] for k in ("property", "value")} for each in content["validationErrors"]
        ]
        assert blamed == line["validationErrors"]
    else:
        assert content == oracle.answer(meant_by(line["query"]), documented_account())


def test_a_stranger_is_told_nothing(base: str) -> None:
    status, content = call(base, DOCUMENTED, "Basic c3RyYW5nZXI6eA==")
    assert (status, content["code"]) == (401, 401)

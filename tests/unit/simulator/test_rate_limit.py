"""The rate limit, and the headers of every response."""

from __future__ import annotations

import re

import httpx
import pytest

from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.behaviour import Plan
from tests.unit.simulator.clients import signed_in

MINUTE = 28_000_000 * 60.0


def at_second(second: float, limit: int) -> tuple[Simulator, list[float]]:
    now = [MINUTE + second]
    return Simulator(Account(), Behaviour(rate_limit=limit), clock=lambda: now[0]), now


@pytest.mark.parametrize(("plan", "limit"), [("standard", 200), ("plus", 400), ("pro", 800)])
def test_a_plan_has_its_limit(plan: Plan, limit: int) -> None:
    with signed_in(Simulator(Account(), plan=plan, clock=lambda: MINUTE)) as client:
        headers = client.get("/users/me").headers
    assert headers["x-ratelimit-limit-minute"] == str(limit)
    assert headers["x-ratelimit-remaining-minute"] == str(limit - 1)


def test_a_response_over_the_limit_says_how_long_to_wait() -> None:
    simulator, _ = at_second(45.5, 2)
    with signed_in(simulator) as client:
        answers = [client.get("/users/me") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {"message": "API rate limit exceeded"}
    assert answers[2].headers["x-ratelimit-retry-after"] == "15"
    assert answers[2].headers["retry-after"] == "15"
    assert answers[2].headers["x-ratelimit-remaining-minute"] == "0"


def test_the_next_minute_of_the_clock_has_a_new_limit() -> None:
    simulator, now = at_second(59, 1)
    with signed_in(simulator) as client:
        assert client.get("/users/me").status_code == 200
        assert client.get("/users/me").status_code == 429
        now[0] += 1
        assert client.get("/users/me").status_code == 200


def test_token_requests_and_unauthenticated_requests_are_not_counted() -> None:
    simulator, _ = at_second(0, 1)
    with signed_in(simulator) as client:
        client.get("/users/me", headers={"Authorization": "Bearer no"})
        assert client.get("/users/me").status_code == 200


def test_without_a_limit_there_are_no_headers(client: httpx.Client) -> None:
    headers = client.get("/users/me").headers
    assert not [name for name in headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize("path", ["/users/me", "/nowhere", "/conversations?page=0"])
def test_every_response_has_its_own_correlation_id(client: httpx.Client, path: str) -> None:
    found = [client.get(path).headers["correlation-id"] for _ in range(2)]
    assert found[0] != found[1]
    assert all(re.fullmatch(r"[0-9a-f-]{36}#\d+", each) for each in found)


def test_the_date_is_the_simulator_s_own() -> None:
    with signed_in(Simulator(Account(), clock=lambda: 1_420_070_400.9)) as client:
        headers = client.get("/users/me").headers
    assert headers.get_list("date") == ["Thu, 01 Jan 2015 00:00:00 GMT"]

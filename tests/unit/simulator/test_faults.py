"""Fault injection."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import httpx
import pytest

from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.messages import Request
from tests.unit.simulator.clients import (
    GRANT,
    get_page,
    ids,
    sign_in,
    signed_in,
    small_account,
    without_token,
)


def hostile(**faults: float) -> Simulator:
    return Simulator(small_account(60), Behaviour(rate_limit=None, **faults))  # type: ignore[arg-type]


def test_a_share_of_the_requests_fails() -> None:
    with without_token(hostile(fail_rate=0.5)) as client:
        found = Counter(client.get("/users/me").status_code for _ in range(200))
    assert set(found) == {401, 500, 502, 503, 504}
    assert 70 < found[401] < 130


def test_faults_are_the_same_for_the_same_seed() -> None:
    def statuses() -> list[int]:
        with without_token(hostile(fail_rate=0.5)) as client:
            return [client.get("/users/me").status_code for _ in range(30)]

    assert statuses() == statuses()


def test_a_connection_is_dropped_before_any_answer() -> None:
    with without_token(hostile(drop_rate=1)) as client:
        for _ in range(4):
            with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
                client.get("/users/me")


def test_a_connection_is_cut_within_the_body() -> None:
    with without_token(hostile(cut_rate=1)) as client, client.stream("GET", "/users/me") as answer:
        size = int(answer.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError, match=f"received {size // 2} bytes"):
            answer.read()


@pytest.mark.parametrize("fault", ["truncate_rate", "garble_rate"])
def test_a_damaged_body_is_complete_for_http_and_no_json(fault: str) -> None:
    with without_token(hostile(**{fault: 1})) as client:
        for _ in range(4):
            answer = client.get("/users/me")
            assert answer.status_code == 401
            with pytest.raises(ValueError, match=r".*"):
                answer.json()


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ("both", {"x-ratelimit-retry-after", "retry-after"}),
        ("vendor", {"x-ratelimit-retry-after"}),
        ("standard", {"retry-after"}),
        ("none", set()),
    ],
)
def test_a_share_gets_a_429_that_says_how_long_to_wait(headers: Any, named: set[str]) -> None:
    behaviour = Behaviour(limit_rate=0.5, limit_headers=headers, limit_wait=7)
    with without_token(Simulator(Account(), behaviour)) as client:
        answers = [client.get("/users/me") for _ in range(60)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert 15 < len(limited) < 45
    for answer in limited:
        waits = {name: value for name, value in answer.headers.items() if "retry" in name}
        assert waits == dict.fromkeys(named, "7")


def test_tokens_are_revoked_at_a_rate() -> None:
    with signed_in(hostile(revoke_rate=0.2)) as client:
        statuses = []
        for _ in range(50):
            statuses.append(client.get("/users/me").status_code)
            if statuses[-1] == 401:
                sign_in(client)
    assert 3 < statuses.count(401) < 25
    assert statuses.count(200) == 50 - statuses.count(401)


def test_a_share_of_pages_is_empty_with_a_total() -> None:
    with signed_in(hostile(empty_page_rate=0.5)) as client:
        pages = [get_page(client, status="all") for _ in range(40)]
    assert {len(ids(page)) for page in pages} == {0, 25}
    assert 8 < sum(not ids(page) for page in pages) < 32
    assert {page["page"]["totalElements"] for page in pages} == {60}


def test_a_list_without_rows_has_no_total() -> None:
    simulator = Simulator(Account(), Behaviour(empty_page_rate=1))
    with signed_in(simulator) as client:
        assert get_page(client)["page"]["totalElements"] == 0


def test_repeated_rows_hide_no_other_row() -> None:
    with signed_in(hostile(repeat_rate=0.5)) as client:
        pages = [ids(get_page(client, status="all")) for _ in range(30)]
    assert {len(page) for page in pages} == {25, 26}
    assert len({tuple(dict.fromkeys(page)) for page in pages}) == 1


def test_a_response_can_be_delayed() -> None:
    with without_token(hostile(latency=0.05)) as client:
        assert client.get("/users/me").elapsed.total_seconds() >= 0.05


def test_the_delay_is_drawn_from_a_spread() -> None:
    simulator = hostile(latency=0.01, latency_spread=2)
    delays = [simulator.respond(Request("GET", "/v2/users/me")).delay for _ in range(50)]
    assert 0.01 <= min(delays) < 0.5
    assert 1.5 < max(delays) <= 2.01


def test_faults_can_be_switched_while_it_runs() -> None:
    noon = 1_500_033_600.0  # a clock that goes on might begin another minute of the rate limit
    simulator = Simulator(small_account(60), Behaviour(fail_rate=1), clock=lambda: noon)
    with without_token(simulator) as client:
        assert client.post("/oauth2/token", data=GRANT).status_code >= 500
        simulator.behaviour = Behaviour(token_lifetime=9)
        assert client.post("/oauth2/token", data=GRANT).json()["expires_in"] == 9
        sign_in(client)
        assert get_page(client, status="all")["page"]["size"] == 25
        simulator.behaviour = Behaviour(page_size=50, all_lists_spam=False, rate_limit=2)
        assert get_page(client, status="all")["page"] | {"totalElements": 0} == {
            "size": 50, "totalElements": 0, "totalPages": 2, "number": 1
        }  # fmt: skip
        assert client.get("/users/me").status_code == 429


@pytest.mark.parametrize(
    "wrong",
    [{"fail_rate": 1.1}, {"churn": -1}, {"page_size": 0}, {"latency": -0.1}, {"churn_of": ("x",)}],
)
def test_an_invalid_option_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Behaviour(**wrong)


def test_a_hook_that_fails_is_an_error_of_the_server() -> None:
    def fail(_account: Account, _target: str) -> None:
        raise RuntimeError("on purpose")

    simulator = Simulator(Account(), before_request=fail)
    with signed_in(simulator) as client:
        assert client.get("/conversations").status_code == 500
        assert client.get("/users/me").status_code == 200


def test_requests_are_counted_by_path_until_reset() -> None:
    simulator = Simulator(small_account(5))
    with without_token(simulator) as client:
        sign_in(client)
        get_page(client, status="all", query="(number:[1 TO 2])")
        get_page(client)
        assert simulator.requests["/v2/conversations"] == 2
        assert simulator.targets[1] == "/v2/conversations?status=all&query=(number:[1 TO 2])"
        simulator.reset()
        assert not simulator.requests
        assert not simulator.targets


@pytest.mark.parametrize(
    "name", ["latency", "latency_spread", "token_lifetime", "index_lag", "churn"]
)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_behaviour_that_has_no_end_is_refused(name: str, value: float) -> None:
    option: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"{name} is a finite number"):
        Behaviour(**option)

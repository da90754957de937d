"""What goes wrong on purpose."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from compat.simulator import Account, Behaviour, Simulator
from tests.simulator.talking import ask, ids, sign_in, signed_in, small_account, stranger


def hostile(**faults: float) -> Simulator:
    return Simulator(small_account(60), Behaviour(rate_limit=None, **faults))  # type: ignore[arg-type]


def test_a_share_of_the_requests_fails() -> None:
    with stranger(hostile(fail_rate=0.5)) as client:
        found = Counter(client.get("/users/me").status_code for _ in range(200))
    assert set(found) == {401, 500, 502, 503, 504}
    assert 70 < found[401] < 130


def test_faults_are_the_same_for_the_same_seed() -> None:
    def statuses() -> list[int]:
        with stranger(hostile(fail_rate=0.5)) as client:
            return [client.get("/users/me").status_code for _ in range(30)]

    assert statuses() == statuses()


def test_a_dropped_answer_declares_more_than_arrives() -> None:
    with stranger(hostile(drop_rate=1)) as client:
        for _ in range(4):
            with pytest.raises(httpx.RemoteProtocolError):
                client.get("/users/me")


def test_a_connection_is_dropped_before_and_within_the_body() -> None:
    arrived = set()
    with stranger(hostile(drop_rate=1)) as client:
        for _ in range(20):
            try:
                with client.stream("GET", "/users/me") as answer:
                    size = int(answer.headers["content-length"])
                    arrived.add(sum(len(part) for part in answer.iter_raw()) / size)
            except httpx.RemoteProtocolError as error:
                arrived.add("received 0 bytes" in str(error))
    assert arrived == {True, False}


def test_a_damaged_body_is_whole_to_http_and_no_json() -> None:
    with stranger(hostile(truncate_rate=1)) as client:
        for _ in range(10):
            answer = client.get("/users/me")
            assert answer.status_code == 401
            with pytest.raises(ValueError, match=r".*"):
                answer.json()


def test_every_nth_list_comes_empty_with_a_total() -> None:
    simulator = hostile(empty_page_with_total_every=3)
    with signed_in(simulator) as client:
        pages = [ask(client, status="all") for _ in range(6)]
    assert [len(ids(page)) for page in pages] == [25, 25, 0, 25, 25, 0]
    assert {page["page"]["totalElements"] for page in pages} == {60}


def test_a_list_that_is_truly_empty_never_lies() -> None:
    simulator = Simulator(Account(), Behaviour(empty_page_with_total_every=1))
    with signed_in(simulator) as client:
        assert ask(client)["page"]["totalElements"] == 0


def test_repeated_rows_hide_no_other_row() -> None:
    with signed_in(hostile(repeat_rows=True)) as client:
        pages = [ids(ask(client, status="all")) for _ in range(30)]
    assert {len(page) for page in pages} == {25, 26}
    assert len({tuple(dict.fromkeys(page)) for page in pages}) == 1


def test_an_answer_can_take_its_time() -> None:
    with stranger(hostile(latency=0.05)) as client:
        assert client.get("/users/me").elapsed.total_seconds() >= 0.05


def test_a_hook_that_fails_is_an_error_of_the_server() -> None:
    def fail(_account: Account, _target: str) -> None:
        raise RuntimeError("on purpose")

    simulator = Simulator(Account(), before_request=fail)
    with signed_in(simulator) as client:
        assert client.get("/conversations").status_code == 500
        assert client.get("/users/me").status_code == 200


def test_requests_are_counted_by_path_until_reset() -> None:
    simulator = Simulator(small_account(5))
    with stranger(simulator) as client:
        sign_in(client)
        ask(client, status="all", query="(number:[1 TO 2])")
        ask(client)
        assert simulator.requests["/v2/conversations"] == 2
        assert simulator.targets[1] == "/v2/conversations?status=all&query=(number:[1 TO 2])"
        simulator.reset()
        assert not simulator.requests
        assert not simulator.targets

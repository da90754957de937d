"""`helpscout-v1 parity against`: other servers, over real HTTP."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import pytest

from compat.cli import main
from compat.testing import simulator_stage
from compat.testing.http_candidate import CandidateUnusable, HttpCandidate
from tests.unit.server.commands import COMMAND, OURS, environment, started
from tests.unit.server.threaded_server import LOOPBACK, free_port
from tests.unit.service.doubles import LONG
from tests.unit.testing.http_candidates import NODE, Fetching, served, served_by_node

Answer = tuple[int, str, str]
Against = Callable[..., Answer]
needs_node = pytest.mark.skipif(not NODE, reason="node is not installed")


@pytest.fixture
def port() -> int:
    """Where the command will simulate Mailbox API 2.0."""
    return free_port()


@pytest.fixture
def base_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/v2"


@pytest.fixture
def against(
    port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Against:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)

    def run(*arguments: object, examples: int = 60) -> Answer:
        fixed = ("--simulator-port", port, "--examples", examples, "--seed", 1)
        status = main(["parity", "against", *map(str, (*arguments, *fixed))])
        return status, *capsys.readouterr()

    return run


def test_a_server_of_our_own_is_equal(against: Against, base_url: str) -> None:
    settings = {
        "COMPAT_API_KEYS": "any-key",
        "COMPAT_RECENT_AGE": "0",
        "COMPAT_MAX_AGE": "0",
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "HELPSCOUT_BASE_URL": base_url,
    }
    with started("serve", "--port", "0", **settings) as server:
        status, said, noted = against(
            f"{server.address}/v1/", "--report", "conversations/new",
            "--report", "conversations/busy-times", "--report", "conversations/new-drilldown",
        )  # fmt: skip
    assert (status, said) == (0, "equal in 60 questions\n")
    assert noted == f"Simulating Mailbox API 2.0 at {base_url}\n"


def test_a_server_in_another_style_is_equal(against: Against, base_url: str) -> None:
    with Fetching(base_url) as candidate, served(candidate) as url:
        assert against(url)[:2] == (0, "equal in 60 questions\n")


def test_a_bug_of_a_server_is_shown_with_the_smallest_example(
    against: Against, base_url: str
) -> None:
    with Fetching(base_url, "end") as candidate, served(candidate) as url:
        status, said, _ = against(f"{url}/v1/", examples=300)
        assert status == 1
        assert "\nconversations: 1\n" in said
        assert re.search(r"current\[\d+\]\.count: 1 expected, 0 answered", said)
        query = re.search(r"^query: (.+)$", said, re.MULTILINE)
    assert query
    assert f"curl -u YOUR_OLD_KEY:X '{url}{query[1]}'" in said


def test_json_says_that_all_answers_are_equal(against: Against, base_url: str) -> None:
    with Fetching(base_url) as candidate, served(candidate) as url:
        status, said, _ = against(url, "--json", examples=5)
    assert (status, json.loads(said)) == (0, {"outcome": "equal", "questions": 5})


def test_json_shows_what_differs_and_the_conversations_behind_it(
    against: Against, base_url: str
) -> None:
    with Fetching(base_url, "end") as candidate, served(candidate) as url:
        status, said, _ = against(url, "--json", examples=300)
    found = json.loads(said)
    assert (status, found["outcome"]) == (1, "different")
    assert found["curl"] == f"curl -u YOUR_OLD_KEY:X '{url}{found['query']}'"
    assert {each["expected"] - each["answered"] for each in found["differences"]} == {1}
    assert json.loads(found["expected"]["body"]) != json.loads(found["answered"]["body"])
    assert len(found["conversations"]) == 1


def test_csv_is_one_row(against: Against, base_url: str) -> None:
    with Fetching(base_url, "end") as candidate, served(candidate) as url:
        status, said, _ = against(url, "--csv", examples=300)
    (row,) = csv.DictReader(io.StringIO(said))
    assert (status, row["outcome"], row["questions"]) == (1, "different", "")
    assert re.match(r"current\[\d+\]\.count", row["paths"])


def test_with_wait_the_conversations_stay_until_an_interrupt(port: int, base_url: str) -> None:
    with (
        Fetching(base_url, "spam") as candidate,
        served(candidate) as url,
        subprocess.Popen(
            [COMMAND, "parity", "against", url, "--simulator-port", str(port), "--wait"],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            line = next(line for line in process.stdout or () if line.startswith("curl "))
            target = shlex.split(line)[-1].removeprefix(url)
            series = candidate(target).values()
            assert any(bucket["count"] for buckets in series for bucket in buckets)
            process.send_signal(signal.SIGINT)
            assert process.wait(LONG) == 1
        finally:
            process.kill()


@needs_node
def test_a_server_in_another_language_is_equal(against: Against, base_url: str) -> None:
    with served_by_node(base_url) as url:
        assert against(url, examples=150)[:2] == (0, "equal in 150 questions\n")


@needs_node
def test_a_bug_in_another_language_is_found(against: Against, base_url: str) -> None:
    with served_by_node(base_url, "end") as url:
        status, said, _ = against(url, examples=300)
    assert status == 1
    assert "\nconversations: 1\n" in said


def test_conventions_are_those_of_the_environment(
    against: Against, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPAT_END_INCLUDED", "false")
    with Fetching(base_url, "end") as candidate, served(candidate) as url:
        assert against(url, examples=150)[0] == 0


def test_a_server_that_caches_exits_with_2_and_advice(against: Against, base_url: str) -> None:
    with Fetching(base_url) as candidate, served(cache(candidate)) as url:
        status, said, noted = against(url)
    assert (status, said) == (2, "")
    assert "answers from memory: switch that off" in noted
    assert "COMPAT_RECENT_AGE=0" in noted


def test_a_server_that_fetches_again_and_answers_from_a_cache_exits_with_2(
    against: Against, base_url: str
) -> None:
    kept: dict[str, Any] = {}

    def stale(query: str) -> Any:
        now = candidate(query)
        return kept.setdefault(query, now)

    with Fetching(base_url) as candidate, served(stale) as url:
        assert against(url)[0] == 2


def test_a_server_that_counts_nothing_is_different(against: Against, base_url: str) -> None:
    def blind(query: str) -> Any:
        _ = list(candidate.conversations())
        return {"current": []}

    with Fetching(base_url) as candidate, served(blind) as url:
        assert against(url)[0] == 1


def test_a_server_that_cannot_be_reached_exits_with_3(against: Against) -> None:
    url = f"http://{LOOPBACK}:{free_port()}"
    status, said, noted = against(url)
    assert (status, said) == (3, "")
    assert f"{url} does not answer (ConnectError)" in noted


def test_a_server_that_fetches_elsewhere_exits_with_3(against: Against, base_url: str) -> None:
    with (
        simulator_stage() as another,
        Fetching(another.base_url) as candidate,
        served(candidate) as url,
    ):
        status, _, noted = against(url)
    assert status == 3
    assert f"fetched nothing from {base_url}" in noted


def test_a_server_that_refuses_the_key_exits_with_3(against: Against) -> None:
    with served(lambda _: (401, {"error": "unknown key"})) as url:
        status, _, noted = against(url)
    assert status == 3
    assert "answers 401 to a plain question" in noted
    assert "unknown key" in noted


def test_a_port_in_use_exits_with_2(against: Against, port: int) -> None:
    with socket.create_server((LOOPBACK, port)):
        status, _, noted = against("http://127.0.0.1:1/v1/")
    assert status == 2
    assert f"--simulator-port {port} cannot be listened on" in noted


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        (["127.0.0.1:8080"], "URL"),
        (["ftp://127.0.0.1/v1/"], "URL"),
        (["http://127.0.0.1:99999/v1/"], "URL"),
        (["http://key:X@127.0.0.1/v1/"], "without key"),
        (["http://127.0.0.1/v1/", "--report", "conversations/old"], "--report"),
        (["http://127.0.0.1/v1/", "--examples", "0"], "at least 1"),
    ],
)
def test_misuse_exits_with_2_and_says_what_is_wrong(
    arguments: list[str], content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parity", "against", *arguments]) == 2
    assert content in capsys.readouterr().err


def asked_of(
    answers: Callable[[httpx.Request], httpx.Response],
) -> tuple[HttpCandidate, list[float]]:
    slept: list[float] = []
    client = httpx.Client(transport=httpx.MockTransport(answers))
    return HttpCandidate(client, "http://another", slept.append), slept


def test_after_503_the_query_is_sent_again_when_the_server_allows_it() -> None:
    left = [httpx.Response(503, headers={"Retry-After": "2"}), httpx.Response(200, json={})]
    caller, slept = asked_of(lambda _: left.pop(0))
    assert caller("/v1/x").status_code == 200
    assert slept == [2.0]


def test_503_without_end_is_an_error() -> None:
    caller, slept = asked_of(lambda _: httpx.Response(503, text="later"))
    with pytest.raises(CandidateUnusable, match="went on saying 503: later"):
        caller("/v1/x")
    assert sum(slept) <= 60

"""The command `helpscout-v1`, run as a person runs it."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from compat.simulator import Account, Simulator, running
from tests.unit.server.commands import Running, environment, run, started
from tests.unit.server.threaded_server import KEY, LOOPBACK, ask, raw, read
from tests.unit.service.doubles import FIRST, JANUARY, LONG

ACCOUNT = {"HELPSCOUT_APP_ID": "demo-app", "HELPSCOUT_APP_SECRET": "demo-secret"}
KEYS = {"COMPAT_API_KEYS": "an-old-key"}
GRANT = {"grant_type": "client_credentials", "client_id": "demo-app"}

ANY_YEAR = JANUARY.replace("end=2015", "end=2016")


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    with started("serve", "--demo", "--port", "0") as server:
        yield server


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    account = Account()
    account.add(FIRST)
    with running(Simulator(account)) as base_url:
        yield base_url


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (ACCOUNT, ["COMPAT_API_KEYS is not set"]),
        ({}, ["COMPAT_API_KEYS is not set"]),
        (
            KEYS,
            ["HELPSCOUT_APP_ID is not set", "HELPSCOUT_APP_SECRET is not set", "COMPAT_ENV_FILE"],
        ),
        (
            {**KEYS, "HELPSCOUT_APP_SECRET": "demo-secret"},
            ["HELPSCOUT_APP_ID is not set"],
        ),
        ({**KEYS, **ACCOUNT, "COMPAT_JOBS": "many"}, ["COMPAT_JOBS"]),
        (
            {**KEYS, **ACCOUNT, "HELPSCOUT_BASE_URL": "http://example.org/v2"},
            ["HELPSCOUT_BASE_URL"],
        ),
    ],
)
def test_serving_without_what_it_needs_says_what_to_set(
    settings: dict[str, str], named: list[str]
) -> None:
    done = run("serve", "--port", "0", **settings)
    assert done.returncode == 2
    assert all(name in done.stderr for name in named)
    assert "Traceback" not in done.stderr
    assert "demo-secret" not in done.stderr


def test_the_demonstration_says_where_it_listens(demo: Running) -> None:
    assert demo.line == f"Answering the old API on http://{LOOPBACK}:{demo.port}"


def test_the_demonstration_answers_with_any_key(demo: Running) -> None:
    answer = ask(demo.port, ANY_YEAR)
    assert answer.status == 200
    assert sum(bucket["count"] for bucket in answer.json["current"]) > 100


def test_a_server_whose_log_nobody_reads_yet_answers_as_many_requests_as_a_test_sends() -> None:
    with started("serve", "--demo", "--port", "0") as server:
        assert {ask(server.port, "/v1/x.json").status for _ in range(1500)} == {404}
        assert server.stop(signal.SIGTERM) == 0
        assert len(server.said().splitlines()) == 1500


def test_the_demonstration_wants_some_key(demo: Running) -> None:
    assert ask(demo.port, ANY_YEAR, headers={}).status == 401


def test_an_account_is_served_through_its_settings(upstream: str) -> None:
    settings = {**ACCOUNT, **KEYS, "HELPSCOUT_BASE_URL": upstream}
    with started("serve", "--port", "0", **settings) as server:
        assert ask(server.port, JANUARY).json["current"][0]["count"] == 1
        assert ask(server.port, "/healthz", headers={}).status == 200
        assert server.stop(signal.SIGTERM) == 0
        assert {line.split()[3] for line in server.said().splitlines()} == {"compat.access:"}


def test_refused_credentials_show_in_the_answer_and_in_the_health(upstream: str) -> None:
    settings = {
        **ACCOUNT,
        **KEYS,
        "HELPSCOUT_BASE_URL": upstream,
        "HELPSCOUT_APP_SECRET": "another-secret",
    }
    with started("serve", "--port", "0", **settings) as server:
        answer = ask(server.port, JANUARY)
        health = ask(server.port, "/healthz", headers={})
        server.stop(signal.SIGTERM)
        assert (answer.status, health.status) == (403, 503)
        assert "HELPSCOUT_APP_SECRET" in answer.json["error"]
        assert "another-secret" not in server.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", [("serve", "--demo"), ("simulate", "--conversations", "10")])
def test_a_signal_stops_a_server_with_exit_code_0(command: tuple[str, ...], number: int) -> None:
    with started(*command, "--port", "0") as server:
        began = time.monotonic()
        assert server.stop(number) == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in server.said()


@pytest.fixture
def silent_upstream() -> Iterator[str]:
    """An upstream that takes every request and answers none."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}/v2"


def test_a_stop_answers_those_who_wait_for_a_silent_upstream(silent_upstream: str) -> None:
    settings = {**ACCOUNT, **KEYS, "HELPSCOUT_BASE_URL": silent_upstream}
    with started("serve", "--port", "0", **settings) as server:
        connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=LONG)
        with closing(connection):
            connection.request("GET", JANUARY, headers=KEY)
            assert ask(server.port, "/healthz", headers={}).status == 200
            server.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            answer = read(connection)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "called off" in answer.json["error"]
        assert server.process.wait(LONG) == 0
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("request_line", [b"GET /v1/\xf6 HTTP/1.1", b"nonsense"])
def test_what_is_no_http_is_refused_and_the_connection_closed(
    demo: Running, request_line: bytes
) -> None:
    answer = raw(demo.port, request_line + b"\r\nHost: here\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nhel\r\nzz\r\n", b"-1\r\n"])
def test_a_body_that_is_no_http_is_refused_once_and_leaves_no_traceback(body: bytes) -> None:
    head = b"POST /v1/tags.json HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    with started("serve", "--demo", "--port", "0") as server:
        answer = raw(server.port, head + body)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert ask(server.port, "/healthz").status == 200
        assert server.stop(signal.SIGTERM) == 0
        assert "Traceback" not in server.said()


def test_an_unknown_method_reaches_the_application_and_is_answered_in_json(demo: Running) -> None:
    answer = ask(demo.port, "/v1/", method="BREW")
    assert (answer.status, answer.json["code"]) == (404, 404)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["correlation-id"]


@pytest.fixture(scope="module")
def successor() -> Iterator[Running]:
    arguments = ("--port", "0", "--plan", "plus", "--conversations", "50", "--seed", "3")
    with started("simulate", *arguments) as server:
        yield server


def post(server: Running, form: str) -> tuple[int, dict[str, object]]:
    with closing(http.client.HTTPConnection(LOOPBACK, server.port, timeout=LONG)) as connection:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/v2/oauth2/token", form, headers)
        answer = read(connection)
        return answer.status, answer.json


def test_the_simulator_hands_out_tokens(successor: Running) -> None:
    grant = "grant_type=client_credentials&client_id=demo-app&client_secret="
    status, token = post(successor, f"{grant}demo-secret")
    assert (status, token["token_type"]) == (200, "bearer")
    assert post(successor, f"{grant}wrong")[0] == 401


def test_the_simulator_has_the_plan_of_its_option(successor: Running) -> None:
    grant = "grant_type=client_credentials&client_id=demo-app&client_secret=demo-secret"
    bearer = {"Authorization": f"Bearer {post(successor, grant)[1]['access_token']}"}
    range_asked = JANUARY.partition("?")[2]
    answer = ask(successor.port, f"/v2/reports/conversations/new?{range_asked}", headers=bearer)
    assert answer.status == 200
    assert answer.headers["x-ratelimit-limit-minute"] == "400"


def test_one_command_serves_what_another_simulates(successor: Running) -> None:
    settings = {**ACCOUNT, **KEYS, "HELPSCOUT_BASE_URL": f"{successor.address}/v2"}
    with started("serve", "--port", "0", **settings) as server:
        assert ask(server.port, ANY_YEAR).status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl on this machine to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    chain, key = folder / "chain.pem", folder / "key.pem"
    options = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(chain)]
    subprocess.run(
        [openssl, "req", "-x509", *options, *names, *files],
        check=True,
        capture_output=True,
        timeout=LONG,
    )
    return chain, key


def test_a_certificate_makes_it_https(certificate: tuple[Path, Path]) -> None:
    chain, key = map(str, certificate)
    arguments = ("--demo", "--port", "0", "--ssl-certfile", chain, "--ssl-keyfile", key)
    with started("serve", *arguments) as server:
        assert server.address == f"https://{LOOPBACK}:{server.port}"
        trust = ssl.create_default_context(cafile=chain)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        url = f"https://{LOOPBACK}:{server.port}{ANY_YEAR}"
        request = urllib.request.Request(url, headers=KEY)
        with opener.open(request, timeout=LONG) as response:
            assert set(json.load(response)) == {"current"}
        assert server.stop(signal.SIGTERM) == 0


def test_a_simulated_upstream_behaves_as_its_options_say() -> None:
    behaviour = ("--limit-rate", "1", "--limit-headers", "standard", "--limit-wait", "3")
    more = ("--rate-limit", "none", "--churn-of", "arrive,vanish", "--no-all-lists-spam")
    with started("simulate", "--port", "0", "--conversations", "10", *behaviour, *more) as server:
        shown = ask(server.port, "/v2/mailboxes")
    assert (shown.status, shown.headers["retry-after"]) == (429, "3")
    assert "x-ratelimit-limit-minute" not in shown.headers


@pytest.mark.parametrize(
    "arguments", [("--fail-rate", "2"), ("--churn-of", "dance"), ("--limit-wait", "soon")]
)
def test_impossible_behaviour_is_refused(arguments: tuple[str, str]) -> None:
    done = run("simulate", "--conversations", "10", *arguments)
    assert done.returncode == 2
    assert arguments[0].strip("-").replace("-", "_") in done.stderr.replace("-", "_")


@pytest.mark.parametrize("arguments", [("--help",), ("serve", "--help"), ("simulate", "--help")])
def test_help_is_there(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: helpscout-v1")


@pytest.mark.parametrize("arguments", [(), ("dance",), ("serve", "--port", "http")])
def test_misuse_shows_the_usage(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: helpscout-v1")


def bare(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command as if uvicorn were not installed."""
    blocked = "import sys; sys.modules['uvicorn'] = None; from compat.cli import main; "
    return subprocess.run(
        [sys.executable, "-c", f"{blocked}sys.exit(main(sys.argv[1:]))", *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


@pytest.mark.parametrize("arguments", [("--help",), ("serve", "--help"), ("simulate", "--help")])
def test_help_needs_no_server(arguments: tuple[str, ...]) -> None:
    assert bare(*arguments).returncode == 0


@pytest.mark.parametrize(
    "arguments", [("serve",), ("serve", "--demo"), ("simulate", "--conversations", "10")]
)
def test_without_a_server_to_listen_it_says_what_to_install(arguments: tuple[str, ...]) -> None:
    done = bare(*arguments, **ACCOUNT, **KEYS)
    assert done.returncode == 2
    assert "pip install 'helpscout-v1-compat[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = str(listener.getsockname()[1])
        done = run("simulate", "--conversations", "10", "--port", port)
    assert done.returncode != 0
    assert "address already in use" in done.stderr

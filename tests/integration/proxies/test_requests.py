"""An old request gets the same answer through https as from the server itself."""

from __future__ import annotations

import gzip
import json
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.integration.docs.pages import ROOT, blocks
from tests.integration.proxies.started_proxies import NAME, PROXIES, Proxy, new_address
from tests.programs import find_program
from tests.unit.server.commands import Running, started
from tests.unit.server.threaded_server import KEY, LOOPBACK, Answer, ask, free_port
from tests.unit.service.doubles import JANUARY, LONG, PATH, basic

PAGE = ROOT / "docs" / "how-to" / "https.md"

OF_THE_PROXY = {
    *("connection", "content-length", "correlation-id", "date", "keep-alive", "server"),
    *("transfer-encoding", "vary", "via"),
}
"""Headers that differ from answer to answer, or are about the connection."""

DRILLDOWN = "/v1/reports/conversations/new-drilldown.json"
YEARS = "start=2014-01-01T00:00:00Z&end=2015-12-31T23:59:59Z"
MANY_TAGS = ",".join(str(number) for number in range(1_000_000, 1_003_000))

REQUESTS = {
    "a report": (JANUARY, KEY, 200),
    "a long answer": (f"{DRILLDOWN}?{YEARS}&rows=50", KEY, 200),
    "a percent-encoded query": (f"{PATH}?{quote(YEARS, safe='=&')}", KEY, 200),
    "an encoded plus": (
        f"{PATH}?start=2015-01-01T00:00:00%2B01:00&end=2015-01-31T23:59:59%2B01:00", KEY, 200),
    "a plus that means a space": (
        f"{PATH}?start=2015-01-01T00:00:00+01:00&end=2015-01-31T23:59:59+01:00", KEY, 200),
    "a list with commas": (f"{JANUARY}&types=email,chat&viewBy=day", KEY, 200),
    "a list with blanks": (f"{JANUARY}&types=email,%20chat", KEY, 200),
    "a list in brackets": (f"{JANUARY}&mailboxes[0]=1&mailboxes[1]=2", KEY, 200),
    "a list in encoded brackets": (f"{JANUARY}&mailboxes%5B0%5D=1", KEY, 200),
    "a long query": (f"{JANUARY}&tags={MANY_TAGS}", KEY, 200),
    "two slashes": ("/v1//mailboxes.json", KEY, 200),
    "two slashes inside a path": ("/v1//mailboxes//MAILBOX/folders.json", KEY, 200),
    "an unknown parameter": (f"{JANUARY}&mailbox=1", KEY, 200),
    "no key": (JANUARY, {}, 401),
    "a wrong key": (JANUARY, {"Authorization": basic("another")}, 401),
    "a wrong parameter": (f"{PATH}?start=yesterday", KEY, 400),
    "letters outside ASCII": (f"{JANUARY}&viewBy=t%C3%A4glich", KEY, 400),
    "an unknown path": ("/v1/conversations/1.json", KEY, 404),
    "no answer yet": (JANUARY, {"Authorization": basic("a-key-without-answers")}, 503),
}  # fmt: skip


def compared(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """What must be the same."""
    headers = {n: text for n, text in answer.headers.items() if n not in OF_THE_PROXY}
    return answer.status, headers, answer.body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", REQUESTS)
def test_status_headers_and_body_are_those_of_the_server(
    name: str, method: str, proxy: Proxy, server: Running
) -> None:
    target, headers, status = REQUESTS[name]
    mailbox = ask(server.port, "/v1/mailboxes.json").json["items"][0]["id"]
    target = target.replace("MAILBOX", str(mailbox))
    direct = ask(server.port, target, method, headers)
    through = proxy.ask(target, headers, method, address=new_address())
    assert direct.status == status
    if name == "no answer yet":  # text and time to wait are about the latest of several attempts
        assert through.status == 503
        assert int(through.headers["retry-after"]) > 0
        return
    if "retry-after" in direct.headers:  # it gets shorter
        assert int(through.headers.pop("retry-after")) <= int(direct.headers.pop("retry-after"))
    assert compared(through) == compared(direct)
    assert len(through.headers["correlation-id"]) == 36


def test_a_report_that_is_not_ready_says_when_to_ask_again(proxy: Proxy) -> None:
    key = {"Authorization": basic("a-key-without-answers")}
    answer = proxy.ask(JANUARY, key, address=new_address())
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json["code"] == 503


def test_a_browser_may_ask_first(proxy: Proxy, server: Running) -> None:
    asked = {"Origin": "https://dashboard.example", "Access-Control-Request-Method": "GET"}
    through = proxy.ask(JANUARY, asked, "OPTIONS", address=new_address())
    assert through.status == 204
    assert compared(through) == compared(ask(server.port, JANUARY, "OPTIONS", asked))
    assert "Authorization" in through.headers["access-control-allow-headers"]


def test_an_answer_is_compressed_for_those_who_accept_it(proxy: Proxy, server: Running) -> None:
    target = REQUESTS["a long answer"][0]
    packed = proxy.ask(target, KEY | {"Accept-Encoding": "gzip, deflate"}, address=new_address())
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == ask(server.port, target).body
    assert len(packed.body) < 0.5 * len(gzip.decompress(packed.body))


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/metrics", "/readyz", "/openapi.json", "/explore", "/progress.json"),
        *("/v2/conversations", "/v2/oauth2/token", "/favicon.ico", "//metrics"),
        *("/v1/../metrics", "/v1/%2e%2e/metrics", "/v1/..%2fmetrics", "/v1/..//metrics"),
        "/v1/%2e%2e%2freadyz",
    ],
)
def test_what_is_not_for_old_programs_is_not_found(proxy: Proxy, target: str) -> None:
    answer = proxy.ask(target, KEY, address=new_address())
    assert answer.status == 404
    assert answer.json["error"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_a_monitor_can_see_whether_the_server_runs(proxy: Proxy) -> None:
    answer = proxy.ask("/healthz", {}, address=new_address())
    assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_the_pages_curl_command_gets_its_report(proxy: Proxy) -> None:
    program = find_program("curl", "curl")
    lines = [line for block in blocks(PAGE) for line in block.text.replace("\\\n", "").splitlines()]
    (line,) = [line for line in lines if line.startswith("curl ") and "-u " in line]
    words = [word.replace("YOUR_OLD_KEY", "an-old-key") for word in shlex.split(line)[1:]]
    there = f"{NAME}:443:{LOOPBACK}:{proxy.port}"
    options = ["--silent", "--noproxy", "*", "--cacert", str(proxy.authority)]
    done = subprocess.run(
        [program, *options, "--connect-to", there, "--interface", new_address(), *words],
        capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["current"][0]["start"] == "2015-01-01T00:00:00Z"


def http_1_0(proxy: Proxy, *lines: str, name: str | None = NAME) -> tuple[bytes, bytes]:
    """The head and the body of the answer to a request of an old program, up to the end."""
    request = "\r\n".join([f"GET {JANUARY} HTTP/1.0", *lines, "", ""])
    with closing(proxy.connect(name, new_address())) as connection:
        connection.sendall(request.encode())
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("name", [NAME, None], ids=["server name", "no server name"])
def test_a_client_with_http_1_0_gets_a_plain_body(
    proxy: Proxy, server: Running, name: str | None
) -> None:
    lines = (f"Host: {NAME}", f"Authorization: {KEY['Authorization']}")
    head, body = http_1_0(proxy, *lines, name=name)
    assert b" 200 " in head.splitlines()[0]
    assert b"chunked" not in head
    assert body == ask(server.port, JANUARY).body


def test_a_request_without_a_host_is_answered_or_refused_but_never_empty(
    proxy: Proxy, server: Running
) -> None:
    head, body = http_1_0(proxy, f"Authorization: {KEY['Authorization']}")
    if b" 200 " in head.splitlines()[0]:
        assert body == ask(server.port, JANUARY).body
    else:
        assert b" 421 " in head.splitlines()[0]
        assert json.loads(body)["error"]


def test_a_key_sent_without_https_is_refused_and_not_redirected(proxy: Proxy) -> None:
    answer = proxy.ask_without_tls(JANUARY)
    assert (answer.status, answer.json) == (403, {"code": 403, "error": "Use https"})


@pytest.mark.parametrize("kind", PROXIES)
def test_where_no_server_runs_the_answer_is_503_with_retry_after(kind: str, folder: Path) -> None:
    with PROXIES[kind](folder, [free_port()]) as proxy:
        answer = proxy.ask(JANUARY, KEY)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "30"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json["code"] == 503


@pytest.mark.parametrize("kind", PROXIES)
def test_one_of_two_servers_may_be_stopped_at_any_time(
    kind: str, folder: Path, settings: dict[str, str], server: Running
) -> None:
    with (
        started("serve", "--port", "0", **settings) as other,
        PROXIES[kind](folder, [server.port, other.port]) as proxy,
        ThreadPoolExecutor(4) as pool,
    ):
        first = list(pool.map(lambda _: proxy.ask(JANUARY, KEY).status, range(8)))
        stopped = pool.submit(other.stop, 15)
        then = list(pool.map(lambda _: proxy.ask(JANUARY, KEY).status, range(24)))
        assert stopped.result(LONG) == 0
        then += [proxy.ask(JANUARY, KEY).status for _ in range(6)]
    assert set(first + then) == {200}

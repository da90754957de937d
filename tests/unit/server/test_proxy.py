"""Requests for Mailbox API 2.0 that arrive here go through as they are, if that is wanted."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.settings import Settings
from compat.server import proxy
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, running
from tests.unit.server.threaded_server import KEY, LOOPBACK, Answer, ask, raw, read, serving
from tests.unit.service.doubles import FIRST, JANUARY, LONG, FakeSource, row
from tests.unit.v2.upstream import Reply, in_turn, scripted

JSON = "application/json; charset=utf-8"
StartProxy = Callable[..., int]


class Echo:
    """An upstream that keeps what it is sent, and answers as its attributes say.

    Attributes:
        received: What arrived: method, target, headers, body.
        status: The status of its answers.
        headers: Their headers.
        body: Their body.
    """

    def __init__(self) -> None:
        self.anew()

    def anew(self) -> None:
        self.received: list[tuple[str, bytes, dict[str, str], bytes]] = []
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b"{}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.received.append((scope["method"], scope["raw_path"] + query, headers, b"".join(parts)))
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


@pytest.fixture(scope="module")
def far() -> Iterator[tuple[Echo, int]]:
    echo = Echo()
    with serving(echo, lifespan="off") as port:
        yield echo, port


@pytest.fixture
def echo(far: tuple[Echo, int]) -> Echo:
    far[0].anew()
    return far[0]


@pytest.fixture
def start_proxy() -> Iterator[StartProxy]:
    """Starts a server that forwards to an address, and returns its port."""
    with ExitStack() as stack:

        def start(base_url: str, options: dict[str, Any] | None = None, **others: Any) -> int:
            settings = Settings(
                app_id="our-app",
                app_secret=SecretStr("our-secret"),
                base_url=base_url,
                **{"pass_v2": True, **others},
            )
            reports = LegacyReports(settings, source=FakeSource([row(FIRST)]))
            return stack.enter_context(serving(create_app(reports), lifespan="on", **options or {}))

        yield start


@pytest.fixture
def port(far: tuple[Echo, int], echo: Echo, start_proxy: StartProxy) -> int:
    return start_proxy(f"http://{LOOPBACK}:{far[1]}/v2")


def sent(
    port: int, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=LONG)) as connection:
        connection.request(method, target, body, headers or {})
        return read(connection)


def test_by_default_there_is_no_such_path(
    far: tuple[Echo, int], echo: Echo, start_proxy: StartProxy
) -> None:
    port = start_proxy(f"http://{LOOPBACK}:{far[1]}/v2", pass_v2=False)
    answer = ask(port, "/v2/conversations")
    assert answer.status == 404
    assert answer.json["error"] == "The specified resource was not found: '/v2/conversations'"
    assert echo.received == []


def test_a_client_of_mailbox_api_2_signs_in_and_reads(start_proxy: StartProxy) -> None:
    account = Account()
    account.add(FIRST)
    with running(Simulator(account, Behaviour(rate_limit=400))) as base_url:
        port = start_proxy(base_url)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        grant = "grant_type=client_credentials&client_id=demo-app&client_secret=demo-secret"
        token = sent(port, "POST", "/v2/oauth2/token", grant, form).json["access_token"]
        answer = ask(
            port, "/v2/conversations?status=all", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.json["page"]["totalElements"] == 1
        assert answer.headers["x-ratelimit-limit-minute"] == "400"
        assert ask(port, "/v2/conversations", headers={}).status == 401


@pytest.mark.parametrize(
    "target",
    [
        *("/v2/conversations", "/v2/", "/v2/a//b/", "/v2/conversations/1%2F2", "/v2/%7Ea~b"),
        *("/v2/x?query=(tag:%22a%20b%22)", "/v2/x?a=1&a=2&&b", "/v2/x?q=%7e~%2f/%C3%A4+|{}"),
        *("/v2/x?page=1&sortOrder=desc", "/v2/x?a[]=1&b='\"<>^`"),
    ],
)
def test_the_target_arrives_byte_for_byte(port: int, echo: Echo, target: str) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert raw(port, request.encode()).startswith(b"HTTP/1.1 200")
    assert [received[1] for received in echo.received] == [target.encode()]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_method_arrives(port: int, echo: Echo, method: str) -> None:
    assert sent(port, method, "/v2/conversations/1").status == 200
    assert echo.received[0][0] == method


def test_head_is_answered_without_a_body(port: int, echo: Echo) -> None:
    echo.body = b"x" * 17
    answer = sent(port, "HEAD", "/v2/conversations/1")
    assert (answer.status, answer.body) == (200, b"")
    assert echo.received[0][0] == "HEAD"


@pytest.mark.parametrize("body", [b'{"subject": "\xc3\xa4"}', bytes(range(256)) * 2000])
def test_the_body_arrives(port: int, echo: Echo, body: bytes) -> None:
    sent(port, "PATCH", "/v2/conversations/1", body, {"Content-Type": "application/json"})
    assert echo.received[0][3] == body
    assert echo.received[0][2]["content-length"] == str(len(body))
    assert echo.received[0][2]["content-type"] == "application/json"


def test_a_body_in_chunks_arrives(port: int, echo: Echo) -> None:
    sent(port, "POST", "/v2/attachments", iter([b"one", b"two"]))
    assert echo.received[0][3] == b"onetwo"


def test_the_callers_authorization_goes_through_and_nothing_of_ours(port: int, echo: Echo) -> None:
    ask(port, "/v2/x", headers={"Authorization": "Bearer theirs", "X-Own": "1"})
    headers = echo.received[0][2]
    assert headers["authorization"] == "Bearer theirs"
    assert headers["x-own"] == "1"
    ours = {"host", "accept-encoding", "authorization", "x-own", "compat-upstream"}
    assert set(headers) == ours  # http.client itself sends an Accept-Encoding
    assert "our-" not in str(headers)


def test_without_authorization_none_is_sent(port: int, echo: Echo) -> None:
    ask(port, "/v2/x", headers={})
    assert "authorization" not in echo.received[0][2]


def test_what_concerns_the_connection_alone_goes_no_further(port: int, echo: Echo) -> None:
    echo.headers = [(b"keep-alive", b"timeout=5"), (b"connection", b"x-hop"), (b"x-hop", b"1")]
    headers = {"Connection": "keep-alive, X-Mine", "X-Mine": "1", "TE": "trailers"}
    answer = ask(port, "/v2/x", headers={**headers, "Proxy-Authorization": "Basic eA=="})
    assert not {"connection", "x-mine", "te", "proxy-authorization"} & set(echo.received[0][2])
    assert not {"keep-alive", "x-hop"} & set(answer.headers)


@pytest.mark.parametrize("status", [200, 201, 204, 301, 307, 400, 401, 404, 412, 429, 500, 503])
def test_the_status_and_its_headers_come_back(port: int, echo: Echo, status: int) -> None:
    echo.status, echo.body = status, b"" if status == 204 else b'{"message": "as is"}'
    echo.headers = [(b"location", b"/elsewhere"), (b"resource-id", b"7"), (b"retry-after", b"9")]
    answer = ask(port, "/v2/x")
    assert (answer.status, answer.body) == (status, echo.body)
    shown = [answer.headers[name] for name in ("location", "resource-id", "retry-after")]
    assert shown == ["/elsewhere", "7", "9"]
    assert len(echo.received) == 1


def test_headers_that_are_there_twice_come_back_twice(port: int, echo: Echo) -> None:
    echo.headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    answer = raw(port, b"GET /v2/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").lower()
    assert answer.count(b"set-cookie: ") == 2
    assert answer.count(b"\r\ndate: ") == 1


def test_what_was_compressed_stays_compressed(port: int, echo: Echo) -> None:
    echo.body = gzip.compress(b'{"a": 1}' * 100)
    length = str(len(echo.body)).encode()
    echo.headers = [(b"content-encoding", b"gzip"), (b"content-length", length)]
    answer = ask(port, "/v2/x", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == length.decode()
    assert answer.body == echo.body


def test_a_cookie_of_one_caller_is_not_sent_for_the_next(port: int, echo: Echo) -> None:
    echo.headers = [(b"set-cookie", b"session=theirs")]
    ask(port, "/v2/x")
    ask(port, "/v2/x")
    assert "cookie" not in echo.received[1][2]


def test_the_proxies_of_the_environment_are_not_used(
    far: tuple[Echo, int], echo: Echo, start_proxy: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{LOOPBACK}:1")
    assert ask(start_proxy(f"http://{LOOPBACK}:{far[1]}/v2"), "/v2/x").status == 200


def test_another_place_is_asked_under_the_name_of_the_base_url(
    far: tuple[Echo, int], echo: Echo, start_proxy: StartProxy
) -> None:
    port = start_proxy("http://localhost:1/v2", connect_to=f"{LOOPBACK}:{far[1]}")
    assert ask(port, "/v2/x").status == 200
    assert echo.received[0][2]["host"] == "localhost:1"


def test_below_a_longer_base_the_rest_is_the_same(
    far: tuple[Echo, int], echo: Echo, start_proxy: StartProxy
) -> None:
    ask(start_proxy(f"http://{LOOPBACK}:{far[1]}/deep/v2"), "/v2/x?y=1")
    assert echo.received[0][1] == b"/deep/v2/x?y=1"


def test_behind_a_root_path_it_is_below_it(
    far: tuple[Echo, int], echo: Echo, start_proxy: StartProxy
) -> None:
    port = start_proxy(f"http://{LOOPBACK}:{far[1]}/v2", {"root_path": "/old"})
    assert ask(port, "/v2/x").status == 200
    assert echo.received[0][1] == b"/v2/x"


def test_the_old_api_is_still_answered_here(port: int, echo: Echo) -> None:
    assert ask(port, JANUARY).status == 200
    assert ask(port, "/v2").status == 404
    assert ask(port, "/v2x/y").status == 404
    assert echo.received == []


def test_a_request_with_our_own_mark_is_refused(port: int, echo: Echo) -> None:
    answer = ask(port, "/v2/x", headers={"Compat-Upstream": "1"})
    assert answer.status == 508
    assert echo.received == []


def test_a_request_that_reaches_this_server_again_is_refused(
    far: tuple[Echo, int], echo: Echo, start_proxy: StartProxy
) -> None:
    inner = start_proxy(f"http://{LOOPBACK}:{far[1]}/v2")
    answer = ask(start_proxy(f"http://{LOOPBACK}:{inner}/v2"), "/v2/x")
    assert answer.status == 508
    assert "COMPAT_CONNECT_TO" in answer.json["error"]
    assert echo.received == []


def test_an_unreachable_upstream_is_a_503_with_a_time_to_retry(start_proxy: StartProxy) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        nobody = taken.getsockname()[1]
    answer = ask(start_proxy(f"http://{LOOPBACK}:{nobody}/v2"), "/v2/x")
    assert answer.status == 503
    assert answer.headers["content-type"] == JSON
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["correlation-id"]
    assert answer.json["code"] == 503


@pytest.mark.parametrize("fate", ["dropped", "stalled"])
def test_an_upstream_that_does_not_answer_is_a_503_as_well(
    start_proxy: StartProxy, fate: Any
) -> None:
    with scripted() as upstream:
        upstream.script = in_turn(Reply(fate=fate))
        answer = ask(start_proxy(upstream.url, timeout=0.3), "/v2/x")
    assert (answer.status, answer.json["code"]) == (503, 503)


def test_an_answer_that_breaks_off_is_seen_to_break_off(start_proxy: StartProxy) -> None:
    with scripted() as upstream:
        upstream.script = in_turn(Reply(body=json.dumps("long" * 100).encode(), fate="cut"))
        port = start_proxy(upstream.url)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            ask(port, "/v2/x")


def test_a_request_that_is_too_large_is_not_handed_on(
    port: int, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "_MAX_BODY", 10)
    assert sent(port, "POST", "/v2/x", b"0123456789").status == 200
    answer = sent(port, "POST", "/v2/x", b"0123456789A")
    assert (answer.status, answer.json["code"]) == (413, 413)
    assert len(echo.received) == 1


def test_a_body_in_many_parts_is_not_added_up_anew_for_each() -> None:
    """Counts what is read of the parts that came: each once for its length, once to keep it."""
    lengths = 0

    class Part(bytes):
        def __len__(self) -> int:
            nonlocal lengths
            lengths += 1
            return super().__len__()

    parts = [Part(b"a") for _ in range(1000)]
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Any:
        return messages.pop(0)

    assert asyncio.run(proxy._read_body(receive)) == b"a" * 1000
    assert lengths <= 2 * len(parts)


def test_a_caller_with_the_old_key_alone_gets_no_further_than_upstream_lets_it(
    start_proxy: StartProxy,
) -> None:
    with running(Simulator(Account(), Behaviour(rate_limit=None))) as base_url:
        assert ask(start_proxy(base_url), "/v2/conversations", headers=KEY).status == 401


@pytest.mark.parametrize("below", ["users/me", "a%2Fb//c%20d?q=http://x/%41", ""])
@pytest.mark.parametrize("root", ["", "/old"])
def test_a_whole_url_as_target_is_passed_on_as_its_path(
    far: tuple[Echo, int], echo: Echo, start_proxy: StartProxy, below: str, root: str
) -> None:
    port = start_proxy(f"http://{LOOPBACK}:{far[1]}/v2", {"root_path": root})
    target = f"http://name:password@api.helpscout.net/v2/{below}"
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close", "", ""]
    assert raw(port, "\r\n".join(lines).encode()).startswith(b"HTTP/1.1 200")
    [(method, received, headers, _)] = echo.received
    assert (method, received) == ("GET", f"/v2/{below}".encode())
    assert headers["host"] == f"{LOOPBACK}:{far[1]}"
    assert "password" not in str(headers)

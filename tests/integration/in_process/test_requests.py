"""The adapter for requests: what it passes on, what it closes, how it is mounted."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from compat.requests import LegacyAdapter, mount
from compat.service import LegacyReports
from tests.integration.in_process.entry_points import ORIGIN
from tests.unit.server.commands import environment
from tests.unit.server.threaded_server import LOOPBACK, serving
from tests.unit.service.doubles import JANUARY, LONG, FakeSource, basic

KEY = {"Authorization": basic()}
NEW = f"{ORIGIN}/v1/reports/conversations/new.json"


class Inner(BaseAdapter):
    """Takes what is handed on.

    Attributes:
        taken: The requests.
        options: How each was to be sent.
        closed: Whether it was closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[requests.PreparedRequest] = []
        self.options: list[dict[str, Any]] = []
        self.closed = False

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        assert not args
        self.taken.append(request)
        self.options.append(options)
        answer = requests.Response()
        answer.status_code, answer.url = 202, request.url or ""
        answer._content = b"inner"
        return answer

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def inner() -> Inner:
    return Inner()


def mounted(reports: LegacyReports, inner: BaseAdapter | None = None) -> requests.Session:
    session = requests.Session()
    session.mount("https://api.helpscout.net/v1/", LegacyAdapter(reports, inner))
    return session


@pytest.mark.parametrize(
    "target", ["/v1/conversations.json?x=1", "/v1/mailboxes/1/customers.json", "/v1/"]
)
def test_what_is_not_the_old_reports_is_handed_on_as_it_is(
    reports: LegacyReports, inner: Inner, target: str
) -> None:
    with mounted(reports, inner) as session:
        answer = session.put(ORIGIN + target, json={"a": 1}, headers={**KEY, "X-Mine": "1"})
    assert (answer.status_code, answer.content) == (202, b"inner")
    [handed_on] = inner.taken
    assert (handed_on.method, handed_on.url) == ("PUT", ORIGIN + target)
    assert (handed_on.body, handed_on.headers["X-Mine"]) == (b'{"a": 1}', "1")
    assert handed_on.headers["Authorization"] == KEY["Authorization"]


def test_how_it_is_to_be_sent_is_handed_on(reports: LegacyReports, inner: Inner) -> None:
    how: dict[str, Any] = {
        "stream": True,
        "timeout": (3, 7),
        "verify": False,
        "cert": ("mine.pem", "mine.key"),
        "proxies": {"https": "http://proxy.example.org:3128"},
    }
    with mounted(reports, inner) as session:
        session.trust_env = False
        session.get(f"{ORIGIN}/v1/customers.json", **how)
    assert {name: inner.options[0][name] for name in how} == how


def test_a_real_server_gets_what_is_handed_on(reports: LegacyReports) -> None:
    heard: list[tuple[str, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        heard.append((scope["raw_path"].decode(), message["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"real"})

    with serving(app, lifespan="off") as port, requests.Session() as session:
        session.trust_env = False
        origin = f"http://{LOOPBACK}:{port}"
        session.mount(origin, LegacyAdapter(reports))
        assert session.post(f"{origin}/v2/conversations", data=b"\x00\xff").content == b"real"
        assert session.get(origin + JANUARY, headers=KEY).json()["current"][0]["count"] == 1
    assert heard == [("/v2/conversations", b"\x00\xff")]


@pytest.mark.parametrize(
    ("target", "status"), [(JANUARY, 200), ("/v1/reports/x", 404), ("/v1/tags.json", 200)]
)
def test_what_is_the_old_reports_is_never_handed_on(
    reports: LegacyReports, inner: Inner, target: str, status: int
) -> None:
    with mounted(reports, inner) as session:
        answer = session.get(ORIGIN + target, headers=KEY)
    assert answer.status_code == status
    assert answer.url == ORIGIN + target
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert inner.taken == []


def test_what_is_elsewhere_does_not_come_by(reports: LegacyReports, inner: Inner) -> None:
    with mounted(reports, inner) as session:
        adapter = session.get_adapter(f"{ORIGIN}/v2/reports/conversations/new")
    assert not isinstance(adapter, LegacyAdapter)


def test_a_question_put_with_params_and_a_login_is_understood(reports: LegacyReports) -> None:
    params = {"start": "2015-01-01T01:00:00+01:00", "end": "2015-01-31", "types": "email,chat"}
    with mounted(reports) as session:
        answer = session.get(NEW, params=params, auth=HTTPBasicAuth("an-old-key", "X"))
    assert answer.json()["current"][0]["count"] == 1


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The hosts that were looked up; each look-up fails."""
    hosts: list[object] = []

    def look_up(host: object, *_: object, **__: object) -> None:
        hosts.append(host)
        raise OSError("there is no network here")

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    return hosts


@pytest.mark.parametrize(
    "origin",
    [
        "https://an-old-key:X@api.helpscout.net",
        "https://an-old-key:X@api.helpscout.net:443",
        "HTTPS://an-old-key:X@API.HelpScout.net",
    ],
)
def test_a_session_answers_urls_that_contain_a_key_or_a_port(
    reports: LegacyReports, reached: list[object], origin: str
) -> None:
    with requests.Session() as session:
        mount(session, reports)
        answer = session.get(origin + JANUARY)
    assert (answer.status_code, answer.json()["current"][0]["count"]) == (200, 1)
    assert reached == []


def test_a_session_answers_urls_with_a_port_and_no_key(
    reports: LegacyReports, reached: list[object]
) -> None:
    with requests.Session() as session:
        mount(session, reports)
        assert session.get(f"{ORIGIN}:443{JANUARY}", headers=KEY).status_code == 200
        assert session.get(ORIGIN + JANUARY, headers=KEY).status_code == 200
    assert reached == []


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://api.example.org", "api.example.org"),
        ("https://api.helpscout.net@api.example.org", "api.example.org"),
        ("https://api.helpscout.net:8443", "api.helpscout.net"),
        ("http://api.helpscout.net", "api.helpscout.net"),
    ],
)
def test_a_session_sends_what_is_for_another_host_port_or_scheme(
    reports: LegacyReports, reached: list[object], origin: str, host: str
) -> None:
    with requests.Session() as session:
        session.trust_env = False
        mount(session, reports)
        with pytest.raises(requests.ConnectionError):
            session.get(origin + JANUARY, headers=KEY)
    assert reached == [host]


@pytest.mark.parametrize("prefix", ["https://", f"{ORIGIN}/", f"{ORIGIN}/v1/"])
def test_a_session_keeps_its_own_adapters_for_other_requests(
    reports: LegacyReports, inner: Inner, prefix: str
) -> None:
    with requests.Session() as session:
        session.mount(prefix, inner)
        mount(session, reports)
        assert session.get(f"{ORIGIN}/v1/customers.json").content == b"inner"
        assert session.get(ORIGIN + JANUARY, headers=KEY).status_code == 200
    assert len(inner.taken) == 1
    assert inner.closed


def test_a_session_can_have_the_old_api_at_another_address(
    reports: LegacyReports, reached: list[object]
) -> None:
    with requests.Session() as session:
        mount(session, reports, "http://old.example.org:8080")
        answer = session.get(f"http://old.example.org:8080{JANUARY}", headers=KEY)
    assert answer.status_code == 200
    assert reached == []


def test_no_network_is_touched_for_the_old_reports(
    reports: LegacyReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr("socket.getaddrinfo", reached)
    with mounted(reports) as session:
        assert session.get(ORIGIN + JANUARY, headers=KEY).status_code == 200
        refused = session.get(ORIGIN + JANUARY, auth=HTTPDigestAuth("an-old-key", "X"))
        assert refused.status_code == 401


def test_what_is_sent_again_goes_the_same_way(reports: LegacyReports) -> None:
    with mounted(reports) as session:
        answer = session.get(ORIGIN + JANUARY)
        again = answer.request.copy()
        again.headers.update(KEY)
        assert answer.status_code == 401
        assert answer.connection.send(again).status_code == 200


def test_an_answer_can_be_streamed(reports: LegacyReports) -> None:
    with mounted(reports) as session:
        answer = session.get(ORIGIN + JANUARY, headers=KEY, stream=True)
        assert b"".join(answer.iter_content(5)).startswith(b'{"current":[')


def test_errors_raise_as_they_do_from_a_server(reports: LegacyReports) -> None:
    with mounted(reports) as session, pytest.raises(requests.HTTPError, match="400 Client Error"):
        session.get(NEW, headers=KEY).raise_for_status()


def test_closing_the_session_closes_the_inner_adapter_and_not_the_reports(
    reports: LegacyReports, fake_source: FakeSource, inner: Inner
) -> None:
    with mounted(reports, inner):
        pass
    assert inner.closed
    assert not fake_source.closed
    assert reports.answer(JANUARY, authorization=basic()).status == 200


def test_without_requests_it_says_what_to_install() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['requests'] = None; import compat.requests",
        ],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("ImportError: ")
    assert "pip install 'helpscout-v1-compat[requests]'" in said

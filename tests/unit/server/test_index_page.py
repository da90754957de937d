"""The page at `/`, over real HTTP."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import date
from html import unescape
from typing import Any

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.settings import Settings
from compat.server.index_page import as_text
from compat.server.pages import HEADERS
from compat.service import LegacyReports
from compat.simulator import Simulator, make_account, running
from compat.v1.routes import ROUTES
from tests.unit.server.threaded_server import KEY, LOOPBACK, Answer, Stage, ask, raw, serving
from tests.unit.service.doubles import FakeSource, basic, reports_on

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
CURL = {"Accept": "*/*"}
ATTACKS = (
    '"><script>alert(1)</script>',
    "x'; touch /tmp/x; '",
    "x`id`",
    "$(id)",
    "x y",
    "x/y",
    "x@y",
    "x\\y",
    "x:port",
    "x:",
    "[::1",
    "",
    "\xe9",
)


def page(port: int, headers: dict[str, str] = CURL, path: str = "/") -> str:
    return ask(port, path, headers=headers).body.decode()


def with_host(port: int, host: str, accept: str = "*/*") -> str:
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    head, _, body = raw(port, request.encode("latin-1")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") or b"400" in head.splitlines()[0]
    return body.decode()


def commands(text: str) -> list[str]:
    return re.findall(r"curl .*'", unescape(text))


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (BROWSER["Accept"], "text/html"),
        ("text/html", "text/html"),
        ("TEXT/HTML; q=0.5, application/json", "text/html"),
        ("text/plain;q=0.5, text/html", "text/html"),
        ("*/*", "text/plain"),
        ("application/json", "text/plain"),
        ("text/html;q=0", "text/plain"),
        ("text/plain, text/html;q=0.9", "text/plain"),
        ("text/htmlx", "text/plain"),
        ("", "text/plain"),
    ],
)
def test_browsers_get_html_and_others_text(port: int, accept: str, content_type: str) -> None:
    answer = ask(port, "/", headers={"Accept": accept})
    assert answer.status == 200
    assert answer.headers["content-type"] == f"{content_type}; charset=utf-8"
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("headers", [BROWSER, CURL])
def test_every_report_and_list_that_answers_is_named(port: int, headers: dict[str, str]) -> None:
    text = unescape(page(port, headers))
    assert [route.path for route in ROUTES if route.path not in text] == []
    assert [route.path for route in ROUTES if route.summary not in text] == []


@pytest.fixture(scope="module")
def account() -> Iterator[Settings]:
    with running(Simulator(make_account(100))) as base_url:
        yield Settings(app_id="demo-app", app_secret=SecretStr("demo-secret"), base_url=base_url)


@pytest.mark.parametrize("headers", [BROWSER, CURL])
def test_every_command_on_it_is_answered(
    stage: tuple[Stage, int], account: Settings, headers: dict[str, str]
) -> None:
    with LegacyReports(account) as reports:
        stage[0].app, port = create_app(reports), stage[1]
        found = commands(page(port, headers))
        answers = {command: asked(port, command) for command in found}
    assert len(answers) == len(ROUTES)
    refused = {command: answer.json for command, answer in answers.items() if answer.status != 200}
    assert {error["error"] for error in refused.values()} <= {
        "The requested resource was not found."
    }


def asked(port: int, command: str) -> Answer:
    """The answer to a command, with 1 in place of ids."""
    program, option, key, url = shlex.split(command)
    assert (program, option, key) == ("curl", "-u", "YOUR_OLD_KEY:X")
    target = re.sub("[A-Z]+_ID", "1", url.removeprefix(f"http://{LOOPBACK}:{port}"))
    return ask(port, target, headers={"Authorization": basic("YOUR_OLD_KEY")})


def test_the_commands_ask_for_last_month() -> None:
    text = as_text("http://x", [], date(2024, 3, 31))
    assert "start=2024-02-01T00:00:00Z&end=2024-02-29T23:59:59Z" in text


def test_a_browser_finds_every_file_and_page_that_it_names(
    stage: tuple[Stage, int], fake_source: FakeSource
) -> None:
    with reports_on(fake_source, metrics=True) as reports:
        stage[0].app = create_app(reports, explorer=True)
        links = re.findall('(?:href|src)="([^"]*)"', page(stage[1], BROWSER))
        statuses = {link: ask(stage[1], link).status for link in links}
    assert set(statuses.values()) == {200}
    assert {"/explore", "/openapi.json", "/healthz", "/readyz", "/metrics"} < set(statuses)


def test_what_is_off_is_no_link_and_says_how_to_turn_it_on(port: int) -> None:
    html, text = page(port, BROWSER), page(port)
    assert 'href="/explore"' not in html
    assert "COMPAT_EXPLORER=true" in html
    assert "COMPAT_EXPLORER=true" in text
    assert "COMPAT_METRICS=true" in text


def test_it_runs_nothing_and_loads_nothing_from_elsewhere(port: int) -> None:
    answer = ask(port, "/", headers=BROWSER)
    assert {name.lower(): text for name, text in HEADERS}.items() <= answer.headers.items()
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert b"<script" not in answer.body
    assert not re.search(rb'(href|src)="(?!/[a-z])', answer.body)


@pytest.mark.parametrize("headers", [BROWSER, CURL])
def test_it_is_the_same_for_everybody(
    stage: tuple[Stage, int], fake_source: FakeSource, headers: dict[str, str]
) -> None:
    with reports_on(fake_source, api_keys=("an-old-key",), app_id="the-app") as reports:
        stage[0].app = create_app(reports)
        with_key, without = page(stage[1], headers | KEY), page(stage[1], headers)
    assert with_key == without
    assert "an-old-key" not in without
    assert "the-app" not in without
    assert fake_source.asked == []


@pytest.mark.parametrize(
    "host", ["reports.example.org", "127.0.0.1:8080", "[::1]:8080", "a_b.local:1", "LOCALHOST"]
)
def test_the_commands_have_the_address_that_the_caller_used(port: int, host: str) -> None:
    text = with_host(port, host)
    assert len(commands(text)) == text.count(f"'http://{host}/v1/") == len(ROUTES)


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
@pytest.mark.parametrize("host", ATTACKS)
def test_a_host_that_is_none_is_not_repeated(port: int, host: str, accept: str) -> None:
    text = with_host(port, host, accept)
    if text.startswith(("<!DOCTYPE", "helpscout")):  # else h11 has refused it
        assert f"http://{LOOPBACK}:{port}/v1/" in text
        assert not host or host not in text.replace("\\'", "")
        assert "<script" not in text


def test_a_caller_without_a_host_sees_the_address_of_the_server(port: int) -> None:
    answer = raw(port, b"GET / HTTP/1.0\r\n\r\n").decode()
    assert f"'http://{LOOPBACK}:{port}/v1/tags.json'" in answer


@pytest.mark.parametrize("headers", [BROWSER, CURL])
def test_head_is_answered_as_get_without_the_body(port: int, headers: dict[str, str]) -> None:
    def fixed(answer: Answer) -> dict[str, str]:
        return {k: v for k, v in answer.headers.items() if k not in {"correlation-id", "date"}}

    head, whole = (ask(port, "/", method, headers) for method in ("HEAD", "GET"))
    assert head.body == b""
    assert fixed(head) == fixed(whole)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_old_api_has_nothing_else_there(port: int, method: str) -> None:
    answer = ask(port, "/", method=method)
    assert (answer.status, answer.json["code"]) == (404, 404)


def test_mounted_below_another_path_its_addresses_begin_with_that(reports: LegacyReports) -> None:
    app = create_app(reports, explorer=True)
    options: dict[str, Any] = {"root_path": "/old", "lifespan": "off"}
    with serving(app, **options) as port:
        html = page(port, BROWSER)
        assert f"'http://{LOOPBACK}:{port}/old/v1/tags.json'" in unescape(html)
        assert 'href="/old/explore"' in html
        assert 'href="/old/index.css"' in html


def test_its_style_is_for_narrow_windows_and_dark_ones(port: int) -> None:
    style = page(port, BROWSER, "/index.css")
    assert "prefers-color-scheme: dark" in style
    assert "overflow-wrap: anywhere" in style
    assert "width=device-width" in page(port, BROWSER)

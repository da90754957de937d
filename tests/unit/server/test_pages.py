"""Pages for people with a browser, over real HTTP."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from compat.asgi import create_app
from compat.server.pages import EXPLORER, explorer_files
from compat.server.run import is_loopback
from compat.service import LegacyReports
from tests.unit.server.commands import run, started
from tests.unit.server.threaded_server import LOOPBACK, Stage, ask, raw
from tests.unit.service.doubles import FakeSource, reports_on

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
}
FILES = sorted(explorer_files())
EXTERNAL = re.compile(rb"""(?:src|href|action)\s*=\s*["']?(?:[a-z]+:)?//|@import|url\(|<script>""")
"""What would load something from elsewhere, or what the policy forbids within a page."""


@pytest.fixture
def explorer(stage: tuple[Stage, int], reports: LegacyReports) -> int:
    stage[0].app = create_app(reports, explorer=True)
    return stage[1]


def test_the_explorer_is_a_page_that_needs_no_key(explorer: int) -> None:
    answer = ask(explorer, EXPLORER, headers={})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("path", FILES)
def test_its_files_are_those_of_the_package(explorer: int, path: str) -> None:
    name = path.removeprefix(f"{EXPLORER}/").replace(EXPLORER, "explore.html")
    answer = ask(explorer, path, headers={})
    assert answer.status == 200
    assert answer.body == (files("compat.server") / "static" / name).read_bytes()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        (f"{EXPLORER}/explore.js", "text/javascript; charset=utf-8"),
        (f"{EXPLORER}/explore.css", "text/css; charset=utf-8"),
    ],
)
def test_browsers_are_told_what_a_file_is(explorer: int, path: str, content_type: str) -> None:
    assert ask(explorer, path, headers={}).headers["content-type"] == content_type


@pytest.mark.parametrize("path", FILES)
def test_browsers_load_and_run_nothing_from_elsewhere(explorer: int, path: str) -> None:
    answer = ask(explorer, path, headers={})
    assert set(answer.headers["content-security-policy"].split("; ")) == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    if not answer.headers["content-type"].startswith("text/javascript"):
        assert not EXTERNAL.search(answer.body)


def test_the_files_that_its_page_names_are_served(explorer: int) -> None:
    page = ask(explorer, EXPLORER, headers={}).body.decode()
    named = re.findall(r'(?:src|href)="(explore/[^"]+)"', page)
    assert named
    assert {ask(explorer, f"/{name}", headers={}).status for name in named} == {200}


@pytest.mark.parametrize(
    "path",
    [
        "/../pages.py",
        "/..%2fpages.py",
        "/%2e%2e/pages.py",
        "/..%5cpages.py",
        "//etc/passwd",
        "/./explore.js",
        "/explore.js/",
        "/explore.js%00",
        "/EXPLORE.JS",
        "/explore.html",
        "/nothing.js",
    ],
)
def test_no_other_path_below_it_is_a_file(explorer: int, path: str) -> None:
    request = f"GET {EXPLORER}{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert raw(explorer, request.encode()).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("path", FILES)
def test_a_browser_that_has_a_file_is_not_sent_it_again(explorer: int, path: str) -> None:
    first = ask(explorer, path, headers={})
    for sent in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
        again = ask(explorer, path, headers={"If-None-Match": sent})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert "content-length" not in again.headers
    assert ask(explorer, path, headers={"If-None-Match": '"other"'}).status == 200
    assert first.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", FILES)
def test_head_of_a_file_has_the_headers_of_get(explorer: int, path: str) -> None:
    whole, head = (ask(explorer, path, method=method, headers={}) for method in ("GET", "HEAD"))
    varying = {"correlation-id", "date"}
    assert head.body == b""
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in whole.headers.items() if k not in varying
    }


def test_a_slash_behind_the_explorer_leads_to_it(explorer: int) -> None:
    answer = ask(explorer, f"{EXPLORER}/", headers={})
    assert (answer.status, answer.headers["location"]) == (308, "../explore")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_explorer_is_only_read(explorer: int, method: str) -> None:
    assert ask(explorer, EXPLORER, method=method).status == 404


@pytest.mark.parametrize("path", [*FILES, f"{EXPLORER}/"])
def test_unless_it_is_on_its_paths_are_not_found_and_say_how_to_turn_it_on(
    port: int, path: str
) -> None:
    answer = ask(port, path, headers={})
    assert answer.status == 404
    assert answer.json == {
        "code": 404,
        "error": f"The specified resource was not found: '{path}'. "
        "The report explorer is off: COMPAT_EXPLORER=true turns it on.",
    }


@pytest.mark.parametrize(
    ("setting", "status"), [({}, 404), ({"explorer": True}, 200), ({"explorer": False}, 404)]
)
def test_under_another_server_only_the_setting_turns_it_on(
    stage: tuple[Stage, int], fake_source: FakeSource, setting: dict[str, bool], status: int
) -> None:
    with reports_on(fake_source, **setting) as reports:
        stage[0].app = create_app(reports)
        assert ask(stage[1], EXPLORER, headers={}).status == status


@pytest.mark.parametrize("host", [LOOPBACK, "127.9.9.9", "localhost", "::1"])
def test_only_this_machine_can_reach_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1"])  # noqa: S104
def test_others_may_reach_every_other_address(host: str) -> None:
    assert not is_loopback(host)


def test_serve_says_where_the_explorer_is() -> None:
    with started("serve", "--demo", "--port", "0", COMPAT_EXPLORER="") as server:
        assert server.next_line().strip() == f"Report explorer on {server.address}/explore"
        assert ask(server.port, EXPLORER, headers={}).status == 200


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [(("--host", "0.0.0.0"), {"COMPAT_EXPLORER": ""}), ((), {"COMPAT_EXPLORER": "off"})],  # noqa: S104
)
def test_serve_has_no_explorer_for_strangers_or_against_the_setting(
    arguments: tuple[str, ...], settings: dict[str, str]
) -> None:
    with started("serve", "--demo", "--port", "0", *arguments, **settings) as server:
        assert ask(server.port, EXPLORER, headers={}).status == 404
        assert "compat.access" in server.next_line()


def test_an_explorer_for_everybody_has_to_be_wanted() -> None:
    host = ("--host", "0.0.0.0")  # noqa: S104
    with started("serve", "--demo", "--port", "0", *host, COMPAT_EXPLORER="on") as server:
        assert ask(server.port, EXPLORER, headers={}).status == 200


def test_a_setting_that_is_neither_on_nor_off_is_refused() -> None:
    done = run("serve", "--demo", "--port", "0", COMPAT_EXPLORER="perhaps")
    assert done.returncode == 2
    assert "COMPAT_EXPLORER" in done.stderr

"""Whatever callers and upstream do, no secret is in an answer, a log, a figure or a text."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
import stamina

from compat.asgi import create_app
from compat.config.accounts import accounts_from_env
from compat.httpx import LegacyTransport
from compat.requests import LegacyAdapter
from compat.service import LegacyReports
from tests.integration.secrets.collected_texts import all_logs, error_texts, reprs
from tests.integration.secrets.marks import SECRETS, core, found_in
from tests.integration.secrets.upstream import (
    APP,
    BEARER,
    KEY,
    KEYS,
    echoing,
    proxied,
    refusing,
    settings_for,
    simulated,
)
from tests.unit.server.threaded_server import LOOPBACK, Answer, ask, raw, read, serving
from tests.unit.service.doubles import LONG, PATH, FakeSource

ANY_YEAR = f"{PATH}?start=2005-01-01&end=2045-01-31&viewBy=month"
TARGETS = (
    ANY_YEAR,
    PATH,
    f"{ANY_YEAR}&key={SECRETS['bearer'][:6]}",
    ANY_YEAR.replace("new.json", "new-drilldown.json"),
    "/v1/mailboxes.json",
    "/v1/nowhere",
    "/",
    "/progress.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
)


@pytest.fixture(scope="module", autouse=True)
def retries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


@contextmanager
def opened(base_url: str, **others: str) -> Iterator[tuple[int, LegacyReports, Any]]:
    """A server of ours in front of an address."""
    reports = LegacyReports(accounts_from_env(settings_for(base_url, **others)))
    app = create_app(reports)
    with serving(app, lifespan="on") as port:
        yield port, reports, app


def shown(answer: Answer) -> str:
    return f"{answer.status} {answer.headers} {answer.body!r}"


def everything(base_url: str, **others: str) -> str:
    """All that shows while every kind of caller asks everything there is."""
    with ExitStack() as stack:
        port, reports, app = stack.enter_context(opened(base_url, **others))
        said = stack.enter_context(all_logs())
        texts = [shown(ask(port, to, headers=dict(key))) for to in TARGETS for key in KEYS]
        texts += map(error_texts, raised(reports))
        passed_through(port)
        texts.append(nonsense(port))
        texts += reprs(app, reports, *reports.accounts.values())
        texts.append(shown(ask(port, "/metrics", headers={})))
    return "\n".join([*texts, said.getvalue()])


def raised(reports: LegacyReports) -> Iterator[BaseException]:
    """What calls from Python raise, for what is asked well and badly."""
    for report, start in (("new_conversations", "2013-01-01"), ("new_ids", "x")):
        pairs = [("start", start), ("end", "2013-01-02")]
        try:
            reports.compute(report, pairs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
            yield error


def passed_through(port: int) -> None:
    """Another program signs in through this server and goes on; what it receives is its own."""
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=LONG)) as connection:
        form = f"grant_type=client_credentials&client_secret={core('their-secret')}"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/v2/oauth2/token", form, kind)
        read(connection)
        connection.request(
            "GET", "/v2/conversations", headers={"Authorization": f"Bearer {BEARER}"}
        )
        read(connection)


def nonsense(port: int) -> str:
    """The answers to callers that send no valid HTTP, but their key."""
    key = b"\r\nAuthorization: " + KEY["Authorization"].encode() + b"\r\n\r\n"
    lines = (
        b"nonsense",
        b"GET /\x00 HTTP/1.1",
        b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 70_000,
    )
    return "".join(str(raw(port, line + key)) for line in lines)


def test_all_is_well_and_no_secret_is_seen() -> None:
    with simulated() as base_url:
        text = everything(base_url)
    assert '"current":' in text
    assert "compat.access" in text
    assert "httpcore" in text
    assert found_in(text) == set()


def test_through_a_proxy_its_password_is_not_seen() -> None:
    with simulated() as base_url:
        text = everything(base_url, COMPAT_PROXY=proxied(urlsplit(base_url).port or 0))
    assert '"current":' in text
    assert found_in(text) == set()


def test_a_proxy_out_of_reach_is_not_told_with_its_password() -> None:
    with simulated() as base_url:
        text = everything(base_url, COMPAT_PROXY=proxied(1))
    assert "no answer from" in text
    assert found_in(text) == set()


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 500, 503, 508])
def test_an_upstream_that_repeats_what_it_was_sent_is_not_repeated(status: int) -> None:
    with echoing(status) as base_url:
        assert found_in(everything(base_url, COMPAT_PATIENCE="5")) == set()


@pytest.mark.parametrize("status", [400, 401, 500])
def test_an_upstream_that_repeats_the_secret_is_not_repeated(status: int) -> None:
    with refusing(status) as base_url:
        assert found_in(everything(base_url, COMPAT_PATIENCE="5")) == set()


def test_an_error_of_our_own_tells_no_secret() -> None:
    """The trace goes to the log, and from the texts in it no secret may go along."""
    settings = accounts_from_env(settings_for("http://127.0.0.1:1/v2"))["default"]
    fake_source = FakeSource()
    fake_source.error = RuntimeError("unforeseen")
    with (
        LegacyReports(settings, source=fake_source) as reports,
        serving(create_app(reports), lifespan="off") as port,
        all_logs() as said,
    ):
        texts = [shown(ask(port, ANY_YEAR, headers=KEY)), *map(error_texts, raised(reports))]
    assert "RuntimeError: unforeseen" in said.getvalue()
    assert found_in(said.getvalue() + "".join(texts)) == set()


def test_inside_the_calling_program_nothing_is_seen_either() -> None:
    url = f"https://api.helpscout.net{ANY_YEAR}"
    with (
        simulated() as base_url,
        all_logs() as said,
        LegacyReports(accounts_from_env(settings_for(base_url))) as reports,
    ):
        transport = LegacyTransport(reports)
        with httpx.Client(mounts={"https://": transport}) as client:
            one = client.get(url, headers=KEY)
        with requests.Session() as session:
            session.mount("https://api.helpscout.net/v1/", LegacyAdapter(reports))
            two = session.get(url, auth=(APP, SECRETS["their-secret"]))
        texts = [*reprs(transport, reports), str(one.headers), str(two.headers), two.text]
    assert (one.status_code, two.status_code) == (200, 401)
    assert found_in(said.getvalue() + "".join(texts)) == set()

"""The answer to a request is the same at every entry point."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator, make_account, running
from compat.v1.routes import ROUTES
from tests.integration.in_process.entry_points import INSIDE, Call, over_http
from tests.unit.server.threaded_server import serving
from tests.unit.service.doubles import LONG, basic

SINCE = datetime(2015, 1, 1, tzinfo=UTC)
NOW = datetime(2015, 1, 31, tzinfo=UTC)
MAILBOX = 8501
USER = 4101
TEAM = 4901
NEW = "/v1/reports/conversations/new.json"
RANGE = "start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
ENCODED = RANGE.replace(":", "%3A")

EVERY_ROUTE = {
    route.path: Call(
        f"{route.path.format(mailbox=MAILBOX, user=USER, team=TEAM)}?{RANGE}&user={USER}&rating=0"
    )
    for route in ROUTES
}
SPELLINGS = {
    "commas and colons as they are": f"{NEW}?{RANGE}&types=email,chat&viewBy=day",
    "commas and colons encoded": f"{NEW}?{ENCODED}&types=email%2Cchat&viewBy=day",
    "an array as PHP writes it": f"{NEW}?{RANGE}&mailboxes[0]={MAILBOX}&mailboxes[1]=8508",
    "the same, encoded": f"{NEW}?{RANGE}&mailboxes%5B%5D={MAILBOX}&mailboxes%5B%5D=8508",
    "a plus as it is": f"{NEW}?start=2015-01-01T01:00:00+01:00&end=2015-01-31T23:59:59+01:00",
    "a plus encoded": f"{NEW}?start=2015-01-01T01:00:00%2B01:00&end=2015-01-31T23:59:59Z",
    "an ampersand at the end": f"{NEW}?{RANGE}&",
    "an encoded path": f"{NEW.replace('new', 'n%65w')}?{RANGE}",
    "bytes that are no text": f"{NEW}?{RANGE}&tags=%FF%FE",
}
PREVIOUS = "previousStart=2014-12-01&previousEnd=2014-12-31"
CALLS = {
    **EVERY_ROUTE,
    **{name: Call(target) for name, target in SPELLINGS.items()},
    "a previous range": Call(f"{NEW}?{RANGE}&{PREVIOUS}"),
    "nothing asked": Call(NEW),
    "a bad date and a bad id": Call(f"{NEW}?start=2015-02-30&end=2015-03-01&tags=x"),
    "a bad page": Call(f"/v1/reports/conversations/new-drilldown.json?{RANGE}&page=0"),
    "no key": Call(f"{NEW}?{RANGE}", authorization=None),
    "a stranger": Call(f"{NEW}?{RANGE}", authorization="Basic c3RyYW5nZXI6eA=="),
    "a report that never was": Call(f"/v1/reports/nowhere.json?{RANGE}"),
    "a mailbox that never was": Call("/v1/mailboxes/999/folders.json"),
    "a report of the old API's that is not known": Call(f"/v1/reports/docs.json?{RANGE}"),
    "HEAD": Call(f"{NEW}?{RANGE}", method="HEAD"),
    "HEAD without a range": Call(NEW, method="HEAD"),
    "HEAD without a key": Call(f"{NEW}?{RANGE}", method="HEAD", authorization=None),
    "HEAD of a report that never was": Call("/v1/reports/nowhere.json", method="HEAD"),
    "OPTIONS": Call(f"{NEW}?{RANGE}", method="OPTIONS", authorization=None),
    "OPTIONS of a report that never was": Call("/v1/reports/nowhere.json", method="OPTIONS"),
    "repeated slashes": Call(f"/v1//mailboxes/{MAILBOX}/folders.json"),
    "a slash at the end": Call(f"{NEW}/?{RANGE}"),
    "blanks in a list": Call(f"{NEW}?{RANGE}&types=email,%20chat"),
    "parameters that are ignored": Call(f"{NEW}?{RANGE}&mailbox={MAILBOX}&a%2Cb=1"),
    "another method": Call(f"{NEW}?{RANGE}", method="POST"),
    "another method for a list": Call("/v1/tags.json", method="DELETE"),
}


@dataclass(frozen=True)
class Scene:
    """One service, and the port where it is served."""

    reports: LegacyReports
    port: int


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    account = make_account(60, now=NOW, since=SINCE)
    with ExitStack() as stack:
        base_url = stack.enter_context(running(Simulator(account, Behaviour(rate_limit=None))))
        settings = Settings(
            app_id="demo-app",
            app_secret=SecretStr("demo-secret"),
            base_url=base_url,
            api_keys=(SecretStr("an-old-key"),),
            patience=LONG,
        )
        reports = stack.enter_context(LegacyReports(settings))
        port = stack.enter_context(serving(create_app(reports), lifespan="off"))
        yield Scene(reports, port)


@pytest.mark.parametrize("way", INSIDE)
@pytest.mark.parametrize("name", CALLS)
def test_an_entry_point_in_the_process_answers_like_the_server(
    scene: Scene, name: str, way: str
) -> None:
    assert INSIDE[way](scene.reports, CALLS[name]) == over_http(scene.port, CALLS[name])


@pytest.mark.parametrize("call", EVERY_ROUTE.values(), ids=EVERY_ROUTE)
def test_every_route_is_among_the_good_ones(scene: Scene, call: Call) -> None:
    assert over_http(scene.port, call).status == 200


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("nothing asked", 400),
        ("a bad page", 400),
        ("bytes that are no text", 400),
        ("no key", 401),
        ("a report that never was", 404),
        ("another method", 404),
        ("HEAD", 200),
        ("HEAD without a key", 401),
        ("HEAD of a report that never was", 404),
        ("OPTIONS", 204),
        ("OPTIONS of a report that never was", 404),
        ("repeated slashes", 200),
        ("a slash at the end", 404),
        ("parameters that are ignored", 200),
        ("a plus as it is", 200),
        ("an array as PHP writes it", 200),
    ],
)
def test_the_comparison_meets_good_and_bad_answers(scene: Scene, name: str, status: int) -> None:
    assert over_http(scene.port, CALLS[name]).status == status


@pytest.mark.parametrize("way", INSIDE)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("commas and colons as they are", "commas and colons encoded"),
        ("an array as PHP writes it", "the same, encoded"),
    ],
)
def test_spellings_of_one_question_have_one_answer(
    scene: Scene, one: str, other: str, way: str
) -> None:
    ask = INSIDE[way]
    assert ask(scene.reports, CALLS[one]) == ask(scene.reports, CALLS[other])


@pytest.mark.parametrize("way", INSIDE)
def test_a_key_without_its_padding_is_read_alike(scene: Scene, way: str) -> None:
    padded = basic(rest="XY")
    bare = replace(CALLS["a previous range"], authorization=padded.rstrip("="))
    assert padded.endswith("=")
    assert INSIDE[way](scene.reports, bare).status == 200

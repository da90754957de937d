"""Status, headers and bytes of answers, at every entry point."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import pytest
import requests

from compat import LegacyReports, LegacyRequest
from compat.httpx import AsyncLegacyTransport, LegacyTransport
from compat.requests import LegacyAdapter
from tests.golden import stage
from tests.golden.golden import compare, masked
from tests.golden.kept_requests import BUSY, DRILLDOWN, GROUPS, HALF, LOCAL, NEW, RANGE, Request
from tests.golden.stage import ORIGIN, Got

_VARY: Final = frozenset({"date", "compat-as-of"})
_PROSE: Final = frozenset({"description", "summary"})

Ask = Callable[[Request], Got]


@pytest.fixture(scope="module")
def reports(base_url: str) -> Iterator[LegacyReports]:
    with LegacyReports.from_env(stage.settings(base_url)) as opened:
        yield opened


@pytest.fixture(scope="module")
def entry_points(reports: LegacyReports, server: stage.Running) -> dict[str, Ask]:
    """How an answer is had, by the name of the entry point."""
    return {
        "LegacyReports": lambda request: _service(reports, request),
        "serve": lambda request: _served(server, request),
        "httpx": lambda request: _httpx(reports, request),
        "httpx, asynchronous": lambda request: asyncio.run(_httpx_async(reports, request)),
        "requests": lambda request: _requests(reports, request),
    }


@pytest.mark.parametrize("group", GROUPS)
def test_answers_are_what_they_were(group: str, entry_points: dict[str, Ask]) -> None:
    compare(
        f"answers/{group}.json",
        {name: _shown(request, entry_points) for name, request in GROUPS[group].items()},
    )


def test_what_only_a_server_answers_is_what_it_was(server: stage.Running) -> None:
    serve: dict[str, Ask] = {"serve": lambda request: _served(server, request)}
    compare(
        "answers/server.json", {name: _shown(request, serve) for name, request in LOCAL.items()}
    )


def test_a_request_that_comes_back_to_the_server_is_refused_as_it_was(
    server: stage.Running,
) -> None:
    got = stage.fetch(server.port, "/v1/tags.json", headers={"Compat-Upstream": "1"})
    compare("answers/loop.json", _plain(got))


def test_the_description_says_what_it_said(server: stage.Running) -> None:
    got = stage.fetch(server.port, "/openapi.json")
    description = _without_prose(json.loads(got.body))
    headers = [pair for pair in _headers(got) if pair[0] != "content-length"]
    compare("answers/openapi.json", {"headers": headers, "body": description})


@pytest.mark.parametrize(
    ("name", "variables", "plan"),
    [
        ("relayed", {"COMPAT_ENGINE": "relayed"}, "plus"),
        ("relayed-without-the-plan", {"COMPAT_ENGINE": "relayed"}, "standard"),
        ("auto", {"COMPAT_ENGINE": "auto"}, "plus"),
        ("totals", {"COMPAT_COUNT_BY": "totals"}, "standard"),
        ("refused-by-help-scout", {"HELPSCOUT_APP_SECRET": "wrong"}, "standard"),
    ],
)
def test_answers_of_other_settings_are_what_they_were(
    name: str, variables: dict[str, str], plan: Literal["standard", "plus"]
) -> None:
    with (
        stage.upstream(plan) as base_url,
        LegacyReports.from_env(stage.settings(base_url, **variables)) as opened,
    ):
        compare(f"answers/settings/{name}.json", _few(opened))


def test_answers_of_the_archive_are_what_they_were(base_url: str, tmp_path: Path) -> None:
    kept = stage.settings(base_url, COMPAT_ARCHIVE=str(tmp_path / "archive.db"))
    assert stage.run("sync", "--since", "2015", "--until", "2016", variables=kept).returncode == 0
    with LegacyReports.from_env({**kept, "COMPAT_OFFLINE": "true"}) as opened:
        compare("answers/settings/offline.json", _few(opened))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("json", ()),
        ("ids", ("--ids",)),
        ("csv-ids", ("--csv", "--ids")),
    ],
)
def test_the_command_prints_what_it_printed(
    name: str, options: tuple[str, ...], base_url: str
) -> None:
    asked = ("--start", "2015-01", "--end", "2015-02", "--view-by", "month", "--types", "email")
    before = ("--previous-start", "2014-12-15", "--previous-end", "2015-01-14T12:00:00Z")
    variables = stage.settings(base_url)
    done = stage.run("report", "new", *asked, *before, *options, variables=variables)
    assert (done.returncode, done.stderr) == (0, "")
    compare(f"answers/command/{name}.txt", done.stdout)


def _few(opened: LegacyReports) -> dict[str, Any]:
    asked = {
        "new": f"{NEW}?{RANGE}",
        "new by month": f"{NEW}?{HALF}&viewBy=month&types=chat",
        "drilldown": f"{DRILLDOWN}?{RANGE}&rows=1",
        "busy times": f"{BUSY}?{RANGE}&types=chat",
        "two years": f"{NEW}?start=2014-01-01&end=2015-12-31T23:59:59Z&viewBy=month",
        "before all": f"{NEW}?start=2001-01-01&end=2001-01-02",
        "mailboxes": "/v1/mailboxes.json",
        "folders": "/v1/mailboxes/8501/folders.json",
        "tags": "/v1/tags.json?page=2",
    }
    service: dict[str, Ask] = {"LegacyReports": lambda request: _service(opened, request)}
    return {name: _shown(Request(target), service) for name, target in asked.items()}


def _shown(request: Request, entry_points: dict[str, Ask]) -> dict[str, Any]:
    """A request and its answers; entry points that answer the same share one of them."""
    answers: list[dict[str, Any]] = []
    names: list[list[str]] = []
    for name, ask in entry_points.items():
        answer = _plain(ask(request))
        if answer in answers:
            names[answers.index(answer)].append(name)
        else:
            answers.append(answer)
            names.append([name])
    first = answers[0]["body"]
    for answer in answers[1:]:
        if answer["body"] == first:
            answer["body"] = "(the same)"
    asked: dict[str, Any] = {"request": f"{request.method} {request.target}"}
    if request.authorization != stage.basic():
        asked["authorization"] = request.authorization
    return asked | {
        "answers": [
            {"from": ", ".join(who), **answer} for who, answer in zip(names, answers, strict=True)
        ]
    }


def _plain(got: Got) -> dict[str, Any]:
    body = masked(got.body.decode("utf-8"))
    return {"status": got.status, "headers": _headers(got), "body": body}


def _headers(got: Got) -> list[str]:
    """A line for each header; of what varies, its form alone."""
    return [
        f"{name}: {re.sub('[0-9]', '0', text)}"
        if name.lower() in {"compat-as-of"}
        else f"{name}: …"
        if name.lower() in _VARY
        else f"{name}: {masked(text)}"
        for name, text in got.headers
    ]


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_prose(each)
            for key, each in value.items()
            if not (key in _PROSE and isinstance(each, str))
        }
    return [_without_prose(each) for each in value] if isinstance(value, list) else value


def _sent(request: Request) -> dict[str, str]:
    return {"Authorization": request.authorization} if request.authorization else {}


def _service(reports: LegacyReports, request: Request) -> Got:
    asked = LegacyRequest.from_target(request.target, request.method, request.authorization)
    answer = reports.handle(asked)
    return Got(answer.status, answer.headers, answer.body)


def _served(server: stage.Running, request: Request) -> Got:
    return stage.fetch(server.port, request.target, request.method, _sent(request))


def _handed_on(request: httpx.Request) -> httpx.Response:
    return httpx.Response(418, text=f"handed on: {request.url.raw_path.decode('ascii')}")


def _httpx(reports: LegacyReports, request: Request) -> Got:
    transport = LegacyTransport(reports, httpx.MockTransport(_handed_on))
    with httpx.Client(transport=transport) as client:
        url = f"{ORIGIN}{request.target}"
        return _read(client.request(request.method, url, headers=_sent(request)))


async def _httpx_async(reports: LegacyReports, request: Request) -> Got:
    transport = AsyncLegacyTransport(reports, httpx.MockTransport(_handed_on))
    async with httpx.AsyncClient(transport=transport) as client:
        url = f"{ORIGIN}{request.target}"
        return _read(await client.request(request.method, url, headers=_sent(request)))


def _read(answer: httpx.Response) -> Got:
    headers = tuple((name.decode(), text.decode()) for name, text in answer.headers.raw)
    return Got(answer.status_code, headers, answer.content)


class _HandedOn(requests.adapters.BaseAdapter):
    """Stands for all that the adapter does not answer itself."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 418
        answer.raw = io.BytesIO(f"handed on: {request.path_url}".encode())
        return answer

    def close(self) -> None:
        """Nothing is open."""


def _requests(reports: LegacyReports, request: Request) -> Got:
    with requests.Session() as session:
        session.mount(f"{ORIGIN}/", LegacyAdapter(reports, _HandedOn()))
        answer = session.request(
            request.method, f"{ORIGIN}{request.target}", headers=_sent(request)
        )
        return Got(answer.status_code, tuple(answer.headers.items()), answer.content)

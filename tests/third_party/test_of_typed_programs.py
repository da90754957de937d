"""Programs with static types decode every old report: an int stays an int, and nothing is null."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from compat.asgi import create_app
from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator, make_account
from tests.integration.exactness.simulated_upstream import NOW, SINCE, upstream
from tests.third_party import typed_programs
from tests.third_party.true_values import text
from tests.unit.server.threaded_server import LOOPBACK, ask, serving
from tests.unit.service.doubles import basic

pytestmark = pytest.mark.thorough  # a compiler and a virtual machine take seconds

KEY = "an-old-key"
ROOT = "/v1/reports"
ACCOUNT = make_account(140, 3, NOW, SINCE)
FIRST, LAST = (ACCOUNT.conversations()[at].created for at in (0, -1))
MIDDLE = (FIRST + LAST) // 2
USERS = (ACCOUNT.layout.users[0].id, ACCOUNT.layout.teams[0].id)
SERIES = ("user/replies", "user/customers-helped", "user/resolutions")
REPORTS = (
    *("conversations/new", "conversations/received-messages", "conversations/new-drilldown"),
    *("happiness", "happiness/ratings"),
    *("user", "user/happiness", "user/ratings", *SERIES, "user/conversation-history"),
)
RANGES = {
    "two ranges": {
        "start": text(MIDDLE),
        "end": text(LAST),
        "previousStart": text(FIRST),
        "previousEnd": text(MIDDLE - 1),
    },
    "one range": {"start": text(FIRST), "end": text(LAST)},
    "nothing happened": {"start": "2001-01-01T00:00:00Z", "end": "2001-02-01T00:00:00Z"},
}


@dataclass(frozen=True)
class Question:
    """A report and its parameters."""

    report: str
    query: str

    @property
    def target(self) -> str:
        return f"{ROOT}/{self.report}.json?{self.query}"


def _question(report: str, dates: dict[str, str], user: int) -> Question:
    return Question(report, urlencode({**dates, "user": user, "rating": 0, "rows": 50}))


QUESTIONS = {
    f"{report}, {name}, user {user}": _question(report, dates, user)
    for report in REPORTS
    for name, dates in RANGES.items()
    for user in (USERS if report.startswith("user") else USERS[:1])
}
WRONG = "without its parameters"
QUESTIONS[WRONG] = Question("user", "start=soon")

POINT = '{"current":[{"start":"2015-01-01T00:00:00Z","count":41}]}'
WELL = {"as it should be": ("", "")}
MISSHAPEN = {
    "a count with a point": ("41}", "41.0}"),
    "a count with a fraction": ("41}", "41.5}"),
    "a count that is null": ("41}", "null}"),
    "a count with an exponent": ("41}", "4e1}"),
    "no count": (',"count":41', ""),
    "a date that is null": ('"2015-01-01T00:00:00Z"', "null"),
    "a date with milliseconds": ("00Z", "00.000Z"),
    "a date with an offset": ("00Z", "00+00:00"),
}


@dataclass(frozen=True)
class Brought:
    """What a program decoded, and what it should have.

    Attributes:
        said: The status and the JSON of each question, as a caller without types reads them.
        outcomes: What the program printed for each of them.
        misshapen: The same for each text of `MISSHAPEN`, which no server sent.
    """

    said: dict[str, tuple[int, Any]]
    outcomes: dict[str, Any]
    misshapen: dict[str, Any]


@pytest.fixture(scope="module", params=sorted(typed_programs.LANGUAGES))
def brought(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Brought]:
    typed_programs.skip_unless_installed(request.param)
    directory = tmp_path_factory.mktemp(request.param)
    with upstream() as upstream_server:
        reach = upstream_server.show(Simulator(ACCOUNT, Behaviour(rate_limit=None)))
        keys = {"api_keys": (SecretStr(KEY),)}
        with (
            LegacyReports(reach.model_copy(update=keys)) as reports,
            serving(create_app(reports), lifespan="off") as port,
        ):
            yield _brought(port, request.param, directory)


def _brought(port: int, language: str, directory: Path) -> Brought:
    headers = {"Authorization": basic(KEY)}
    answers = {name: ask(port, each.target, headers=headers) for name, each in QUESTIONS.items()}
    broken = {name: POINT.replace(*change) for name, change in {**WELL, **MISSHAPEN}.items()}
    asked = {
        "base_url": f"http://{LOOPBACK}:{port}{ROOT}",
        "key": KEY,
        "asked": [
            *({"report": each.report, "query": each.query} for each in QUESTIONS.values()),
            *({"report": "conversations/new", "body": body} for body in broken.values()),
        ],
    }
    printed = typed_programs.run(language, asked, directory)
    return Brought(
        {name: (answer.status, answer.json) for name, answer in answers.items()},
        dict(zip(QUESTIONS, printed, strict=False)),
        dict(zip(broken, printed[len(QUESTIONS) :], strict=True)),
    )


def _without_nulls(content: Any) -> Any:
    """The content as the programs print it. Their types say where null may be."""
    if isinstance(content, dict):
        return {key: _without_nulls(each) for key, each in content.items() if each is not None}
    return [_without_nulls(each) for each in content] if isinstance(content, list) else content


@pytest.mark.parametrize("name", sorted(QUESTIONS.keys() - {WRONG}))
def test_every_report_is_decoded_without_loss(brought: Brought, name: str) -> None:
    status, content = brought.said[name]
    assert status == 200
    assert brought.outcomes[name] == {"status": 200, "decoded": _without_nulls(content)}


def test_the_reports_have_something_to_decode(brought: Brought) -> None:
    for report in REPORTS:
        _, content = brought.said[f"{report}, two ranges, user {USERS[0]}"]
        rows = content.get("conversations", content)
        assert rows.get("results") or {"current", "previous"} <= content.keys()
        assert any(int(figure) for figure in re.findall(r": (\d+)", json.dumps(content)))


def test_an_error_is_decoded_too(brought: Brought) -> None:
    status, content = brought.said[WRONG]
    assert (status, content["code"]) == (400, 400)
    assert brought.outcomes[WRONG] == {"status": 400, "decoded": _without_nulls(content)}


def test_the_text_that_is_misshapen_below_is_good(brought: Brought) -> None:
    assert brought.misshapen["as it should be"] == {"decoded": json.loads(POINT)}


@pytest.mark.parametrize("name", MISSHAPEN)
def test_the_types_refuse(brought: Brought, name: str) -> None:
    assert brought.misshapen[name].keys() == {"refused"}

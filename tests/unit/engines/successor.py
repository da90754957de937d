"""A successor that says what a test tells it to, and services that relay to it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from compat.config.settings import Settings
from compat.simulator import Simulator
from compat.simulator.faults import Delivery
from compat.simulator.messages import Response
from compat.v1.http import LegacyResponse
from tests.unit.v2.upstream import Asked, Reply, answer, conversation, page_of

NEW, LIST, HOURS = (
    f"/v1/reports/conversations/{name}.json" for name in ("new", "new-drilldown", "busy-times")
)
JANUARY = "start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
WEEKS = ["2015-01-01", "2015-01-08", "2015-01-15", "2015-01-22", "2015-01-29"]
ONE_DAY = [{"start": "2014-12-31T23:59:59Z", "count": 1}]
SERIES = {"current": [{"start": f"{day}T00:00:00Z", "count": 2} for day in WEEKS]}


class Successor:
    """Its reports say what the test says; `end` counts, as one conversation shows."""

    def __init__(self, content: object) -> None:
        self.content = content
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Reply:
        if asked.path.endswith("/v2/conversations"):
            return page_of([conversation(1)])
        if asked.params["start"] == "2014-12-31T23:59:59Z":
            return answer({"current": ONE_DAY})
        self.asked.append(asked)
        return self.content if isinstance(self.content, Reply) else answer(self.content)


def reach(url: str, **settings: Any) -> Settings:
    return Settings(
        **{
            "app_id": "demo-app",
            "app_secret": SecretStr("demo-secret"),
            "base_url": url,
            "engine": "relayed",
            **settings,
        }
    )


def body(answered: LegacyResponse) -> Any:
    """What an answer says, if it is one."""
    assert answered.status == 200, answered
    return json.loads(answered.body)


def header(answered: LegacyResponse, name: str) -> str:
    return dict(answered.headers)[name]


class Secretive(Simulator):
    """It shows reports and no conversations."""

    def respond(self, request):  # type: ignore[no-untyped-def]
        if request.path.endswith("/v2/conversations"):
            return Delivery(Response(403, b"{}"))
        return super().respond(request)

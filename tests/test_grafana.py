"""The files for Grafana: their requests are answered, and their selectors find the values."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import pytest

from compat.config.settings import Settings
from compat.simulator import Behaviour, Simulator, make_account, running
from tests.programs import parse_yaml
from tests.test_deploy import FOLDER
from tests.unit.server.commands import Running, started
from tests.unit.server.threaded_server import Answer, ask, free_port

FILES = FOLDER / "grafana"
PAGE = (FOLDER.parent / "how-to" / "grafana.md").read_text("utf-8")
DASHBOARD: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text("utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}
TYPE = "yesoreyeram-infinity-datasource"
MADE_IN = datetime(2015, 1, 1, tzinfo=UTC)
"""When the simulated account has many conversations."""

RANGES = {
    "thirty days in UTC": (MADE_IN, MADE_IN + timedelta(days=30, milliseconds=-1)),
    "days of Honolulu": (
        MADE_IN.replace(tzinfo=ZoneInfo("Pacific/Honolulu")),
        MADE_IN.replace(tzinfo=ZoneInfo("Pacific/Honolulu")) + timedelta(days=30),
    ),
    "from a moment": (MADE_IN + timedelta(microseconds=123_000), MADE_IN + timedelta(days=2)),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    simulator = Simulator(make_account(1000, seed=1), Behaviour(rate_limit=None))
    with (
        running(simulator) as base_url,
        started(
            "serve",
            "--port",
            "0",
            HELPSCOUT_APP_ID="demo-app",
            HELPSCOUT_APP_SECRET="demo-secret",
            HELPSCOUT_BASE_URL=base_url,
            COMPAT_API_KEYS="a-key-for-grafana",
        ) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def source() -> dict[str, Any]:
    document = parse_yaml((FILES / "datasource.yaml").read_text("utf-8"))
    (found,) = document["datasources"]
    return dict(found)


def iso(moment: datetime) -> str:
    """What Grafana puts in place of `${__from:date:iso}`: UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def filled(text: str, start: datetime, end: datetime, view_by: str) -> str:
    values = {"__from:date:iso": iso(start), "__to:date:iso": iso(end), "viewBy": view_by}
    return re.sub(r"\$\{([^}]+)\}", lambda found: values[found[1]], text)


def target(panel: dict[str, Any], start: datetime, end: datetime, view_by: str = "day") -> str:
    """The path and query that Infinity requests for a panel: parameters are form-encoded."""
    (query,) = panel["targets"]
    pairs = [
        (pair["key"], filled(pair["value"], start, end, view_by))
        for pair in query["url_options"]["params"]
    ]
    return f"{urlsplit(query['url']).path}?{urlencode(sorted(pairs))}"


def sent(server: Running, source: dict[str, Any], where: str) -> Answer:
    """The answer to a request with the credentials of the data source."""
    key = source["basicAuthUser"].replace("$REPORTS_KEY", "a-key-for-grafana")
    both = f"{key}:{source['secureJsonData']['basicAuthPassword']}"
    return ask(
        server.port, where, headers={"Authorization": f"Basic {b64encode(both.encode()).decode()}"}
    )


def selected(panel: dict[str, Any], answer: Answer) -> list[dict[str, Any]]:
    """The rows of a panel: JSONata's meaning of names with dots, and the columns."""
    (query,) = panel["targets"]
    root = answer.json
    for name in query["root_selector"].split("."):
        root = root[name]
    rows = root if isinstance(root, list) else [root]
    return [{each["text"]: row[each["selector"]] for each in query["columns"]} for row in rows]


@pytest.mark.parametrize("within", RANGES)
@pytest.mark.parametrize("title", PANELS)
def test_the_request_of_a_panel_is_answered_and_its_columns_have_values(
    title: str, within: str, server: Running, source: dict[str, Any]
) -> None:
    panel = PANELS[title]
    answer = sent(server, source, target(panel, *RANGES[within]))
    assert answer.status == 200, answer.body
    rows = selected(panel, answer)
    columns = panel["targets"][0]["columns"]
    assert rows
    for column in columns:
        for value in (row[column["text"]] for row in rows):
            if column["type"] == "timestamp":
                assert datetime.fromisoformat(value).tzinfo
            elif column["type"] == "number":
                assert isinstance(value, int | float)


def test_the_buckets_begin_at_midnight_of_the_dashboards_time_zone(
    server: Running, source: dict[str, Any]
) -> None:
    panel = PANELS["New conversations"]
    answer = sent(server, source, target(panel, *RANGES["days of Honolulu"]))
    starts = [row["Time"] for row in selected(panel, answer)]
    assert starts[:2] == ["2015-01-01T10:00:00Z", "2015-01-02T10:00:00Z"]


@pytest.mark.parametrize("view_by", ["day", "week", "month"])
def test_each_choice_of_the_dashboards_variable_is_answered(
    view_by: str, server: Running, source: dict[str, Any]
) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert view_by in variable["query"].split(",")
    where = target(PANELS["New conversations"], *RANGES["thirty days in UTC"], view_by)
    assert sent(server, source, where).status == 200


def test_the_files_belong_together(source: dict[str, Any]) -> None:
    assert source["type"] == TYPE
    assert source["jsonData"]["auth_method"] == "basicAuth"
    for panel in PANELS.values():
        (query,) = panel["targets"]
        assert panel["datasource"] == query["datasource"] == {"type": TYPE, "uid": source["uid"]}
        assert query["parser"] == "backend"
        address = urlsplit(query["url"])
        assert f"{address.scheme}://{address.netloc}" in source["jsonData"]["allowedHosts"]
    provider = parse_yaml((FILES / "dashboards.yaml").read_text("utf-8"))["providers"][0]
    assert f"{provider['options']['path']}/dashboard.json" in PAGE


def test_grafana_waits_longer_than_the_server(source: dict[str, Any]) -> None:
    patience = Settings.model_fields["patience"].default
    assert source["jsonData"]["timeoutInSeconds"] > patience


def test_an_answer_that_is_not_ready_is_an_error_for_the_panel(source: dict[str, Any]) -> None:
    with started(
        "serve", "--port", "0",
        HELPSCOUT_APP_ID="demo-app",
        HELPSCOUT_APP_SECRET="demo-secret",
        HELPSCOUT_BASE_URL=f"http://127.0.0.1:{free_port()}/v2",
        COMPAT_API_KEYS="a-key-for-grafana",
        COMPAT_PATIENCE="0.1",
    ) as server:  # fmt: skip
        for panel in PANELS.values():
            answer = sent(server, source, target(panel, *RANGES["thirty days in UTC"]))
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) > 0


def test_the_fields_on_the_page_are_those_of_the_files(source: dict[str, Any]) -> None:
    (query,) = PANELS["New conversations"]["targets"]
    assert f"`GET`, `{query['url']}`" in PAGE
    for pair in query["url_options"]["params"][:2]:
        assert f"`{pair['key']}` is `{pair['value']}`" in PAGE
    assert f"| Rows/Root | `{query['root_selector']}` |" in PAGE
    assert f"| Allowed hosts | `{source['jsonData']['allowedHosts'][0]}` |" in PAGE

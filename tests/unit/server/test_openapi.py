"""The published description says what the tables say; whether answers conform is for strangers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.models import ListItem
from compat.engines.computed import load_report
from compat.reports import AnswerFromDocuments
from compat.reports.lists import ListReport
from compat.v1 import errors, openapi
from compat.v1.query import ListPageQuery
from compat.v1.routes import LOCAL_ROUTES, ROUTES, Route
from tests.unit.server.threaded_server import KEY, Answer, ask
from tests.unit.service.doubles import JANUARY, PATH

DOCUMENT = openapi.document()
COMMITTED = Path(__file__).parents[3] / "docs/reference/openapi.json"
INSTANT = DOCUMENT["paths"][PATH]["get"]["parameters"][0]["schema"]["anyOf"][2]["pattern"]


STATUSES = {
    kind.status
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.LegacyError)
}


def test_it_is_served_to_anybody_as_it_is_committed(port: int) -> None:
    answer = ask(port, "/openapi.json", headers={})
    assert answer.status == 200
    assert answer.json == DOCUMENT == json.loads(COMMITTED.read_text("utf-8"))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.report)
def test_every_path_has_its_parameters_and_every_status(route: Route) -> None:
    shown = DOCUMENT["paths"][route.path]["get"]
    assert [each["name"] for each in shown["parameters"]] == [row.name for row in route.parameters]
    assert {int(status) for status in shown["responses"]} == {200} | STATUSES
    assert shown["summary"]


@pytest.mark.parametrize("route", [*ROUTES, *LOCAL_ROUTES], ids=lambda route: route.report)
def test_a_route_answers_with_what_its_report_makes(route: Route) -> None:
    report = load_report(route)
    if isinstance(report, ListReport):
        item = ListItem(9, "Ann")
        lists = [[item] for _ in report.needs(ListPageQuery())]
        made = report.make(ListPageQuery(), lists).model_dump_json()
        assert route.model.model_validate_json(made).model_dump_json() == made
    else:
        made = get_type_hints(report.answer)["return"]
        assert made in {route.model, AnswerFromDocuments}


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT)):
        place: Any = DOCUMENT
        for step in reference.split("/"):
            place = place[step]
        assert place


@pytest.mark.parametrize(
    ("target", "headers", "status"), [(JANUARY, KEY, 200), (PATH, KEY, 400), (JANUARY, {}, 401)]
)
def test_an_answer_has_the_headers_that_are_described(
    port: int, target: str, headers: dict[str, str], status: int
) -> None:
    answer: Answer = ask(port, target, headers=headers)
    described = DOCUMENT["paths"][PATH]["get"]["responses"][str(status)]
    if "$ref" in described:
        described = DOCUMENT["components"]["responses"][described["$ref"].rpartition("/")[2]]
    assert answer.status == status
    components = DOCUMENT["components"]["headers"]
    required = {name.lower() for name in described["headers"] if components[name]["required"]}
    optional = {name.lower() for name in described["headers"]} - required
    assert required <= set(answer.headers)
    assert {"compat-ignored", "access-control-allow-origin"} <= optional


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.report)
def test_no_schema_is_meant_for_python(route: Route) -> None:
    assert issubclass(route.model, BaseModel)
    schemas = json.dumps(DOCUMENT["components"]["schemas"])
    assert "Attributes:" not in schemas
    assert '"default": null' not in schemas


def test_the_documented_default_is_the_one_in_force() -> None:
    shown = {each["name"]: each for each in DOCUMENT["paths"][PATH]["get"]["parameters"]}
    assert shown["viewBy"]["schema"]["default"] == Conventions().default_view_by


@pytest.mark.parametrize("text", ["2015-01-31T23:59:59", "2015-01-31T23:59:59.000+0100"])
def test_instants_without_a_colon_or_a_zone_fit_the_pattern(text: str) -> None:
    assert re.search(INSTANT, text)


@pytest.mark.parametrize(
    "text", ["2015-13-31T23:59:59", "0000-01-01T00:00:00", "2015-01-31T24:00:00"]
)
def test_what_is_no_instant_does_not(text: str) -> None:
    assert not re.search(INSTANT, text)

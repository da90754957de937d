"""The published description says what the tables say; whether answers conform is for strangers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import jsonschema
import pytest
from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.models import ListItem
from compat.engines.computed import load_report
from compat.reports import AnswerFromDocuments
from compat.reports.lists import ListReport
from compat.reports.user_series import UserSeries
from compat.v1 import errors, openapi
from compat.v1.errors import ValidationFailed
from compat.v1.query import ListPageQuery, parse_values
from compat.v1.routes import LOCAL_ROUTES, ROUTES, Route
from tests.unit.server.threaded_server import KEY, Answer, ask
from tests.unit.service.doubles import JANUARY, PATH

DOCUMENT = openapi.document()
COMMITTED = Path(__file__).parents[3] / "docs/reference/openapi.json"

TEXTS = (
    *("", " ", "0", "1", "-1", "+1", "1.0", "1_000", "\uff11", "9" * 9, "9" * 10, "9" * 18),
    *("9" * 19, "1,2", "1, 2,", "1,x", "null", "true"),
    *("user", "User", "TEAM", "team", "users", "user,team", " user"),
    *("email", "Email", "email,chat", "email,CHAT", "phone", "custom"),
    *("day", "Day", "week", "WEEK", "month", "year", "day,week"),
    *("2015-01-31", "2015-13-01", "0000-01-01", "2015-01-31T23:59:59", "2015-01-31T24:00:00"),
    *("2015-01-31T23:59:59Z", "2015-01-31t23:59:59z", "2015-01-31T23:59:60Z"),
    *("2015-01-31 23:59:59", "2015-01-31T23:59", "2015-01-31T23:59:59.000Z"),
    *("2015-01-31T23:59:59.Z", "2015-01-31T23:59:59+01:00", "2015-01-31T23:59:59 01:00"),
    *("2015-01-31T23:59:59.000+0100", "2015-01-31T23:59:59+01", "2015-01-31T23:59:59+24:00"),
    *("2015-W05-1", "2015-01-31Z", "20150131"),
)
"""Values for every parameter: right ones, and those that lenient parsers accept as well."""

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
    if isinstance(report, UserSeries):
        assert report.series is route.model
    elif isinstance(report, ListReport):
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


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.report)
def test_the_description_allows_the_values_that_are_accepted_and_no_others(route: Route) -> None:
    shown = DOCUMENT["paths"][route.path]["get"]["parameters"]
    for each in (each for each in shown if each["in"] == "query"):
        described = {text for text in TEXTS if _is_described(each, text)}
        assert described == {text for text in TEXTS if _is_accepted(route, each["name"], text)}


def _is_described(parameter: dict[str, Any], text: str) -> bool:
    """Whether the description allows a text; its introduction allows blanks in lists, and any case.

    The schemas have words in one case alone, because generators make enumerations of them.
    """
    validator = jsonschema.Draft202012Validator(parameter["schema"])
    if "enum" in parameter["schema"].get("items", parameter["schema"]):
        text = text.lower()
    if "style" in parameter:
        items = [item for item in map(str.strip, text.split(",")) if item]
        allowed = validator.is_valid([_read(item) for item in items])
        return bool(allowed and (items or parameter.get("allowEmptyValue", False)))
    value = text if parameter["schema"].get("type") == "string" else _read(text)
    return bool(validator.is_valid(value) if text else parameter.get("allowEmptyValue", False))


def _read(text: str) -> int | str:
    return int(text) if re.fullmatch("-?[0-9]+", text, re.ASCII) else text


def _is_accepted(route: Route, name: str, text: str) -> bool:
    others = {"start": "2014-12-01", "end": "2015-03-01", "user": "1", "rating": "0"}
    if text or not name.startswith("previous"):
        others |= {"previousStart": others["start"], "previousEnd": others["end"]}
    pairs = [(other, value) for other, value in others.items() if other != name]
    try:
        parse_values([*pairs, (name, text)], route.parameters, Conventions())
    except ValidationFailed:
        return False
    return True

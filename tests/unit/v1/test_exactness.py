"""The table of how exact each field is agrees with the models, the reports, and itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.core.models import ActivityQuery
from compat.core.report_data import UserActivityQuery
from compat.engines.computed import load_report
from compat.v1 import openapi
from compat.v1.circumstances import ALWAYS
from compat.v1.decisions import DECISIONS
from compat.v1.differences import DIFFERENCES
from compat.v1.exactness import FIELDS, GRADES, SOURCES, FieldExactness
from compat.v1.grades import field_paths, rows_of, usual_grades
from compat.v1.query import ReportQuery, parse_values
from compat.v1.routes import LOCAL_ROUTES, ROUTES, Route

REPORTS = {route.report: route for route in (*ROUTES, *LOCAL_ROUTES)}
BY_REPORT = pytest.mark.parametrize("route", REPORTS.values(), ids=list(REPORTS))
SENT = {
    "start": "2015-01-01",
    "end": "2015-01-31",
    "previousStart": "2014-01-01",
    "previousEnd": "2014-01-31",
    "user": "4",
    "rating": "0",
    "mailbox": "8",
    "team": "9",
}
LATER = {"user", "user_conversation_history"}


@BY_REPORT
def test_every_field_of_every_answer_has_a_grade(route: Route) -> None:
    ungraded = [path for path in field_paths(route.model) if not rows_of(route.report, path)]
    assert ungraded == []


@BY_REPORT
def test_every_field_in_the_table_is_in_the_answer(route: Route) -> None:
    known = set(field_paths(route.model))
    assert {row.path for row in FIELDS if row.report == route.report} <= known


def test_every_report_in_the_table_exists_or_follows() -> None:
    assert {row.report for row in FIELDS} <= REPORTS.keys() | LATER


@BY_REPORT
def test_paths_of_fields_are_those_of_the_description(route: Route) -> None:
    schemas = openapi.document()["components"]["schemas"]

    def paths(schema: dict[str, Any]) -> list[str]:
        if "$ref" in schema:
            return paths(schemas[schema["$ref"].rpartition("/")[2]])
        if "items" in schema:
            return paths(schema["items"])
        return [
            f"{name}.{each}".rstrip(".")
            for name, inner in schema.get("properties", {"": {}}).items()
            for each in (paths(inner) if schema.get("properties") else [""])
        ]

    if route in ROUTES:
        answer = openapi.document()["paths"][route.path]["get"]["responses"]["200"]
        assert list(field_paths(route.model)) == paths(
            answer["content"]["application/json"]["schema"]
        )


def test_the_table_uses_the_words_that_are_explained() -> None:
    assert {row.grade for row in FIELDS} == GRADES.keys()
    assert {source for row in FIELDS for source in row.sources} == SOURCES.keys()
    assert all(row.sources for row in FIELDS)


def test_reasons_are_known_differences_and_conventions() -> None:
    titles = {each.title for each in (*DECISIONS, *DIFFERENCES)}
    assert {reason for row in FIELDS for reason in row.reasons} <= titles


def test_what_is_not_simply_exact_has_a_reason() -> None:
    assert [row for row in FIELDS if bool(row.reasons) == (row.grade == "E")] == []


def test_what_is_a_known_difference_is_not_graded_as_exact() -> None:
    differences = {each.title for each in DIFFERENCES}
    different = [row for row in FIELDS if differences & {*row.reasons}]
    assert {row.grade for row in different} == {"A", "N"}


def test_the_last_row_of_a_field_applies_in_all_cases_and_no_other_does() -> None:
    def field(row: FieldExactness) -> tuple[str, str]:
        return row.report, row.path

    for _, rows in groupby(sorted(FIELDS, key=field), field):
        *others, last = rows
        assert last.condition is ALWAYS, last
        assert all(row.condition is not ALWAYS for row in others), last


def test_an_exact_field_comes_from_the_request_or_from_help_scout() -> None:
    shown = {"request", "list", "threads"}
    exact = [row for row in FIELDS if row.grade in {"E", "E*"}]
    assert [row for row in exact if not shown & {*row.sources}] == []


@pytest.mark.parametrize(
    ("name", "grades"),
    [
        ("handleTime", {"N"}),
        ("avgHandleTime", {"N"}),
        ("ratingCreatedAt", {"N"}),
        ("attachments", {"N"}),
        ("totalCustomersHelped", {"A", "N"}),
        ("modifiedAt", {"A"}),
        ("waitingSinceType", {"A"}),
    ],
)
def test_what_help_scout_does_not_show_is_never_exact(name: str, grades: set[str]) -> None:
    reports = [
        row for row in FIELDS if REPORTS.get(row.report, ROUTES[0]).query_type is ReportQuery
    ]
    found = {row.grade for row in reports if row.path.rpartition(".")[2] == name}
    assert found == grades


@BY_REPORT
def test_a_report_that_reads_no_threads_has_no_exact_field_from_threads(route: Route) -> None:
    conventions = Conventions()
    query = route.query_type(**parse_values(SENT.items(), route.parameters, conventions))
    needed = load_report(route).required_data(query, conventions)
    if not isinstance(needed, (ActivityQuery, UserActivityQuery)):
        assert {row.grade for row in FIELDS if is_from_threads(row, route)} <= {"A", "N"}


def is_from_threads(row: FieldExactness, route: Route) -> bool:
    return row.report == route.report and "threads" in row.sources


def test_the_description_has_the_grade_of_every_field() -> None:
    for route in ROUTES:
        operation = openapi.document()["paths"][route.path]["get"]
        assert operation["x-exactness"] == usual_grades(route)


def test_a_field_without_a_row_is_named() -> None:
    route = replace(ROUTES[0], report="a_new_one")
    with pytest.raises(LookupError, match=r"exactness\.py has no row for \S+ of a_new_one"):
        usual_grades(route)

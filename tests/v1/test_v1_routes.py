"""Which path is answered by which report."""

from __future__ import annotations

import dataclasses

import pytest

from compat.v1.errors import NotFound
from compat.v1.query import ReportQuery
from compat.v1.routes import ROUTES, Route, find
from tests.v1.asking import PATH


def test_new_conversations_have_their_route() -> None:
    route = find("GET", PATH)
    assert route.path == PATH
    assert route.report == "new_conversations"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get", ""])
def test_any_method_but_get_is_not_found(method: str) -> None:
    with pytest.raises(NotFound) as caught:
        find(method, PATH)
    assert caught.value.path == PATH


@pytest.mark.parametrize(
    "path",
    ["", "/", f"{PATH}/", PATH.upper(), PATH.removeprefix("/v1"), PATH.replace("/v1", "/v2")],
)
def test_any_other_path_is_not_found(path: str) -> None:
    with pytest.raises(NotFound) as caught:
        find("GET", path)
    assert caught.value.path == path


def test_paths_are_there_once() -> None:
    paths = [route.path for route in ROUTES]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_parameter_fills_a_field_of_the_query(route: Route) -> None:
    fields = {field.name for field in dataclasses.fields(ReportQuery)}
    rows = route.parameters
    assert {row.attribute for row in rows} <= fields
    assert len({row.name for row in rows}) == len(rows)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_range_has_two_edges(route: Route) -> None:
    rows = [row for row in route.parameters if row.edge]
    for attribute in {row.attribute for row in rows}:
        edges = sorted(str(row.edge) for row in rows if row.attribute == attribute)
        assert edges == ["end", "start"]

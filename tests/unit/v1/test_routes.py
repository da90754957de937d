"""Which path is answered by which report."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import BaseModel

from compat.v1.errors import NotFound
from compat.v1.query import ListPageQuery, parse_pairs
from compat.v1.routes import (
    LOCAL_ROUTES,
    ROUTES,
    Route,
    find_route,
    is_legacy_path,
    route_of_report,
)
from tests.unit.v1.parsed_queries import PATH


def test_new_conversations_have_their_route() -> None:
    route = find_route("GET", PATH)
    assert route.path == PATH
    assert route.report == "new_conversations"


def test_head_has_the_route_of_get() -> None:
    assert find_route("HEAD", PATH) is find_route("GET", PATH)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "head", ""])
def test_any_other_method_is_not_found(method: str) -> None:
    with pytest.raises(NotFound) as caught:
        find_route(method, PATH)
    assert caught.value.path == PATH


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "*",
        f"{PATH}/",
        f"{PATH}//",
        PATH[1:],
        PATH.upper(),
        PATH.removeprefix("/v1"),
        PATH.replace("/v1", "/v2"),
    ],
)
def test_any_other_path_is_not_found(path: str) -> None:
    with pytest.raises(NotFound) as caught:
        find_route("GET", path)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "path", [f"/{PATH}", PATH.replace("/v1/", "/v1//"), PATH.replace("/", "///")]
)
def test_repeated_slashes_count_as_one(path: str) -> None:
    assert find_route("GET", path).path == PATH
    assert is_legacy_path(path)


def test_a_path_with_repeated_slashes_that_is_unknown_is_named_as_sent() -> None:
    with pytest.raises(NotFound) as caught:
        find_route("GET", "/v1//nowhere")
    assert caught.value.path == "/v1//nowhere"


def test_paths_are_there_once() -> None:
    paths = [route.path for route in ROUTES]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_parameter_fills_a_field_of_the_query(route: Route) -> None:
    fields = {field.name for field in dataclasses.fields(route.query_type)}
    rows = route.parameters
    assert {row.attribute for row in rows} <= fields
    assert len({row.name for row in rows}) == len(rows)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_range_has_two_edges(route: Route) -> None:
    rows = [row for row in route.parameters if row.edge]
    for attribute in {row.attribute for row in rows}:
        edges = sorted(str(row.edge) for row in rows if row.attribute == attribute)
        assert edges == ["end", "start"]


@pytest.mark.parametrize("route", [*ROUTES, *LOCAL_ROUTES], ids=lambda route: route.report)
def test_a_report_is_found_by_its_name(route: Route) -> None:
    assert route_of_report(route.report) is route


@pytest.mark.parametrize("route", LOCAL_ROUTES, ids=lambda route: route.report)
def test_what_the_old_api_did_not_have_is_reached_by_no_request(route: Route) -> None:
    for path in ("", "/", f"/v1/reports/conversations/{route.report}.json"):
        with pytest.raises(NotFound):
            find_route("GET", path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.report)
def test_every_route_has_a_model_of_its_answer_and_a_sentence_about_it(route: Route) -> None:
    assert issubclass(route.model, BaseModel)
    assert route.summary.endswith(".")


def test_an_id_is_found_between_repeated_slashes() -> None:
    path = "/v1//mailboxes/8501//folders.json"
    assert find_route("GET", path).pairs(path, []) == [("mailbox", "8501")]


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        (b"start=1&end=2&mailboxes[]=1&tags[0]=2&viewBy[x]=day", []),
        (b"mailbox=8501&mailbox=8502&mailbox[]=3", ["mailbox"]),
        (b"viewby=day&Tags=1&Page=1&Mailbox=1", ["Page", "Mailbox"]),
        (b"mailboxes[=1", ["mailboxes["]),
        (b"empty=&alone", ["empty", "alone"]),
        (b"=1&&[]=2", []),
    ],
)
def test_names_that_a_report_does_not_have_are_ignored(query: bytes, ignored: list[str]) -> None:
    assert find_route("GET", PATH).ignored_names(parse_pairs(query)) == ignored


def test_a_name_that_stands_in_the_path_is_ignored_in_the_query() -> None:
    route = route_of_report("folders")
    assert route.ignored_names([("mailbox", "9"), ("page", "2")]) == ["mailbox"]


def test_an_id_in_a_path_is_a_parameter() -> None:
    route = find_route("GET", "/v1/mailboxes/8501/folders.json")
    assert (route.report, route.query_type) == ("folders", ListPageQuery)
    pairs = route.pairs("/v1/mailboxes/8501/folders.json", [("page", "2")])
    assert pairs == [("mailbox", "8501"), ("page", "2")]


def test_a_route_takes_nothing_from_a_path_that_is_not_its_own() -> None:
    assert route_of_report("folders").pairs("/v1/tags.json", [("page", "2")]) == [("page", "2")]


@pytest.mark.parametrize("again", ["mailbox", "mailbox[]", "mailbox[0]", "mailbox[a][b]"])
def test_what_a_path_says_cannot_be_said_again(again: str) -> None:
    route = route_of_report("folders")
    pairs = route.pairs("/v1/mailboxes/1/folders.json", [(again, "9"), ("page", "2")])
    assert pairs == [("mailbox", "1"), ("page", "2")]


@pytest.mark.parametrize(
    "number",
    ["", "x", "1x", "-1", "+1", "1.0", "1_0", "\uff11", "1/2", "9" * 19, "1\n", "{mailbox}"],
)
def test_what_is_no_id_makes_no_path(number: str) -> None:
    with pytest.raises(NotFound):
        find_route("GET", f"/v1/mailboxes/{number}/folders.json")


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        (PATH, True),
        ("/v1/reports/happiness.json", True),
        ("/v1/mailboxes.json", True),
        ("/v1/mailboxes/1/folders.json", True),
        ("/v1/tags.json", True),
        ("/v1/conversations/1.json", False),
        ("/v1/mailboxes/1.json", True),
        ("/v1/mailboxes/1/users.json", True),
        ("/v1/users.json", True),
        ("/v1/users/1.json", True),
        ("/v1/users/me.json", True),
        ("/v1/users/you.json", False),
        ("/v1/teams/1/members.json", True),
        ("/v1/customers.json", False),
        ("/v1/tags.jsonp", False),
        ("/v2/mailboxes", False),
        ("/", False),
    ],
)
def test_all_reports_and_the_known_lists_are_ours_to_answer(path: str, *, ours: bool) -> None:
    assert is_legacy_path(path) is ours

"""Every old report has a method: its arguments and its answer are those of the table of routes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.names import UnknownName
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, make_account, running
from compat.typed_reports import IN_PATHS, TypedReports, argument_of
from compat.v1.errors import LegacyError, ValidationFailed
from compat.v1.query import ListPageQuery, ReportQuery
from compat.v1.routes import ROUTES, Route
from tests.unit.service.doubles import basic

REPORTS = [route for route in ROUTES if route.query_type is ReportQuery]
EACH = pytest.mark.parametrize("route", REPORTS, ids=lambda route: route.report)
SINCE, NOW = datetime(2015, 1, 1, tzinfo=UTC), datetime(2015, 1, 31, tzinfo=UTC)
OPTIONAL_HERE = {"rating"}
"""Parameters that the old API required and that have a default in Python."""


@pytest.fixture(scope="module")
def account() -> Account:
    return make_account(80, now=NOW, since=SINCE)


@pytest.fixture(scope="module")
def reports(account: Account) -> Iterator[LegacyReports]:
    with running(Simulator(account, Behaviour(rate_limit=None))) as url:
        settings = Settings(app_id="demo-app", app_secret="demo-secret", base_url=url)  # type: ignore[arg-type]
        with LegacyReports(settings) as found:
            yield found


def signature(route: Route) -> inspect.Signature:
    return inspect.signature(getattr(LegacyReports, route.report))


@EACH
def test_the_arguments_are_the_parameters_of_the_report(route: Route) -> None:
    expected = {argument_of(row.name) for row in route.parameters} | {"account"}
    assert set(signature(route).parameters) - {"self"} == expected


@EACH
def test_what_the_old_api_requires_has_no_default(route: Route) -> None:
    for row in route.parameters:
        argument = signature(route).parameters[argument_of(row.name)]
        required = row.required and row.name not in OPTIONAL_HERE
        assert (argument.default is inspect.Parameter.empty) is required, row.name


@EACH
def test_defaults_are_those_of_the_old_api(route: Route) -> None:
    for row in route.parameters:
        given = signature(route).parameters[argument_of(row.name)].default
        if row.default is not None and given is not None:
            sent = row.choices.get(str(given), str(given))
            assert row.parse(sent, Conventions()) == row.default(Conventions()), row.name


@EACH
def test_the_answer_has_the_type_of_the_model(route: Route) -> None:
    assert signature(route).return_annotation == route.model_name


@EACH
def test_every_argument_is_explained_once_for_all_methods(route: Route) -> None:
    explained = re.findall(
        r"^    (\w+): ", inspect.cleandoc(TypedReports.__doc__ or ""), re.MULTILINE
    )
    assert set(signature(route).parameters) - {"self"} <= set(explained)
    assert len(explained) == len(set(explained))


def arguments(route: Route, account: Account) -> dict[str, Any]:
    """Something for every argument."""
    names = {row.name for row in route.parameters}
    given = {
        "start": datetime(2015, 1, 1, tzinfo=UTC),
        "end": date(2015, 1, 31),
        "previousStart": "2014-12-01",
        "previousEnd": date(2014, 12, 31),
        "mailboxes": [each.id for each in account.layout.mailboxes],
        "types": ("email", "chat"),
        "viewBy": "day",
        "user": account.layout.users[0].id,
        "officeHours": True,
        "rating": "great",
        "sortField": "number",
        "sortOrder": "asc",
        "page": 1,
        "rows": 5,
    }
    return {argument_of(name): value for name, value in given.items() if name in names}


def query(route: Route, account: Account) -> str:
    """The same as the old API takes it."""
    names = {row.name for row in route.parameters}
    given = {
        "start": "2015-01-01T00:00:00Z",
        "end": "2015-01-31T23:59:59Z",
        "previousStart": "2014-12-01T00:00:00Z",
        "previousEnd": "2014-12-31T23:59:59Z",
        "mailboxes": ",".join(str(each.id) for each in account.layout.mailboxes),
        "types": "email,chat",
        "viewBy": "day",
        "user": str(account.layout.users[0].id),
        "officeHours": "1",
        "rating": "1",
        "sortField": "number",
        "sortOrder": "ASC",
        "page": "1",
        "rows": "5",
    }
    return urlencode({name: value for name, value in given.items() if name in names})


@EACH
def test_an_answer_is_that_of_the_old_request(
    reports: LegacyReports, account: Account, route: Route
) -> None:
    typed = getattr(reports, route.report)(**arguments(route, account))
    response = reports.answer(f"{route.path}?{query(route, account)}", authorization=basic())
    assert response.status == 200
    assert isinstance(typed, route.model)
    assert typed.model_dump_json().encode() == response.body


@EACH
def test_wrong_arguments_raise_the_error_of_the_old_api(
    reports: LegacyReports, account: Account, route: Route
) -> None:
    wrong = arguments(route, account) | {"types": ["fax"]}
    with pytest.raises(ValidationFailed, match="types must be"):
        getattr(reports, route.report)(**wrong)


LISTS = [route for route in ROUTES if any(each.name == "page" for each in route.parameters)]
LISTS = [route for route in LISTS if route.query_type is ListPageQuery]
EACH_LIST = pytest.mark.parametrize("route", LISTS, ids=lambda route: route.report)


def ids_in_path(route: Route, account: Account) -> dict[str, int]:
    given = {"mailbox": account.layout.mailboxes[0].id, "team": account.layout.teams[0].id}
    return {name: id_ for name, id_ in given.items() if f"{{{name}}}" in route.path}


@EACH_LIST
def test_the_arguments_of_a_list_are_the_ids_in_its_path(route: Route, account: Account) -> None:
    expected = {*ids_in_path(route, account), "account"}
    assert set(signature(route).parameters) - {"self"} == expected
    assert expected - {"account"} <= set(IN_PATHS)


@EACH_LIST
def test_a_list_has_the_items_of_the_old_answer(
    reports: LegacyReports, account: Account, route: Route
) -> None:
    ids = ids_in_path(route, account)
    response = reports.answer(route.path.format(**ids), authorization=basic())
    expected = json.loads(response.body)
    items = getattr(reports, route.report)(**ids)
    assert expected["pages"] == 1
    assert [json.loads(each.model_dump_json()) for each in items] == expected["items"]
    (kind,) = {type(each).__name__ for each in items}
    assert signature(route).return_annotation == f"tuple[{kind}, ...]"


def test_a_list_has_the_items_of_all_pages(account: Account) -> None:
    many = make_account(1, now=NOW, since=SINCE)
    for number in range(120):
        many.layout.tag_named(f"tag {number}")
    with running(Simulator(many, Behaviour(rate_limit=None))) as url:
        settings = Settings(app_id="demo-app", app_secret="demo-secret", base_url=url)  # type: ignore[arg-type]
        with LegacyReports(settings) as reports:
            names = [each.tag for each in reports.tags()]
    assert len(names) == len(set(names)) == len(many.layout.tags) >= 120


def test_a_list_is_found_by_the_name_of_its_mailbox_or_team(
    reports: LegacyReports, account: Account
) -> None:
    mailbox, team = account.layout.mailboxes[0], account.layout.teams[0]
    assert reports.folders(mailbox=mailbox.name.upper()) == reports.folders(mailbox=mailbox.id)
    by_name = reports.team_members(team=reports.teams()[0].fullName)
    assert by_name == reports.team_members(team=reports.teams()[0].id)
    assert team.id in {each.id for each in reports.teams()}
    with pytest.raises(UnknownName, match="mailbox: no mailbox is called 'Nothing'"):
        reports.folders(mailbox="Nothing")


def test_a_list_of_what_does_not_exist_is_not_found(reports: LegacyReports) -> None:
    with pytest.raises(LegacyError) as raised:
        reports.folders(mailbox=999_999)
    assert raised.value.status == 404


def test_an_account_that_is_not_known_is_an_error(reports: LegacyReports) -> None:
    with pytest.raises(LookupError, match="say which account"):
        reports.busy_times(start="2015-01-01", end="2015-01-31", account="nobody")

"""`helpscout-v1 report NAME`: every report in the table of routes has its command."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import click
import pytest

from compat.cli import main
from compat.cli.options import Words, option_of, with_option_names
from compat.cli.report import report
from compat.config.environment import SettingsError
from compat.service import LegacyReports
from compat.simulator import Account
from compat.upstream import fetch_documents
from compat.v1.errors import BadParameter, ValidationFailed
from compat.v1.parameters import RATING, RATING_SORTING, Parameter
from compat.v1.report_shape import shape_of
from compat.v1.routes import Route, find_route
from tests.unit.cli.reports import JANUARY, REPORTS, asked, command_of, words_of
from tests.unit.service.doubles import basic

Printed = pytest.CaptureFixture[str]

BOTH = "--previous-end is required with --previous-start: send both."


def answer(reach: dict[str, str], route: Route, parameters: dict[str, str]) -> bytes:
    """The body with which the server answers."""
    with LegacyReports.from_env(reach) as reports:
        response = reports.answer(f"{route.path}?{urlencode(parameters)}", authorization=basic())
    assert response.status == 200, response.body
    return response.body


def printed(capsys: Printed, *arguments: str) -> str:
    assert main(["report", *arguments]) == 0
    return capsys.readouterr().out


def test_every_report_has_a_command() -> None:
    assert sorted(report.commands) == sorted(map(command_of, REPORTS))


@pytest.mark.parametrize("route", REPORTS, ids=command_of)
def test_the_options_are_the_parameters_of_the_report(route: Route) -> None:
    options = {option for each in report.commands[command_of(route)].params for option in each.opts}
    parameters = {row.name: "" for row in route.parameters}
    always = {"--engine", "--account", "--json", "--csv", "--offline", "--env-file"}
    ids = {"--ids"} if command_of(route) == "new" else set()
    all_pages = {"--all-pages"} if "page" in parameters else set()
    assert options == {word for word in words_of(parameters) if word} | always | ids | all_pages


@pytest.mark.parametrize("route", REPORTS, ids=command_of)
@pytest.mark.usefixtures("settings")
def test_on_a_pipe_it_is_what_the_server_answers(
    capsys: Printed, reach: dict[str, str], account: Account, route: Route
) -> None:
    parameters = asked(route, account)
    expected = answer(reach, route, parameters).decode() + "\n"
    command = [command_of(route), *words_of(parameters)]
    assert printed(capsys, *command) == expected
    assert printed(capsys, *command, "--json") == expected


def cell_of(value: Any) -> str:
    """What a cell of CSV holds for a value of a row, to the last digit."""
    if value is None or value == []:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        numbers = isinstance(value[0], int)
        return " ".join(map(str, value)) if numbers else json.dumps(value, separators=(",", ":"))
    return json.dumps(value) if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("route", REPORTS, ids=command_of)
@pytest.mark.usefixtures("settings")
def test_csv_has_the_rows_and_columns_that_the_report_has_in_python(
    capsys: Printed, reach: dict[str, str], account: Account, route: Route
) -> None:
    parameters = asked(route, account)
    text = printed(capsys, command_of(route), *words_of(parameters), "--csv")
    with LegacyReports.from_env(reach) as reports:
        report: Any = reports.compute(route.report, list(parameters.items())).answer
    rows = report.rows()
    assert rows
    assert list(csv.reader(io.StringIO(text))) == [
        list(rows[0]),
        *([cell_of(value) for value in row.values()] for row in rows),
    ]


@pytest.mark.usefixtures("settings")
def test_in_csv_what_means_nothing_is_empty(capsys: Printed) -> None:
    text = printed(capsys, "user", "--user", "4101", "--start", "2015-01", "--csv")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["handleTime"], row["period"]) == ("", "current")


@pytest.mark.parametrize("route", REPORTS, ids=command_of)
@pytest.mark.usefixtures("settings")
def test_csv_has_the_same_header_where_nothing_is_found(
    capsys: Printed, account: Account, route: Route
) -> None:
    parameters = asked(route, account)
    empty = parameters | {"start": "1999-01-01", "end": "1999-01-02"}
    headers = [
        printed(capsys, command_of(route), *words_of(each), "--csv").splitlines()[0]
        for each in (parameters, empty)
    ]
    assert headers[0] == headers[1]


@pytest.mark.usefixtures("settings")
def test_pages_and_rows_are_handed_on(capsys: Printed, reach: dict[str, str]) -> None:
    parameters = {**JANUARY, "page": "2", "rows": "7"}
    route = find_route("GET", "/v1/reports/conversations/new-drilldown.json")
    shown = printed(capsys, "new-drilldown", *words_of(parameters))
    assert shown.encode() == answer(reach, route, parameters) + b"\n"
    assert json.loads(shown)["conversations"]["page"] == 2


PAGED = [route for route in REPORTS if any(row.name == "page" for row in route.parameters)]


@pytest.mark.parametrize("route", PAGED, ids=command_of)
@pytest.mark.usefixtures("settings")
def test_all_pages_are_the_rows_of_each_page_in_their_order(
    capsys: Printed, account: Account, route: Route
) -> None:
    parameters = asked(route, account) | {"start": "2014-01-01", "end": "2016-01-01"}
    shape = shape_of(route.model)
    words = [command_of(route), *words_of(parameters)]
    first = shape.page(json.loads(printed(capsys, *words)))
    rows = [
        row
        for number in range(1, first["pages"] + 1)
        for row in shape.page(json.loads(printed(capsys, *words, "--page", str(number))))["results"]
    ]
    assert first["pages"] > (1 if route.report == "new_drilldown" else 0)
    shown = json.loads(printed(capsys, *words, "--all-pages"))
    assert shape.page(shown) == {"pages": 1, "page": 1, "count": first["count"], "results": rows}
    lines = printed(capsys, *words, "--all-pages", "--csv").splitlines()
    assert len(lines) == 1 + len(rows)


@pytest.mark.usefixtures("settings")
def test_all_pages_of_an_empty_list_are_none(capsys: Printed) -> None:
    shown = json.loads(printed(capsys, "new-drilldown", "--start", "1999", "--all-pages"))
    assert shown == {"conversations": {"pages": 0, "page": 1, "count": 0, "results": []}}


@pytest.mark.parametrize("option", ["--page", "--rows"])
def test_all_pages_have_no_number_and_no_length(capsys: Printed, option: str) -> None:
    words = ["new-drilldown", "--start", "2015", "--all-pages", option, "2"]
    assert main(["report", *words]) == 2
    assert f"{option} is not allowed with --all-pages" in capsys.readouterr().err


@pytest.mark.usefixtures("settings")
def test_all_pages_are_refused_if_a_conversation_disappears_while_they_are_read(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_the_last(*given: Any, **others: Any) -> list[Any]:
        return fetch_documents(*given, **others)[:-1]

    monkeypatch.setattr("compat.sources.live.fetch_documents", without_the_last)
    words = ["report", "new-drilldown", "--start", "2015-01", "--all-pages"]
    assert main(words) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "1 of " in shown.err
    assert "were deleted or merged while they were read: run the command again" in shown.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new-drilldown", "--start", "2015", "--page", "0"), "--page must be"),
        (("new-drilldown", "--start", "2015", "--rows", "many"), "--rows must be"),
        (("busy-times", "--start", "2015", "--types", "fax"), "--types must be"),
        (("received-messages", "--start", "2015", "--view-by", "hour"), "--view-by must be"),
        (("received-messages", "--start", "2015", "--end", "2014"), "--end must not be before"),
    ],
)
@pytest.mark.usefixtures("settings")
def test_an_error_names_the_option(capsys: Printed, arguments: tuple[str, ...], said: str) -> None:
    assert main(["report", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("helpscout-v1: ")
    assert said in shown.err
    assert "---" not in shown.err


@pytest.mark.usefixtures("settings")
def test_a_rating_may_be_a_word_or_a_number(capsys: Printed) -> None:
    shown = [
        printed(capsys, "happiness-ratings", "--start", "2015-01", "--rating", each)
        for each in ("not-good", "3", "all")
    ]
    assert shown[0] == shown[1] != shown[2]


NEEDED = [
    (route, row.name)
    for route in REPORTS
    for row in route.parameters
    if row.required and row.name not in ("end", "rating")
]


@pytest.mark.parametrize("command", ["happiness-ratings", "user-ratings --user 4101"])
@pytest.mark.usefixtures("settings")
def test_all_ratings_are_listed_unless_some_are_chosen(capsys: Printed, command: str) -> None:
    words = [*command.split(), "--start", "2015-01"]
    assert printed(capsys, *words) == printed(capsys, *words, "--rating", "all")


@pytest.mark.parametrize(("route", "name"), NEEDED)
def test_what_a_report_needs_is_asked_for(
    capsys: Printed, account: Account, route: Route, name: str
) -> None:
    parameters = asked(route, account)
    del parameters[name]
    assert main(["report", command_of(route), *words_of(parameters)]) == 2
    assert f"Missing option '--{name}'" in capsys.readouterr().err


@pytest.mark.usefixtures("settings")
def test_a_line_on_standard_error_names_what_is_not_exact(capsys: Printed) -> None:
    assert main(["report", "new-drilldown", "--start", "2015-01"]) == 0
    assert capsys.readouterr().err == (
        "helpscout-v1: approximate, because Help Scout does not show enough: customerIds, "
        "modifiedAt, tags.color, waitingSince, waitingSinceType; without meaning, because Help "
        "Scout does not show it: attachments\n"
    )


@pytest.mark.usefixtures("settings")
def test_a_line_on_standard_error_says_that_csv_is_one_page_of_several(
    capsys: Printed,
) -> None:
    words = ["report", "new-drilldown", "--start", "2015-01", "--rows", "2", "--page", "2"]
    assert main([*words, "--csv"]) == 0
    shown = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(shown.out)))
    assert main(words) == 0
    page = json.loads(capsys.readouterr().out)["conversations"]
    assert (len(rows), page["page"]) == (2, 2)
    assert shown.err.splitlines()[0] == (
        f"helpscout-v1: 2 of {page['count']} rows: page 2 of {page['pages']}; --page has the "
        "others, --all-pages all of them"
    )


@pytest.mark.parametrize(
    ("start", "said"), [("2015-01", "page 99 of [1-9][0-9]?"), ("1999", "page 99 of 0")]
)
@pytest.mark.usefixtures("settings")
def test_a_line_on_standard_error_says_that_csv_is_a_page_after_the_last(
    capsys: Printed, start: str, said: str
) -> None:
    assert main(["report", "new-drilldown", "--start", start, "--page", "99", "--csv"]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 1
    assert re.fullmatch(f"helpscout-v1: {said}: there is no such page", shown.err.splitlines()[0])


@pytest.mark.usefixtures("settings")
def test_of_many_fields_it_says_how_many_more_there_are(capsys: Printed) -> None:
    assert main(["report", "happiness", "--start", "2015-01", "--csv"]) == 0
    note = capsys.readouterr().err
    assert note.startswith(
        "helpscout-v1: approximate, because Help Scout does not show enough: great, greatCount, "
    )
    assert note.endswith(" and 5 more\n")
    assert note.count("\n") == 1


def option(command: str, name: str) -> click.Option:
    return next(
        each
        for each in report.commands[command].params
        if isinstance(each, click.Option) and name in each.opts
    )


def test_completion_knows_the_words_of_a_parameter() -> None:
    context = click.Context(report.commands["new"])
    offered = option("new", "--view-by").shell_complete(context, "w")
    assert [each.value for each in offered] == ["week"]


@pytest.mark.parametrize(
    ("parameter", "word", "sent"),
    [
        (RATING, "all", "0"),
        (RATING, "great", "1"),
        (RATING, "okay", "2"),
        (RATING, "Not-Good", "3"),
        (RATING, "3", "3"),
        (RATING_SORTING[0], "modifiedat", "modifiedAt"),
        (RATING_SORTING[1], "desc", "DESC"),
        (RATING_SORTING[1], "ASC", "ASC"),
    ],
)
def test_words_stand_for_what_the_old_api_takes(parameter: Parameter, word: str, sent: str) -> None:
    assert Words(parameter.choices).convert(word, None, None) == sent


@pytest.mark.parametrize(("parameter", "word"), [(RATING, "4"), (RATING_SORTING[0], "id")])
def test_other_words_are_refused_also_where_the_old_api_took_them(
    parameter: Parameter, word: str
) -> None:
    option = click.Option([option_of(parameter.name)])
    with pytest.raises(SettingsError, match=rf"{option.opts[0]} must be one of "):
        Words(parameter.choices).convert(word, option, None)


@pytest.mark.parametrize(
    ("name", "message", "said"),
    [
        (
            "user",
            "user must be the id of a user or a team.",
            "--user must be the id of a user or a team.",
        ),
        ("rating", "rating is required: send 0.", "--rating is required: send 0."),
        ("viewBy", "viewBy must be one of day.", "--view-by must be one of day."),
        ("previousEnd", "previousEnd is required with previousStart: send both.", BOTH),
        ("sortOrder", "sortOrder must be ASC or DESC.", "--sort-order must be ASC or DESC."),
        ("officeHours", "officeHours must be 1.", "--office-hours must be 1."),
    ],
)
def test_a_message_names_options_and_keeps_common_words(name: str, message: str, said: str) -> None:
    error = ValidationFailed([BadParameter(name, None, message)])
    assert with_option_names(error) == f"Input could not be validated: {said}"

"""`helpscout-v1 report NAME`: each old report without a server.

The commands, and the options for their parameters, come from the table of routes.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from compat.cli.dates import DATE, range_from_options
from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.formats import CSV, JSON, chosen_format, table_needs_rich
from compat.cli.options import (
    ACCOUNT,
    ENGINE,
    OFFLINE,
    Group,
    SettingsCommand,
    Words,
    accounts_with,
    date_option,
    environment,
    flag,
    option_of,
    with_option_names,
)
from compat.cli.output import fetch_bar, hide_retries, print_note
from compat.cli.streams import ignore_closed_pipe
from compat.names import NAMED, Names, fetch_items
from compat.v1.query import ReportQuery, format_pairs
from compat.v1.routes import ROUTES, Route, route_of_report

if TYPE_CHECKING:
    from pydantic import BaseModel

    from compat.engines import EngineAnswer
    from compat.v1.parameters import Parameter

_NOTES: Final = {
    "relayed": "relayed from Help Scout's own report",
    "totals": "put together from Help Scout's totals, drafts included",
}
"""Notes on answers that were not counted from conversations, by engine."""

_APPROXIMATE: Final = "approximate, because Help Scout does not show enough"
_UNAVAILABLE: Final = "without meaning, because Help Scout does not show it"
"""What a note says of fields."""

_CONTAINERS: Final = re.compile(r"^(?:current|previous|deltas|(?:conversations\.)?results)\.")
"""What a note leaves out of a field's path."""

_MOST_NAMES: Final = 6
"""How many fields a note names."""

_NAMES: Final = {"new_conversations": "new"}
"""Commands that are not named after their report, as the path of the old API has it."""

_WITH_IDS: Final = {"new_conversations": "new_ids"}
"""What `--ids` prints in place of a report."""

_PAGE: Final = "page"
_PAGING: Final = (_PAGE, "rows")
"""The parameter of every list that has pages, and those that `--all-pages` replaces."""

_SWITCHES: Final = frozenset({"officeHours"})
"""Parameters that are 1 if their option is there."""

_DEFAULTS: Final = {"rating": "all"}
"""What an option means that is left out, where the old API requires its parameter."""

_RANGES: Final = (("start", "end"), ("previousStart", "previousEnd"))
"""The two parameters of each range."""

_DATES: Final = {
    "start": DATE,
    "end": "as --start, included (that of --start's period)",
    "previousStart": "a range to compare with",
    "previousEnd": "its end, included",
}
_TEXTS: Final[Mapping[str, tuple[str | None, str]]] = {
    "viewBy": ("LENGTH", "day, week or month (week)"),
    "mailboxes": ("NAMES", "only these mailboxes: names or ids, separated by commas"),
    "tags": ("NAMES", "only these tags: names or ids; 1 is no tag at all"),
    "types": ("TYPES", "only these of email, chat, phone"),
    "folders": ("NAMES", "only these folders: names or ids; with --mailboxes, of these"),
    "page": ("NUMBER", "which page (1)"),
    "rows": ("NUMBER", "rows on a page, at most 50 (10)"),
    "user": ("NAME", "the user or team that the report is about: name, address or id"),
    "officeHours": (None, "count only office hours as waits, if any are set"),
    "rating": (None, "which ratings"),
    "sortField": (None, "what rows are sorted by"),
    "sortOrder": (None, "from the lowest value on, or from the highest"),
}
"""The placeholder of an option's value (None for its words) and its help, by the parameter."""

_HELP: Final = """{summary}

The report is {path} of the old API. On a pipe it is that API's JSON to the letter, on a terminal a
table. Settings come from the environment.
"""


def _command(route: Route) -> click.Command:
    """The command that prints a report."""
    ids = flag("--ids", "list the conversations behind each count")
    all_pages = flag("--all-pages", "print all pages as one")
    return SettingsCommand(
        command_name(route),
        callback=partial(_print_report, route),
        help=_HELP.format(summary=route.summary, path=route.path),
        short_help=route.summary[0].lower() + route.summary[1:].rstrip("."),
        epilog=exit_status(
            {
                ExitCode.OK: "done",
                ExitCode.MISUSE: "a parameter or a setting is wrong",
                ExitCode.UPSTREAM: "Help Scout refuses or cannot be reached",
                ExitCode.INTERRUPTED: "interrupted",
            }
        ),
        params=[
            *map(_option, route.parameters),
            *([all_pages] if _has_pages(route) else []),
            ENGINE,
            ACCOUNT,
            JSON,
            CSV,
            *([ids] if route.report in _WITH_IDS else []),
            OFFLINE,
        ],
    )


def _has_pages(route: Route) -> bool:
    return any(row.name == _PAGE for row in route.parameters)


def command_name(route: Route) -> str:
    """The name of the command that prints a report: `user-replies` for `user_replies`."""
    return _NAMES.get(route.report, route.report.replace("_", "-"))


def _option(row: Parameter) -> click.Option:
    """The option that sets a parameter."""
    name = option_of(row.name)
    if row.edge:
        return date_option(name, text=_DATES[row.name], required=row.name == "start")
    if row.name in NAMED and NAMED[row.name].many:
        metavar, text = _TEXTS[row.name]
        return click.Option([name], multiple=True, metavar=metavar, help=text)
    metavar, text = _TEXTS.get(row.name, ("TEXT", row.description))
    if row.name in _SWITCHES:
        return click.Option([name], is_flag=True, flag_value="1", type=str, default=None, help=text)
    # For click a default of None is one, and then no option is missing.
    default: dict[str, Any] = {"default": _DEFAULTS[row.name]} if row.name in _DEFAULTS else {}
    return click.Option(
        [name],
        type=Words(row.choices) if row.choices else None,
        metavar=metavar,
        required=row.required and row.name not in _DEFAULTS,
        help=text,
        **default,
    )


def _print_report(
    route: Route,
    *,
    engine: str | None,
    account: str | None,
    as_json: bool,
    as_csv: bool,
    offline: bool,
    ids: bool = False,
    all_pages: bool = False,
    **options: Any,
) -> int:
    from compat.service import LegacyReports
    from compat.v1.errors import LegacyError

    if all_pages:
        _refuse_paging(options)
    shown = route_of_report(_WITH_IDS[route.report]) if ids else route
    print_answer = _printer(shown, as_json=as_json, as_csv=as_csv)
    given = _given(route, options)
    hide_retries()
    try:
        accounts = accounts_with(environment(), engine, offline=offline)
        with (
            LegacyReports(accounts) as reports,
            fetch_bar(reports.accounts.values()) as show,
        ):
            fetch = partial(fetch_items, reports.compute, account=account)
            pairs = format_pairs(**Names(fetch, option_of).replace(given))
            answered = reports.compute(shown.report, pairs, account, show, all_pages=all_pages)
    except (LegacyError, LookupError) as error:
        print_note(with_option_names(error))
        status = error.status if isinstance(error, LegacyError) else 400
        return ExitCode.MISUSE if status == 400 else ExitCode.UPSTREAM
    if all_pages and (said := _lost_rows(shown.model, answered)):
        print_note(said)
        return ExitCode.UPSTREAM
    with ignore_closed_pipe():
        print_answer(answered)
        sys.stdout.flush()
    for note in _notes(answered):
        print_note(note)
    return ExitCode.OK


def _refuse_paging(options: Mapping[str, Any]) -> None:
    """Refuse what chooses a page, beside `--all-pages`.

    Raises:
        click.UsageError: One of them was given.
    """
    for name in _PAGING:
        if options.get(name) is not None:
            raise click.UsageError(f"{option_of(name)} is not allowed with --all-pages.")


def _lost_rows(model: type[BaseModel], answered: EngineAnswer) -> str:
    """What is wrong if a page of all rows has not all of them; empty if it has."""
    from compat.v1.report_shape import shape_of

    page = shape_of(model).page(json.loads(answered.body))
    lost = page["count"] - len(page["results"])
    return (
        f"{lost} of {page['count']} rows are missing, because conversations were deleted or merged "
        "while they were read: run the command again"
        if lost
        else ""
    )


def _notes(answered: EngineAnswer) -> Iterator[str]:
    """What is to be known of an answer: where it comes from, and what of it is not exact."""
    if answered.engine in _NOTES:
        yield _NOTES[answered.engine]
    found = {_APPROXIMATE: answered.approximate, _UNAVAILABLE: answered.unavailable}
    parts = [f"{text}: {_names(paths)}" for text, paths in found.items() if paths]
    if parts:
        yield "; ".join(parts)


def _names(paths: Iterable[str]) -> str:
    """Some fields, each once, whatever range or page they are of; of many, how many more."""
    names = list(dict.fromkeys(_CONTAINERS.sub("", path) for path in paths))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _printer(route: Route, *, as_json: bool, as_csv: bool) -> Callable[[EngineAnswer], None]:
    """The function that prints; chosen before anything is fetched, as it may lack rich.

    Raises:
        click.UsageError: Two formats were chosen.
        ImportError: A table is to be printed, and rich is not installed.
    """
    format_ = chosen_format(as_json=as_json, as_csv=as_csv, on_pipe="json")
    if format_ == "csv":
        from compat.cli.report_csv import print_report_csv

        return lambda answered: print_report_csv(answered.answer)
    if format_ == "json":
        return lambda answered: print(answered.body.decode())
    with table_needs_rich():
        from compat.cli.report_table import print_report
    return lambda answered: print_report(
        route.report, route.model, json.loads(answered.body), unavailable=answered.unavailable
    )


def _given(route: Route, options: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the old API that were given.

    Raises:
        SettingsError: A date is none, or a range lacks one of its two.
    """
    given = {row.name: options[_argument(row)] for row in route.parameters}
    for names in _RANGES:
        if names[0] in given:
            first, last = map(option_of, names)
            texts = range_from_options((first, last), *(given[name] for name in names))
            given |= dict(zip(names, texts, strict=True))
    return {name: value for name, value in given.items() if value not in (None, ())}


def _argument(row: Parameter) -> str:
    """The name by which click hands on the option of a parameter."""
    return option_of(row.name).lstrip("-").replace("-", "_")


report = Group(
    "report",
    commands=[_command(route) for route in ROUTES if route.query_type is ReportQuery],
    help="Print a report.",
    short_help="print a report",
    subcommand_metavar="REPORT",
)

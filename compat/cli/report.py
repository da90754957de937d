"""`helpscout-v1 report new`: the report without a server."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import (
    ACCOUNT,
    DATE,
    ENGINE,
    OFFLINE,
    Command,
    accounts_with,
    date_option,
    flag,
    json_flag,
    range_from_options,
    with_option_names,
)
from compat.cli.output import hide_retries, ignore_closed_pipe, print_note, progress_bar

if TYPE_CHECKING:
    from compat.engines import EngineAnswer

_NOTES: Final = {
    "relayed": "relayed from Help Scout's own report",
    "totals": "put together from Help Scout's totals, drafts included",
}
"""Notes on answers that were not counted from conversations, by engine."""

_DATES: Final = (
    date_option("--start", text=DATE, required=True),
    date_option("--end", text="as --start, included (that of --start's period)"),
    date_option("--previous-start", text="a range to compare with"),
    date_option("--previous-end", text="its end, included"),
)

_PREVIOUS: Final = ("--previous-start", "--previous-end")

_FILTERS: Final = {
    "mailboxes": ("IDS", "only these mailboxes: ids, separated by commas"),
    "tags": ("IDS", "only these tags; 1 is no tag at all"),
    "types": ("TYPES", "only these of email, chat, phone"),
    "folders": ("IDS", "only these folders"),
}


@click.command(
    "new",
    cls=Command,
    short_help="new conversations",
    epilog=exit_status(
        {
            ExitCode.OK: "done",
            ExitCode.MISUSE: "a parameter or a setting is wrong",
            ExitCode.UPSTREAM: "Help Scout refuses or cannot be reached",
            ExitCode.INTERRUPTED: "interrupted",
        }
    ),
    params=[
        *_DATES,
        click.Option(["--view-by"], metavar="LENGTH", help="day, week or month (week)"),
        *(
            click.Option([f"--{name}"], metavar=metavar, help=text)
            for name, (metavar, text) in _FILTERS.items()
        ),
        ENGINE,
        ACCOUNT,
        json_flag("print JSON"),
        flag("--csv", "print CSV", "as_csv"),
        flag("--ids", "list the conversations behind each count"),
        OFFLINE,
    ],
)
def new(
    *,
    start: str,
    end: str | None,
    previous_start: str | None,
    previous_end: str | None,
    view_by: str | None,
    engine: str | None,
    account: str | None,
    as_json: bool,
    as_csv: bool,
    ids: bool,
    offline: bool,
    **filters: str | None,
) -> int:
    """Print how many conversations were created.

    On a pipe it is the old API's JSON to the letter, on a terminal a table. Settings come from the
    environment.
    """
    from compat.service import LegacyReports
    from compat.v1.errors import LegacyError

    print_answer = _printer(as_json=as_json, as_csv=as_csv, with_ids=ids)
    pairs = {
        **_range("start", "end", ("--start", "--end"), start, end),
        **_range("previousStart", "previousEnd", _PREVIOUS, previous_start, previous_end),
        "viewBy": view_by,
        **filters,
    }
    given = [(name, value) for name, value in pairs.items() if value is not None]
    hide_retries()
    name = "new_ids" if ids else "new_conversations"
    try:
        accounts = accounts_with(engine, offline=offline)
        with LegacyReports(accounts) as reports, progress_bar() as show:
            answered = reports.compute(name, given, account, show)
    except (LegacyError, LookupError) as error:
        print_note(with_option_names(error))
        return ExitCode.UPSTREAM if getattr(error, "status", 400) != 400 else ExitCode.MISUSE
    with ignore_closed_pipe():
        print_answer(answered)
        sys.stdout.flush()
    if answered.engine in _NOTES:
        print_note(_NOTES[answered.engine])
    return ExitCode.OK


report = click.Group(
    "report",
    commands=[new],
    help="Print a report.",
    short_help="print a report",
    subcommand_metavar="REPORT",
)


def _printer(*, as_json: bool, as_csv: bool, with_ids: bool) -> Callable[[EngineAnswer], None]:
    """The function that prints; chosen before anything is fetched, as it may lack rich.

    Raises:
        click.UsageError: Two formats were chosen.
        ImportError: A table is to be printed, and rich is not installed.
    """
    if as_json and as_csv:
        raise click.UsageError("--csv is not allowed with --json.")
    if as_csv:
        return lambda answered: _print_csv(answered, with_ids=with_ids)
    if as_json or not sys.stdout.isatty():
        return lambda answered: print(answered.body.decode())
    from compat.cli.table import print_table

    return lambda answered: print_table(json.loads(answered.body))


def _range(
    first: str, last: str, options: tuple[str, str], start: str | None, end: str | None
) -> Mapping[str, str | None]:
    """The old API's parameters for a range, under the names `first` and `last`."""
    return dict(zip((first, last), range_from_options(options, start, end), strict=True))


def _print_csv(answered: EngineAnswer, *, with_ids: bool) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["range", "start", "count", *(["ids"] if with_ids else [])])
    for series, buckets in json.loads(answered.body).items():
        for bucket in buckets:
            ids = [" ".join(map(str, bucket["ids"]))] if with_ids else []
            writer.writerow([series, bucket["start"], bucket["count"], *ids])

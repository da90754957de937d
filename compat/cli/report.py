"""`helpscout-v1 report new`: the report without a server."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from compat.cli.choosing import accounts_by, add_engine, add_offline
from compat.cli.dates import edges
from compat.cli.leaving import MISUSE, TROUBLE, hush_retries
from compat.cli.options import DATE
from compat.cli.printing import printing
from compat.cli.watching import watching

if TYPE_CHECKING:
    from compat.config.settings import Settings
    from compat.engines.answers import EngineAnswer

_NOTES: Final = {
    "relayed": "relayed from Help Scout's own report",
    "totals": "put together from Help Scout's totals, drafts included",
}
"""What is told of answers that were not counted from conversations, by engine."""

_FILTERS: Final = {
    "mailboxes": ("IDS", "only these mailboxes: ids, separated by commas"),
    "tags": ("IDS", "only these tags; 1 is no tag at all"),
    "types": ("TYPES", "only these of email, chat, phone"),
    "folders": ("IDS", "only these folders"),
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser("report", help="print a report")
    reports = parser.add_subparsers(metavar="REPORT", required=True)
    new = reports.add_parser(
        "new",
        help="new conversations",
        description=(
            "Print how many conversations were created. On a pipe it is the old API's JSON to "
            "the letter, on a terminal a table. Settings come from the environment."
        ),
        epilog=(
            "exit status: 0 done, 2 a parameter or a setting is wrong, 3 Help Scout refuses or "
            "cannot be reached, 130 interrupted"
        ),
    )
    new.add_argument("--start", required=True, metavar="DATE", help=DATE)
    new.add_argument("--end", metavar="DATE", help="likewise, included (that of --start's period)")
    new.add_argument("--previous-start", metavar="DATE", help="a range to compare with")
    new.add_argument("--previous-end", metavar="DATE", help="its end, included")
    new.add_argument("--view-by", metavar="LENGTH", help="day, week or month (week)")
    for name, (metavar, help_text) in _FILTERS.items():
        new.add_argument(f"--{name}", metavar=metavar, help=help_text)
    add_engine(new)
    new.add_argument("--account", metavar="NAME", help="which account, where there are several")
    shape = new.add_mutually_exclusive_group()
    shape.add_argument("--json", dest="show", action="store_const", const="json", help="JSON")
    shape.add_argument("--csv", dest="show", action="store_const", const="csv", help="CSV")
    new.add_argument("--ids", action="store_true", help="list the conversations behind each count")
    add_offline(new)
    new.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the report; the exit status.

    Raises:
        SettingsError: A setting is missing or cannot be used.
        ImportError: What draws a table is not installed.
    """
    from compat.service import LegacyReports
    from compat.v1.errors import LegacyError

    show = _shown(options)
    hush_retries()
    report = "new_ids" if options.ids else "new_conversations"
    try:
        with LegacyReports(_accounts(options)) as reports, watching() as watch:
            answered = reports.compute(report, _pairs(options), options.account, watch)
    except (LegacyError, LookupError) as error:
        print(f"helpscout-v1: {error}", file=sys.stderr)
        return TROUBLE if getattr(error, "status", 400) != 400 else MISUSE
    _told(show, answered)
    if answered.engine in _NOTES:
        print(f"helpscout-v1: {_NOTES[answered.engine]}", file=sys.stderr)
    return 0


def _accounts(options: argparse.Namespace) -> dict[str, Settings]:
    return accounts_by(options.engine, offline=options.offline)


def _shown(options: argparse.Namespace) -> Callable[[EngineAnswer], None]:
    """What prints; known before anything is fetched, so that nothing is fetched in vain."""
    chosen = options.show or ("table" if sys.stdout.isatty() else "json")
    if chosen == "table":
        from compat.cli.drawing import draw

        return lambda answered: draw(json.loads(answered.body))
    if chosen == "csv":
        return lambda answered: _csv(answered, with_ids=options.ids)
    return lambda answered: print(answered.body.decode())


def _told(show: Callable[[EngineAnswer], None], answered: EngineAnswer) -> None:
    with printing():
        show(answered)
        sys.stdout.flush()


def _pairs(options: argparse.Namespace) -> list[tuple[str, str]]:
    """The question in the old API's names and values."""
    today = datetime.now(UTC).date()
    start, end = edges(options.start, options.end, today)
    before, until = edges(options.previous_start, options.previous_end, today)
    named = {
        "start": start,
        "end": end,
        "previousStart": before,
        "previousEnd": until,
        "viewBy": options.view_by,
        **{name: getattr(options, name) for name in _FILTERS},
    }
    return [(name, value) for name, value in named.items() if value is not None]


def _csv(answered: EngineAnswer, *, with_ids: bool) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["range", "start", "count", *(["ids"] if with_ids else [])])
    for series, buckets in json.loads(answered.body).items():
        for bucket in buckets:
            ids = [" ".join(map(str, bucket["ids"]))] if with_ids else []
            writer.writerow([series, bucket["start"], bucket["count"], *ids])

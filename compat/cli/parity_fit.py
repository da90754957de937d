"""`helpscout-v1 parity fit`: finds the conventions that make the numbers agree."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.formats import CSV, JSON, Format, chosen_format, print_csv
from compat.cli.options import ACCOUNT, CAPTURES, SettingsCommand, environment
from compat.cli.output import fetch_bar, hide_retries, print_note
from compat.cli.streams import ignore_closed_pipe

if TYPE_CHECKING:
    from compat.parity.fit.result import Findings
    from compat.service import LegacyReports


def _share(_ctx: click.Context, _param: click.Parameter, value: float) -> float:
    if not 0 <= value <= 1:
        raise click.BadParameter(f"{value} is no share: give a number from 0 to 1")
    return value


@click.command(
    "fit",
    cls=SettingsCommand,
    short_help="find the conventions that make the numbers agree",
    epilog=exit_status(
        {
            ExitCode.OK: "the conventions in force explain the captures",
            ExitCode.DIFFERENT: "others do or none does",
            ExitCode.MISUSE: "misuse, nothing to fit or a damaged file",
            ExitCode.UPSTREAM: "Help Scout refuses or cannot be reached",
            ExitCode.INTERRUPTED: "interrupted",
        }
    ),
    params=[
        CAPTURES,
        ACCOUNT,
        click.Option(
            ["--seconds"],
            type=float,
            default=120,
            metavar="N",
            help="how long to search, once the conversations are fetched",
        ),
        click.Option(
            ["--most-gone"],
            type=float,
            default=0.2,
            callback=_share,
            metavar="SHARE",
            help="the largest share of conversations that may have been deleted since",
        ),
        JSON,
        CSV,
    ],
)
def fit(
    *,
    captures: tuple[str, ...],
    account: str | None,
    seconds: float,
    most_gone: float,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Find the conventions under which recorded answers are what they are.

    Prints the settings to adopt as TOML. Settings come from the environment.
    """
    from compat.config.accounts import select_account
    from compat.parity.captures.models import DamagedFile
    from compat.parity.output.json import fit_as_json
    from compat.parity.output.text import fit_as_toml
    from compat.service import LegacyReports
    from compat.v1.errors import LegacyError

    format_ = chosen_format(as_json=as_json, as_csv=as_csv)
    hide_retries()
    try:
        with LegacyReports.from_env(environment()) as reports:
            name = select_account(reports.accounts, account).name
            findings = _findings(captures, reports, name, seconds=seconds, most_gone=most_gone)
    except (LegacyError, LookupError, DamagedFile) as error:
        print_note(error)
        return ExitCode.UPSTREAM if isinstance(error, LegacyError) else ExitCode.MISUSE
    printers: Mapping[Format, Callable[[], None]] = {
        "json": lambda: print(fit_as_json(findings)),
        "csv": lambda: print_csv(_rows(findings)),
        "text": lambda: print(fit_as_toml(findings, name), end=""),
    }
    with ignore_closed_pipe():
        printers[format_]()
        sys.stdout.flush()
    return ExitCode.OK if findings.fit.outcome == "fits" else ExitCode.DIFFERENT


def _rows(findings: Findings) -> Iterator[tuple[str, ...]]:
    """The settings that the captures show: a row for each."""
    from compat.parity.output.json import environment as as_variables

    yield "outcome", "setting", "value", "kind"
    fit = findings.fit
    found = {"recommended": fit.recommended, "unconfirmed": fit.unconfirmed}
    rows = [
        (fit.outcome, name, value, kind)
        for kind, values in found.items()
        for name, value in as_variables(values).items()
    ]
    yield from rows or [(fit.outcome, "", "", "")]


def _findings(
    files: Sequence[str], reports: LegacyReports, name: str, *, seconds: float, most_gone: float
) -> Findings:
    from compat.parity.captures.reader import read_captures
    from compat.parity.fit import inputs
    from compat.parity.fit.result import find_conventions

    captures = inputs.sort_captures(read_captures(files))
    if not captures.fitted:
        reasons = sorted({each.reason for each in captures.aside})
        raise LookupError(f"no capture can be fitted ({', '.join(reasons) or 'there is none'})")
    account = reports.accounts[name]
    base = account.settings.conventions
    wanted = inputs.needed_conversations((each.pairs for each in captures.compared), base)
    with fetch_bar([account]) as show:
        found = inputs.fetch_rows(account, wanted, show)
    deadline = time.monotonic() + seconds
    return find_conventions(
        captures,
        found,
        base,
        most_gone=most_gone,
        go_on=lambda: time.monotonic() < deadline,
    )

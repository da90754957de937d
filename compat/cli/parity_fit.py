"""`helpscout-v1 parity fit`: which conventions make the numbers agree?"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from compat.cli.leaving import DIFFERENT, MISUSE, TROUBLE, hush_retries
from compat.cli.printing import printing
from compat.cli.watching import watching

if TYPE_CHECKING:
    from compat.parity.fit.result import Findings
    from compat.service import LegacyReports


def add_to(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = parts.add_parser(
        "fit",
        help="find the conventions that make the numbers agree",
        description=(
            "Find the conventions under which recorded answers are what they are, and print the "
            "settings to adopt as TOML. Settings come from the environment."
        ),
        epilog=(
            "exit status: 0 the conventions in force explain the captures, 1 others do or none "
            "does, 2 misuse or nothing to fit, 3 Help Scout refuses or cannot be reached, 130 "
            "interrupted"
        ),
    )
    parser.add_argument("captures", nargs="+", metavar="CAPTURES", help="a file; - is stdin")
    parser.add_argument("--account", metavar="NAME", help="which account, where there are several")
    parser.add_argument(
        "--seconds",
        type=float,
        default=120,
        metavar="N",
        help="how long to search, once the conversations are fetched (%(default)s)",
    )
    parser.add_argument(
        "--most-gone",
        type=_share,
        default=0.2,
        metavar="SHARE",
        help="the largest share of conversations that may have been deleted since (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share: give a number from 0 to 1")
    return value


def run(options: argparse.Namespace) -> int:
    """Search; the exit status.

    Raises:
        SettingsError: A setting is missing or cannot be used.
        ImportError: What reads a format is not installed.
    """
    from compat.parity.fit.output import as_json, as_toml
    from compat.parity.replay import account_named
    from compat.service import LegacyReports
    from compat.v1.errors import LegacyError

    hush_retries()
    try:
        with LegacyReports.from_env(os.environ) as reports:
            name = account_named(reports, options.account)
            findings = _findings(options, reports, name)
    except (LegacyError, LookupError, OSError) as error:
        print(f"helpscout-v1: {error}", file=sys.stderr)
        return TROUBLE if isinstance(error, LegacyError) else MISUSE
    with printing():
        sys.stdout.write(f"{as_json(findings)}\n" if options.json else as_toml(findings, name))
        sys.stdout.flush()
    return 0 if findings.fit.outcome == "fits" else DIFFERENT


def _findings(options: argparse.Namespace, reports: LegacyReports, name: str) -> Findings:
    from compat.parity.captures.files import read
    from compat.parity.fit import records, rows
    from compat.parity.fit.result import find

    captures = records.sort(read(options.captures))
    if not captures.fitted:
        reasons = sorted({each.reason for each in captures.aside})
        raise LookupError(f"no capture can be fitted ({', '.join(reasons) or 'there is none'})")
    account = reports.accounts[name]
    base = account.settings.conventions
    wanted = rows.needed((each.pairs for each in captures.compared), base)
    with watching() as watch:
        found = rows.fetch(account, wanted, watch)
    deadline = time.monotonic() + options.seconds
    return find(
        captures,
        found,
        base,
        most_gone=options.most_gone,
        go_on=lambda: time.monotonic() < deadline,
    )

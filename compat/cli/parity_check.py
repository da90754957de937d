"""`helpscout-v1 parity check`: recorded answers against those of today."""

from __future__ import annotations

import argparse
import sys

from compat.cli.choosing import accounts_by, add_engine, add_offline
from compat.cli.judging import add_judging, judge
from compat.cli.leaving import MISUSE, hush_retries


def add_to(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = parts.add_parser(
        "check",
        help="ask recorded requests again, and compare",
        description=(
            "Ask recorded requests again and compare the answers, place by place. Captures are "
            "JSON lines, as serve --record writes them, or HAR, as browsers save it. Settings "
            "come from the environment."
        ),
        epilog=(
            "exit status: 0 equal, 1 different, 2 misuse, nothing to compare, or a rule that "
            "ignored nothing, 3 some could not be asked, 130 interrupted"
        ),
    )
    parser.add_argument("captures", nargs="+", metavar="CAPTURES", help="a file; - is stdin")
    add_engine(parser)
    add_offline(parser)
    parser.add_argument("--account", metavar="NAME", help="which account, where there are several")
    add_judging(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check the captures; the exit status.

    Raises:
        SettingsError: A setting is missing or cannot be used.
        ImportError: What reads a format is not installed.
    """
    from compat.parity.ignore_rules import IgnoreError

    hush_retries()
    try:
        return _check(options)
    except (IgnoreError, LookupError, OSError) as error:
        print(f"helpscout-v1: {error}", file=sys.stderr)
        return MISUSE


def _check(options: argparse.Namespace) -> int:
    from compat.parity.captures.files import read
    from compat.parity.replay import Replayer
    from compat.service import LegacyReports

    with LegacyReports(accounts_by(options.engine, offline=options.offline)) as reports:
        asking = Replayer(reports, options.account)
        return judge(read(options.captures), asking, options, options.engine)

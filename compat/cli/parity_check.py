"""`helpscout-v1 parity check`: recorded answers against those of today."""

from __future__ import annotations

from pathlib import Path

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import ACCOUNT, CAPTURES, ENGINE, OFFLINE, Command, accounts_with
from compat.cli.output import hide_retries, print_note
from compat.cli.parity_output import VERDICT_OPTIONS, compare


@click.command(
    "check",
    cls=Command,
    short_help="ask recorded requests again, and compare",
    epilog=exit_status(
        {
            ExitCode.OK: "equal",
            ExitCode.DIFFERENT: "different",
            ExitCode.MISUSE: "misuse, nothing to compare, or a rule that ignored nothing",
            ExitCode.UPSTREAM: "some could not be asked",
            ExitCode.INTERRUPTED: "interrupted",
        }
    ),
    params=[CAPTURES, ENGINE, OFFLINE, ACCOUNT, *VERDICT_OPTIONS],
)
def check(
    *,
    captures: tuple[str, ...],
    engine: str | None,
    offline: bool,
    account: str | None,
    ignore: Path | None,
    **files: Path | None,
) -> int:
    """Ask recorded requests again and compare the answers, place by place.

    Captures are JSON lines, as serve --record writes them, or HAR, as browsers save it. Settings
    come from the environment.
    """
    from compat.parity.captures.files import read
    from compat.parity.ignore_rules import IgnoreError
    from compat.parity.replay import Replayer
    from compat.service import LegacyReports

    hide_retries()
    try:
        with LegacyReports(accounts_with(engine, offline=offline)) as reports:
            asking = Replayer(reports, account)
            return compare(read(captures), asking, engine, ignore=ignore, files=files)
    except (IgnoreError, LookupError, OSError) as error:
        print_note(error)
        return ExitCode.MISUSE

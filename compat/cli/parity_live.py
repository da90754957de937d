"""`helpscout-v1 parity live`: both engines asked the same."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from compat.cli.dates import DATE, edges, today
from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import ACCOUNT, Command, date_option, seed, settings_for
from compat.cli.output import hide_retries, print_note
from compat.cli.parity_output import VERDICT_OPTIONS, compare

_FEWEST: Final = 20


def _enough(_ctx: click.Context, _param: click.Parameter, value: int) -> int:
    if value < _FEWEST:
        raise click.BadParameter(f"at least {_FEWEST}")
    return value


@click.command(
    "live",
    cls=Command,
    short_help="ask both engines the same, and compare",
    epilog=exit_status(
        {
            ExitCode.OK: "equal",
            ExitCode.DIFFERENT: "different",
            ExitCode.MISUSE: "misuse, or too few requests",
            ExitCode.UPSTREAM: "Help Scout refuses or cannot be reached",
            ExitCode.INTERRUPTED: "interrupted",
        }
    ),
    params=[
        date_option("--start", "--from", text=DATE, required=True),
        date_option("--end", "--to", text="as --start, included (that of --start's period)"),
        click.Option(
            ["--requests"],
            type=int,
            default=200,
            callback=_enough,
            metavar="N",
            help="the most requests to Help Scout, both engines together",
        ),
        seed(1, "equal seeds ask the same"),
        ACCOUNT,
        *VERDICT_OPTIONS,
    ],
)
def live(
    *,
    start: str,
    end: str | None,
    requests: int,
    seed: int,
    account: str | None,
    ignore: Path | None,
    **files: Path | None,
) -> int:
    """Ask Help Scout's own report and the counting here the same questions, and compare.

    The questions are many ranges, resolutions and filters that touch the edges of what happened. It
    takes a plan that has reports. Settings come from the environment.
    """
    from compat.parity.ignore_rules import IgnoreError
    from compat.parity.live import Both, Spent
    from compat.parity.replay import Replayer
    from compat.v1.errors import LegacyError

    hide_retries()
    try:
        with Both(settings_for(account), requests) as both:
            wanted = both.range(*edges(start, end, today()))
            sight = both.look(wanted)
            if sight.window != wanted:
                print_note(f"{requests} requests reach no further back than {sight.since}")
            captures = both.captures(sight, seed)
            asking = Replayer(both.computed)
            status = compare(captures, asking, "computed", ignore=ignore, files=files)
            print_note(f"{both.used} requests were made")
            if both.trouble:
                print_note(both.trouble)
                return status if status == ExitCode.DIFFERENT else ExitCode.UPSTREAM
            return status
    except Spent:
        print_note(
            f"{requests} requests are too few for a day of that range: raise --requests, or "
            "choose another range"
        )
        return ExitCode.MISUSE
    except (LegacyError, IgnoreError, LookupError, OSError) as error:
        print_note(error)
        return ExitCode.UPSTREAM if getattr(error, "status", 400) != 400 else ExitCode.MISUSE

"""`helpscout-v1 parity live`: both engines asked the same."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from compat.cli.dates import edges
from compat.cli.judging import add_judging, judge
from compat.cli.leaving import DIFFERENT, MISUSE, TROUBLE, hush_retries
from compat.cli.options import DATE, settings_of

if TYPE_CHECKING:
    from compat.core.intervals import Interval
    from compat.parity.live import Both, Sight

_FEWEST: Final = 20


def add_to(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = parts.add_parser(
        "live",
        help="ask both engines the same, and compare",
        description=(
            "Ask Help Scout's own report and the counting here the same questions, and compare "
            "the answers. The questions are many ranges, resolutions and filters that touch the "
            "edges of what happened. It takes a plan that has reports. Settings come from the "
            "environment."
        ),
        epilog=(
            "exit status: 0 equal, 1 different, 2 misuse, or too few requests, 3 Help Scout "
            "refuses or cannot be reached, 130 interrupted"
        ),
    )
    parser.add_argument("--from", dest="start", required=True, metavar="DATE", help=DATE)
    parser.add_argument(
        "--to", dest="end", metavar="DATE", help="likewise, included (that of --from's period)"
    )
    parser.add_argument(
        "--requests",
        type=_requests,
        default=200,
        metavar="N",
        help="the most requests to Help Scout, both engines together (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="equal seeds ask the same (%(default)s)"
    )
    parser.add_argument("--account", metavar="NAME", help="which account, where there are several")
    add_judging(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare; the exit status.

    Raises:
        SettingsError: A setting is missing or cannot be used.
    """
    from compat.parity.ignore_rules import IgnoreError
    from compat.parity.live import Both, Spent
    from compat.v1.errors import LegacyError

    hush_retries()
    try:
        with Both(settings_of(options.account), options.requests) as both:
            wanted = both.range(*edges(options.start, options.end, datetime.now(UTC).date()))
            return _compared(both, both.look(wanted), wanted, options)
    except Spent:
        print(
            f"helpscout-v1: {options.requests} requests are too few for a day of that range: "
            "raise --requests, or choose another range",
            file=sys.stderr,
        )
        return MISUSE
    except (LegacyError, IgnoreError, LookupError, OSError) as error:
        print(f"helpscout-v1: {error}", file=sys.stderr)
        return TROUBLE if getattr(error, "status", 400) != 400 else MISUSE


def _compared(both: Both, sight: Sight, wanted: Interval, options: argparse.Namespace) -> int:
    from compat.parity.replay import Replayer

    if sight.window != wanted:
        _note(f"{options.requests} requests reach no further back than {sight.since}")
    captures = both.captures(sight, options.seed)
    status = judge(captures, Replayer(both.computed), options, "computed")
    _note(f"{both.used} requests were made")
    if both.trouble:
        _note(both.trouble)
        return status if status == DIFFERENT else TROUBLE
    return status


def _requests(text: str) -> int:
    number = int(text)
    if number < _FEWEST:
        raise argparse.ArgumentTypeError(f"at least {_FEWEST}")
    return number


def _note(sentence: str) -> None:
    print(f"helpscout-v1: {sentence}", file=sys.stderr)

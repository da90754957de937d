"""`helpscout-v1 parity against`: another server held against this project."""

from __future__ import annotations

import argparse
import os
import sys

from compat.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "against",
        help="hold another server against this project",
        description=(
            "Ask a server that claims the old contract, whatever its language, and this project "
            "the same questions, and print the smallest set of conversations and query that "
            "differ. A simulated Mailbox API 2.0 runs meanwhile, which that server must fetch "
            "from (app id demo-app, secret demo-secret), remembering nothing between two "
            "questions. Conventions come from the environment."
        ),
        epilog="exit status: 0 equal, 1 different, 2 misuse, 3 the server cannot be asked",
    )
    parser.add_argument("url", metavar="URL", help="the server's address, such as http://host/v1/")
    parser.add_argument(
        "--key", default="any-key", help="the API key to send (%(default)s); not a secret one"
    )
    parser.add_argument(
        "--simulator-port",
        type=int,
        default=8081,
        metavar="PORT",
        help="where Mailbox API 2.0 is simulated, on 127.0.0.1 (%(default)s)",
    )
    parser.add_argument(
        "--examples",
        type=int,
        default=300,
        metavar="N",
        help="how many questions to ask while nothing differs (%(default)s)",
    )
    parser.add_argument(
        "--report",
        dest="reports",
        action="append",
        metavar="NAME",
        help="a report to ask for, such as conversations/busy-times; may be given again "
        "(conversations/new)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ask both; the exit status.

    Raises:
        SettingsError: A convention cannot be used.
        ImportError: An extra is not installed.
    """
    from compat.testing.against import CannotAsk, Remembers
    from compat.testing.asserting import ParityFailed

    try:
        _ask(options)
    except ParityFailed as failed:
        print(f"{failed}\ntry it: curl -u KEY:X '{options.url.partition('/v1')[0]}{failed.query}'")
        return 1
    except CannotAsk as trouble:
        return _say(3, str(trouble))
    except (Remembers, ValueError, OSError) as misuse:
        return _say(2, str(misuse))
    print(f"equal in {options.examples} questions")
    return 0


def _ask(options: argparse.Namespace) -> None:
    import httpx

    from compat.testing.against import Caller, origin_of, probe
    from compat.testing.asserting import assert_parity
    from compat.testing.stages import simulator_stage
    from compat.testing.strategies import REPORTS

    reports = tuple(options.reports or REPORTS[:1])
    if unknown := set(reports) - set(REPORTS):
        raise ValueError(f"--report: {', '.join(unknown)} is none of {', '.join(REPORTS)}")
    origin = origin_of(options.url)
    conventions = Settings.from_env(os.environ).conventions
    with (
        simulator_stage(port=options.simulator_port) as stage,
        httpx.Client(auth=(options.key, "X"), timeout=60) as client,
    ):
        print(f"Simulating Mailbox API 2.0 at {stage.base_url}", file=sys.stderr, flush=True)
        caller = Caller(client, origin)
        probe(caller, stage)
        assert_parity(
            caller,
            simulator=stage,
            reports=reports,
            conventions=conventions,
            examples=options.examples,
        )


def _say(status: int, sentence: str) -> int:
    print(f"helpscout-v1: {sentence}", file=sys.stderr)
    return status

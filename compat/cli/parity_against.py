"""`helpscout-v1 parity against`: another server held against this project."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from compat.testing.queries import REPORTS

if TYPE_CHECKING:
    from compat.testing.assertions import ParityFailed


def add_to(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = parts.add_parser(
        "against",
        help="hold another server against this project",
        description=(
            "Ask a server that claims the old contract, whatever its language, and this project "
            "the same questions, and print the smallest set of conversations and query that "
            "differ. A simulated Mailbox API 2.0 runs meanwhile, which that server must fetch "
            "from (app id demo-app, secret demo-secret), remembering nothing between two "
            "questions. Conventions come from the environment."
        ),
        epilog=(
            "exit status: 0 equal, 1 different, 2 misuse, or a server that remembers, 3 the "
            "server cannot be asked, 130 interrupted"
        ),
    )
    parser.add_argument(
        "url", metavar="URL", type=_origin, help="the server's address, such as http://host/v1/"
    )
    parser.add_argument(
        "--key", default="any-key", help="the API key to send, none that is secret (%(default)s)"
    )
    parser.add_argument(
        "--simulator-port",
        type=int,
        default=8081,
        metavar="PORT",
        help="where Mailbox API 2.0 is simulated, on 127.0.0.1; 0 for any (%(default)s)",
    )
    parser.add_argument(
        "--examples",
        type=_positive,
        default=300,
        metavar="N",
        help="how many questions to ask while nothing differs (%(default)s)",
    )
    parser.add_argument("--seed", type=int, help="equal seeds ask the same (others each time)")
    parser.add_argument(
        "--report",
        dest="reports",
        action="append",
        choices=REPORTS,
        help=f"a report to ask for; may be given again ({REPORTS[0]})",
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help="when answers differ, go on simulating those conversations until interrupted, so "
        "that the request can be tried",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ask both; the exit status.

    Raises:
        SettingsError: A convention cannot be used.
        ImportError: An extra is not installed.
    """
    from compat.testing.http_candidate import CannotAsk, Remembers

    try:
        return _ask(options)
    except CannotAsk as trouble:
        return _say(3, str(trouble))
    except Remembers as misuse:
        return _say(2, str(misuse))
    except (OSError, OverflowError) as misuse:
        return _say(2, f"--simulator-port {options.simulator_port}: {misuse}")


def _ask(options: argparse.Namespace) -> int:
    import httpx

    from compat.config.settings import Settings
    from compat.testing.assertions import ParityFailed, assert_parity
    from compat.testing.http_candidate import Caller, probe
    from compat.testing.stage import simulator_stage

    conventions = Settings.from_env(os.environ).conventions
    with (
        simulator_stage(port=options.simulator_port) as stage,
        httpx.Client(auth=(options.key, "X"), timeout=60) as client,
    ):
        print(f"Simulating Mailbox API 2.0 at {stage.base_url}", file=sys.stderr, flush=True)
        caller = Caller(client, options.url)
        probe(caller, stage)
        try:
            assert_parity(
                caller,
                simulator=stage,
                reports=tuple(options.reports or REPORTS[:1]),
                conventions=conventions,
                examples=options.examples,
                seed=options.seed,
            )
        except ParityFailed as failed:
            stage.show(failed.case.account)
            _tell(failed, options)
            return 1
    print(f"equal in {options.examples} questions")
    return 0


def _tell(failed: ParityFailed, options: argparse.Namespace) -> None:
    from compat.parity.output.text import curl

    print(f"{failed}\n{curl(failed.query, options.url)}", flush=True)
    if options.wait:
        print("These conversations are there until you interrupt", file=sys.stderr, flush=True)
        with suppress(KeyboardInterrupt):
            Event().wait()


def _origin(url: str) -> str:
    """What stands before `/v1/` in the address of a server; the address itself if that is absent.

    Raises:
        argparse.ArgumentTypeError: It is no address over http or https.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(
            "an address such as http://127.0.0.1:8080/v1/ is needed, without key or query"
        )
    return url.partition("/v1/")[0].removesuffix("/").removesuffix("/v1")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _say(status: int, sentence: str) -> int:
    print(f"helpscout-v1: {sentence}", file=sys.stderr)
    return status

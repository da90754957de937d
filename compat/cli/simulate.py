"""`helpscout-v1 simulate`: a Mailbox API 2.0 with made-up conversations."""

from __future__ import annotations

import argparse

from compat.cli.listening import listen


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "simulate",
        help="serve a made-up Mailbox API 2.0",
        description=(
            "Serve a Mailbox API 2.0 with a made-up account. Sign in as demo-app with the "
            "secret demo-secret."
        ),
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8081, help="port; 0 for any (%(default)s)")
    parser.add_argument(
        "--conversations", type=int, default=5000, metavar="N", help="how many (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="equal seeds, equal data (%(default)s)")
    parser.add_argument(
        "--plan",
        choices=("standard", "plus", "pro"),
        default="standard",
        help="decides about the rate limit and the API's own reports (%(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    from compat.simulator import Simulator, make_account

    account = make_account(options.conversations, options.seed)
    listen(
        Simulator(account, plan=options.plan),
        host=options.host,
        port=options.port,
        what="Simulating Mailbox API 2.0 (base URL ends in /v2)",
        lifespan="off",
        date_header=False,
    )

"""`helpscout-v1 serve`: the old API over HTTP."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from compat.cli.listening import listen
from compat.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "serve",
        help="answer the old API over HTTP",
        description="Answer the old API over HTTP. All settings come from the environment.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port; 0 for any (%(default)s)")
    parser.add_argument("--ssl-certfile", metavar="FILE", help="certificate chain, to serve https")
    parser.add_argument("--ssl-keyfile", metavar="FILE", help="private key of the certificate")
    parser.add_argument(
        "--demo",
        action="store_true",
        help="answer for a made-up account; any API key will do unless COMPAT_API_KEYS is set",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Serve until told to stop.

    Raises:
        SettingsError: A setting is missing or cannot be used.
    """
    from compat.asgi import create_app, guarded, malformed
    from compat.service import LegacyReports

    settings = Settings.from_env(os.environ)
    with _demo(settings) if options.demo else _real(guarded(settings)) as chosen:
        reports = LegacyReports(chosen)
        listen(
            create_app(reports),
            host=options.host,
            port=options.port,
            what="Answering the old API",
            stopping=reports.close,
            malformed=malformed,
            lifespan="on",
            ssl_certfile=options.ssl_certfile,
            ssl_keyfile=options.ssl_keyfile,
        )


@contextmanager
def _real(settings: Settings) -> Iterator[Settings]:
    yield settings


@contextmanager
def _demo(settings: Settings) -> Iterator[Settings]:
    """Settings that lead to a simulator, which runs as long as the block."""
    from compat.simulator import Behaviour, Simulator, make_account, running

    with running(Simulator(make_account(), Behaviour(rate_limit=None))) as base_url:
        yield settings.model_copy(
            update={
                "app_id": "demo-app",
                "app_secret": SecretStr("demo-secret"),
                "base_url": base_url,
                "connect_to": None,
                "proxy": None,
            }
        )

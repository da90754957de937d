"""`helpscout-v1 serve`: the old API over HTTP."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from compat.cli.choosing import accounts_by, add_offline
from compat.config.environment import SettingsError

if TYPE_CHECKING:
    from compat.config.settings import Settings
    from compat.server.recorder import Recorder

_LOG: Final = logging.getLogger("compat")


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
    parser.add_argument(
        "--record",
        metavar="FILE",
        type=Path,
        help="write requests and answers down, without keys, for parity check to ask again",
    )
    add_offline(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Serve until told to stop.

    Raises:
        SettingsError: A setting is missing or cannot be used.
        ImportError: A library that the settings ask for is not installed.
    """
    from compat.config.settings import Settings
    from compat.server.app import create_app, require_api_keys
    from compat.server.logs import configure_logging
    from compat.server.run import run as run_server
    from compat.service import LegacyReports

    def chosen() -> Mapping[str, Settings]:
        return require_api_keys(accounts_by(offline=options.offline))

    def reload() -> None:
        try:
            reports.reload(chosen())
            _LOG.info("the accounts were read again")
        except SettingsError as error:
            _LOG.error("the accounts stay as they were: %s", error)

    log = Settings.from_env(os.environ).log
    configure_logging(log)
    with (
        _demo() if options.demo else nullcontext(chosen()) as accounts,
        _recorder(options.record) as recorder,
    ):
        reports = LegacyReports(accounts)
        run_server(
            create_app(reports, recorder=recorder),
            host=options.host,
            port=options.port,
            label="Answering the old API",
            on_stop=reports.close,
            reload=None if options.demo else reload,
            log=log,
            lifespan="on",
            ssl_certfile=options.ssl_certfile,
            ssl_keyfile=options.ssl_keyfile,
        )


def _recorder(path: Path | None) -> AbstractContextManager[Recorder | None]:
    """What records to a file, if one is named.

    Raises:
        SettingsError: It cannot be written.
    """
    if path is None:
        return nullcontext()
    from compat.server.recorder import Recorder

    try:
        return Recorder(path)
    except OSError as error:
        raise SettingsError(f"--record: {path} cannot be written: {error.strerror}") from None


@contextmanager
def _demo() -> Iterator[Mapping[str, Settings]]:
    """Settings that lead to a simulator, which runs as long as the block."""
    from pydantic import SecretStr

    from compat.config.accounts import SINGLE
    from compat.config.settings import Settings
    from compat.simulator import Behaviour, Simulator, make_account, running

    with running(Simulator(make_account(), Behaviour(rate_limit=None))) as base_url:
        demo = {
            "app_id": "demo-app",
            "app_secret": SecretStr("demo-secret"),
            "base_url": base_url,
            "connect_to": None,
            "proxy": None,
            "ca_file": None,
            "archive": None,
            "offline": False,
        }
        yield {SINGLE: Settings.from_env(os.environ).model_copy(update=demo)}

"""`helpscout-v1 serve`: the old API over HTTP."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from compat.cli.options import FILE, HOST, OFFLINE, Command, accounts_with, flag, port
from compat.config.environment import SettingsError

if TYPE_CHECKING:
    from compat.config.settings import Settings
    from compat.server.recorder import Recorder

_LOG: Final = logging.getLogger("compat")


@click.command(
    "serve",
    cls=Command,
    short_help="answer the old API over HTTP",
    params=[
        HOST,
        port(8080),
        click.Option(
            ["--ssl-certfile"],
            type=click.Path(),
            metavar="FILE",
            help="certificate chain, to serve https",
        ),
        click.Option(
            ["--ssl-keyfile"],
            type=click.Path(),
            metavar="FILE",
            help="private key of the certificate",
        ),
        flag(
            "--demo",
            "answer for a made-up account; any API key will do unless COMPAT_API_KEYS is set",
        ),
        click.Option(
            ["--record"],
            type=FILE,
            metavar="FILE",
            help="record requests and answers, without keys, for parity check to ask again",
        ),
        OFFLINE,
    ],
)
def serve(
    *,
    host: str,
    port: int,
    ssl_certfile: str | None,
    ssl_keyfile: str | None,
    demo: bool,
    record: Path | None,
    offline: bool,
) -> None:
    """Answer the old API over HTTP. All settings come from the environment."""
    from compat.config.settings import Settings
    from compat.server.app import create_app, require_api_keys
    from compat.server.logs import configure_logging
    from compat.server.run import run as run_server
    from compat.service import LegacyReports

    def read_accounts() -> Mapping[str, Settings]:
        return require_api_keys(accounts_with(offline=offline))

    def reload() -> None:
        try:
            reports.reload(read_accounts())
            _LOG.info("the accounts were read again")
        except SettingsError as error:
            _LOG.error("the accounts stay as they were: %s", error)

    log = Settings.from_env(os.environ).log
    configure_logging(log)
    with (
        _demo() if demo else nullcontext(read_accounts()) as accounts,
        _recorder(record) as recorder,
    ):
        reports = LegacyReports(accounts)
        run_server(
            create_app(reports, recorder=recorder),
            host=host,
            port=port,
            label="Answering the old API",
            on_stop=reports.close,
            reload=None if demo else reload,
            log=log,
            lifespan="on",
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
        )


def _recorder(path: Path | None) -> AbstractContextManager[Recorder | None]:
    """Records to a file, if one is named.

    Raises:
        SettingsError: The file cannot be written.
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

    from compat.config.accounts import DEFAULT_ACCOUNT
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
        yield {DEFAULT_ACCOUNT: Settings.from_env(os.environ).model_copy(update=demo)}

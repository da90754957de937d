"""`helpscout-v1 serve`: the old API over HTTP."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from compat.cli.options import (
    FILE,
    HOST,
    OFFLINE,
    SettingsCommand,
    accounts_with,
    env_file_option,
    environment,
    flag,
    port,
)
from compat.config.environment import SettingsError, reason, variable_name

if TYPE_CHECKING:
    from compat.config.env_files import Environment
    from compat.config.settings import Settings
    from compat.server.recorder import Recorder

_LOG: Final = logging.getLogger("compat")

_OF_AN_ACCOUNT: Final = (
    *("app_id", "app_secret", "base_url", "api_keys", "archive", "offline"),
    *("connect_to", "proxy", "ca_file"),
)
"""Settings that lead to an account, or say who may ask for it."""

_ACCOUNT_VARIABLES: Final = tuple(map(variable_name, _OF_AN_ACCOUNT))


@click.command(
    "serve",
    cls=SettingsCommand,
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
            "answer for a made-up account; any API key will do",
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
    """Answer the old API over HTTP.

    All settings come from the environment, or from an environment file, which SIGHUP reads again.
    """
    from compat.config.env_files import read_environment
    from compat.config.settings import Settings
    from compat.server.app import create_app, require_api_keys
    from compat.server.logs import configure_logging
    from compat.server.pages import EXPLORER
    from compat.server.run import check_certificate, is_loopback
    from compat.server.run import run as run_server
    from compat.service import LegacyReports

    env_file = env_file_option()
    environ = environment(without=_ACCOUNT_VARIABLES if demo else ())

    def read_accounts(environ: Environment) -> Mapping[str, Settings]:
        return require_api_keys(accounts_with(environ, offline=offline))

    def reload() -> None:
        try:
            reports.reload(read_accounts(read_environment(os.environ, env_file)))
            _LOG.info("the accounts were read again")
        except SettingsError as error:
            _LOG.error("the accounts stay as they were: %s", error)

    check_certificate(ssl_certfile, ssl_keyfile)
    log = Settings.from_env(environ).log
    configure_logging(log)
    with (
        _demo(environ) if demo else nullcontext(read_accounts(environ)) as accounts,
        _recorder(record) as recorder,
    ):
        setting = next(iter(accounts.values())).explorer
        explorer = is_loopback(host) if setting is None else setting
        reports = LegacyReports(accounts)
        run_server(
            create_app(reports, recorder=recorder, explorer=explorer),
            host=host,
            port=port,
            label=f"Answering the old API{_origin(environ)}",
            on_stop=reports.close,
            reload=None if demo else reload,
            log=log,
            pages={"Report explorer": EXPLORER} if explorer else {},
            lifespan="on",
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
        )


def _origin(environ: Environment) -> str:
    """Where settings come from, for the line that says that the server has started."""
    if not environ.file:
        return ""
    others = f", but by {', '.join(environ.winners)} as set outside it," if environ.winners else ""
    return f" by the settings in {environ.file}{others}"


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
        raise SettingsError(
            f"--record: {path} cannot be written ({reason(error)}): name a file in a directory "
            "that exists and that this user may write to"
        ) from None


@contextmanager
def _demo(environ: Environment) -> Iterator[Mapping[str, Settings]]:
    """Settings that lead to a simulator, which runs as long as the block."""
    from pydantic import SecretStr

    from compat.config.accounts import DEFAULT_ACCOUNT, warn_of_variables
    from compat.config.settings import Settings
    from compat.simulator import Behaviour, Simulator, make_account, running

    warn_of_variables(environ)
    with running(Simulator(make_account(), Behaviour(rate_limit=None))) as base_url:
        demo = {
            "app_id": "demo-app",
            "app_secret": SecretStr("demo-secret"),
            "base_url": base_url,
        }
        shared = Settings.from_env(environ)
        yield {DEFAULT_ACCOUNT: shared.model_copy(update=demo)}

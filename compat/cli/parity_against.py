"""`helpscout-v1 parity against`: another server compared with this project."""

from __future__ import annotations

import errno
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import PORT, SettingsCommand, environment, flag, seed
from compat.cli.output import print_note
from compat.config.environment import reason
from compat.testing import REPORTS

if TYPE_CHECKING:
    from compat.testing.assertions import ParityFailed


_BETWEEN_LOOKS: Final = 0.2
"""Seconds between two looks for an interrupt: Python does not see one in a wait without an end."""

_NOT_LISTENING: Final = (errno.EADDRINUSE, errno.EACCES)
"""Error numbers of a port that is taken, or not allowed to this user."""


def _origin(_ctx: click.Context, _param: click.Parameter, url: str) -> str:
    """The part before `/v1/` in a server's address; the address itself if that is absent.

    Raises:
        click.BadParameter: It is no address over http or https.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise click.BadParameter(
            "an address such as http://127.0.0.1:8080/v1/ is needed, without key or query"
        )
    return url.partition("/v1/")[0].removesuffix("/").removesuffix("/v1")


def _positive(_ctx: click.Context, _param: click.Parameter, value: int) -> int:
    if value < 1:
        raise click.BadParameter("at least 1")
    return value


@click.command(
    "against",
    cls=SettingsCommand,
    short_help="compare another server with this project",
    epilog=exit_status(
        {
            ExitCode.OK: "equal",
            ExitCode.DIFFERENT: "different",
            ExitCode.MISUSE: "misuse, or a server that remembers",
            ExitCode.UPSTREAM: "the server cannot be asked",
            ExitCode.INTERRUPTED: "interrupted",
        }
    ),
    params=[
        click.Argument(
            ["url"],
            metavar="URL",
            callback=_origin,
            help="the server's address, such as http://host/v1/",
        ),
        click.Option(
            ["--key"],
            default="any-key",
            metavar="KEY",
            help="the API key to send, none that is secret",
        ),
        click.Option(
            ["--simulator-port"],
            type=PORT,
            default=8081,
            metavar="PORT",
            help="where Mailbox API 2.0 is simulated, on 127.0.0.1; 0 for any",
        ),
        click.Option(
            ["--examples"],
            type=int,
            default=300,
            callback=_positive,
            metavar="N",
            help="how many questions to ask while nothing differs",
        ),
        seed(None, "equal seeds ask the same (others each time)"),
        click.Option(
            ["--report", "reports"],
            multiple=True,
            type=click.Choice(REPORTS),
            help=f"a report to ask for; may be given again ({REPORTS[0]})",
        ),
        flag(
            "--wait",
            "when answers differ, go on simulating those conversations until interrupted, so that "
            "the request can be tried",
        ),
    ],
)
def against(
    *,
    url: str,
    key: str,
    simulator_port: int,
    examples: int,
    seed: int | None,
    reports: tuple[str, ...],
    wait: bool,
) -> int:
    """Ask a server that claims the old contract, and this project, the same questions.

    The server may be in any language. Printed is the smallest set of conversations and query that
    differ. A simulated Mailbox API 2.0 runs meanwhile, which that server must fetch from (app id
    demo-app, secret demo-secret), remembering nothing between two questions. Conventions come from
    the environment.
    """
    from compat.testing.assertions import ParityFailed
    from compat.testing.http_candidate import CandidateCaches, CandidateUnusable

    try:
        _compare(
            url,
            key,
            simulator_port=simulator_port,
            examples=examples,
            seed=seed,
            reports=reports or REPORTS[:1],
            wait=wait,
        )
    except ParityFailed:
        return ExitCode.DIFFERENT
    except CandidateUnusable as error:
        print_note(error)
        return ExitCode.UPSTREAM
    except CandidateCaches as error:
        print_note(error)
        return ExitCode.MISUSE
    except OSError as error:
        if error.errno not in _NOT_LISTENING:
            raise
        print_note(
            f"--simulator-port {simulator_port} cannot be listened on ({reason(error)}): choose "
            "another, or 0 for any"
        )
        return ExitCode.MISUSE
    print(f"equal in {examples} questions")
    return ExitCode.OK


def _compare(
    url: str,
    key: str,
    *,
    simulator_port: int,
    examples: int,
    seed: int | None,
    reports: tuple[str, ...],
    wait: bool,
) -> None:
    """Ask both, and print what differs.

    Raises:
        ParityFailed: The answers differ.
    """
    import httpx

    from compat.config.accounts import warn_of_variables
    from compat.config.settings import Settings
    from compat.testing.assertions import ParityFailed, assert_parity
    from compat.testing.http_candidate import HttpCandidate, probe
    from compat.testing.stage import simulator_stage

    environ = environment()
    warn_of_variables(environ)
    conventions = Settings.from_env(environ).conventions
    with (
        simulator_stage(port=simulator_port) as stage,
        httpx.Client(auth=(key, "X"), timeout=60) as client,
    ):
        print(f"Simulating Mailbox API 2.0 at {stage.base_url}", file=sys.stderr, flush=True)
        candidate = HttpCandidate(client, url)
        probe(candidate, stage)
        try:
            assert_parity(
                candidate,
                simulator=stage,
                reports=reports,
                conventions=conventions,
                examples=examples,
                seed=seed,
            )
        except ParityFailed as failed:
            stage.show(failed.case.account)
            # With --wait, Ctrl-C from here on is how a person ends the waiting.
            with suppress(*([KeyboardInterrupt] if wait else [])):
                _print_difference(failed, url)
                if wait:
                    _wait_for_interrupt()
            raise


def _print_difference(failed: ParityFailed, url: str) -> None:
    from compat.parity.output.text import curl

    print(f"{failed}\n{curl(failed.query, url)}", flush=True)


def _wait_for_interrupt() -> None:
    print("These conversations are there until you interrupt", file=sys.stderr, flush=True)
    while True:
        time.sleep(_BETWEEN_LOOKS)

"""`helpscout-v1 parity against`: another server compared with this project."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.formats import CSV, JSON, Format, chosen_format, print_json, print_records
from compat.cli.options import PORT, SettingsCommand, environment, flag, seed
from compat.cli.output import print_error_line, print_note
from compat.cli.streams import ignore_closed_pipe
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
        JSON,
        CSV,
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
    as_json: bool,
    as_csv: bool,
) -> int:
    """Ask a server that claims the old contract, and this project, the same questions.

    The server may be in any language. Printed is the smallest set of conversations and query that
    differ. A simulated Mailbox API 2.0 runs meanwhile, which that server must fetch from (app id
    demo-app, secret demo-secret), remembering nothing between two questions. Conventions come from
    the environment.
    """
    from compat.testing.assertions import ParityFailed
    from compat.testing.http_candidate import CandidateCaches, CandidateUnusable

    print_result = _PRINTERS[chosen_format(as_json=as_json, as_csv=as_csv)]
    try:
        _compare(
            url,
            key,
            simulator_port=simulator_port,
            examples=examples,
            seed=seed,
            reports=reports or REPORTS[:1],
            wait=wait,
            print_result=print_result,
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
    print_result: _Printer,
) -> None:
    """Ask both, and print that they are equal or what differs.

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
        print_error_line(f"Simulating Mailbox API 2.0 at {stage.base_url}")
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
                with ignore_closed_pipe():
                    print_result(failed, url, examples)
                if wait:
                    _wait_for_interrupt()
            raise
    with ignore_closed_pipe():
        print_result(None, url, examples)


def _print_text(failed: ParityFailed | None, url: str, examples: int) -> None:
    from compat.parity.output.text import curl

    text = f"{failed}\n{curl(failed.query, url)}" if failed else f"equal in {examples} questions"
    print(text, flush=True)


def _print_json(failed: ParityFailed | None, url: str, examples: int) -> None:
    print_json(_document(failed, url, examples))


def _print_csv(failed: ParityFailed | None, url: str, examples: int) -> None:
    document = _document(failed, url, examples)
    paths = [each["path"] for each in document.get("differences", ())]
    print_records([document | {"paths": paths}], _COLUMNS)


def _document(failed: ParityFailed | None, url: str, examples: int) -> dict[str, Any]:
    """What was found, as JSON; only where answers differ it has more than the outcome."""
    from compat.parity.compare import ABSENT
    from compat.parity.output.text import curl

    if failed is None:
        return {"outcome": "equal", "questions": examples}
    differences = [
        {"path": each.path, "kind": each.kind}
        | ({} if each.old is ABSENT else {"expected": each.old})
        | ({} if each.new is ABSENT else {"answered": each.new})
        for each in failed.differences
    ]
    return {
        "outcome": "different",
        "query": failed.query,
        "curl": curl(failed.query, url),
        "differences": differences,
        "expected": _answer(*failed.expected),
        "answered": _answer(*failed.answered),
        "conversations": list(failed.conversations),
    }


def _answer(status: int, body: bytes) -> dict[str, Any]:
    """An answer; its body is a text, because it may be no JSON."""
    return {"status": status, "body": body.decode("utf-8", "replace")}


_Printer = Callable[["ParityFailed | None", str, int], None]
"""Prints the result: the failure if answers differ, the server's address, how many were asked."""

_PRINTERS: Final[Mapping[Format, _Printer]] = {
    "text": _print_text,
    "json": _print_json,
    "csv": _print_csv,
}
_COLUMNS: Final = ("outcome", "questions", "query", "paths", "curl")


def _wait_for_interrupt() -> None:
    print_error_line("These conversations are there until you interrupt")
    while True:
        time.sleep(_BETWEEN_LOOKS)

"""The command `helpscout-v1` with all its parts, and the small ones: `doctor`, `completion`."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import get_completion_class

import compat
from compat.cli.archive import archive
from compat.cli.docs import docs
from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.formats import CSV, JSON, Format, chosen_format, print_csv, print_json
from compat.cli.init import init
from compat.cli.lists import lists
from compat.cli.options import (
    ACCOUNT,
    Command,
    Group,
    SettingsCommand,
    environment,
    flag,
    selected_account,
)
from compat.cli.output import (
    PROGRAM,
    hide_retries,
    print_note,
)
from compat.cli.parity import parity
from compat.cli.report import report
from compat.cli.serve import serve
from compat.cli.simulate import simulate
from compat.cli.streams import (
    buffer_output,
    describe,
    discard_unwritten_errors,
    ignore_closed_pipe,
    open_closed_streams,
)
from compat.cli.sync import sync
from compat.config.environment import SettingsError
from compat.extras import DISTRIBUTION

if TYPE_CHECKING:
    from compat.doctor.examination import Examination

_SHELLS = ("bash", "zsh", "fish")
_COMPLETION_VARIABLE = "_HELPSCOUT_V1_COMPLETE"
"""The environment variable by which a shell asks the command for completions."""


class _Program(Group):
    """The outermost group: exceptions that any command may raise end here."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its exit code."""
        try:
            return super().invoke(ctx)
        except (SettingsError, ImportError) as error:
            print_note(error)
            return ExitCode.MISUSE
        except KeyboardInterrupt:  # click would print an empty line, and exit with 1
            return ExitCode.INTERRUPTED


def run(arguments: Sequence[str] | None) -> int:
    """Run a command line, that of the process if none is given; the exit code."""
    open_closed_streams()
    if arguments is None:  # the streams of a program that calls this are its own
        buffer_output()
    try:
        code = _run(arguments)
        with ignore_closed_pipe():
            sys.stdout.flush()
    except OSError as error:
        print_note(describe(error))
        return ExitCode.UPSTREAM if error.errno == errno.EADDRINUSE else ExitCode.MISUSE
    finally:
        discard_unwritten_errors()
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = program.main(
            arguments,
            prog_name=PROGRAM,
            complete_var=_COMPLETION_VARIABLE,
            standalone_mode=False,
            windows_expand_args=False,
        )
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return error.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    return int(code or ExitCode.OK)


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        import platform

        parts = ", ".join(_installed_extras()) or "none"
        python = platform.python_version()
        print(f"{PROGRAM} {compat.__version__} (Python {python}, extras: {parts})")
        ctx.exit()


def _installed_extras() -> list[str]:
    """The extras of which everything is installed that they need on each platform."""
    import re
    from importlib.metadata import Distribution, metadata, requires

    def normalized(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    installed = {normalized(each.name) for each in Distribution.discover()}
    pattern = re.compile(r"([\w.-]+).*;\s*extra\s*==\s*['\"]([\w-]+)['\"]")
    needed = filter(None, map(pattern.fullmatch, requires(DISTRIBUTION) or ()))
    lacking = {each[2] for each in needed if normalized(each[1]) not in installed}
    extras = set(metadata(DISTRIBUTION).get_all("Provides-Extra", [])) - lacking
    return ["all"] if "all" in extras else sorted(extras)


@click.command(
    "completion",
    cls=Command,
    short_help="print what makes a shell complete this command",
    params=[click.Argument(["shell"], type=click.Choice(_SHELLS), help="the shell")],
)
def completion(*, shell: str) -> None:
    """Print a script that makes a shell complete commands, options and values.

    For bash, add `eval "$(helpscout-v1 completion bash)"` to ~/.bashrc; for zsh, the same with zsh
    to ~/.zshrc, after compinit; for fish, write the script to
    ~/.config/fish/completions/helpscout-v1.fish.
    """
    found = get_completion_class(shell)
    if found is not None:  # click knows each of `_SHELLS`
        with ignore_closed_pipe():
            print(found(program, {}, PROGRAM, _COMPLETION_VARIABLE).source())


@click.command(
    "doctor",
    cls=SettingsCommand,
    short_help="look for what is wrong, and say what to do",
    epilog=exit_status(
        {
            ExitCode.OK: "nothing is wrong",
            ExitCode.DIFFERENT: "something is",
            ExitCode.MISUSE: "an option or a setting cannot be used",
            ExitCode.UPSTREAM: "Help Scout cannot be asked",
        }
    ),
    params=[
        ACCOUNT,
        flag("--offline", "only what can be found without asking Help Scout"),
        JSON,
        CSV,
    ],
)
def doctor(*, account: str | None, offline: bool, as_json: bool, as_csv: bool) -> int:
    """Look for what is wrong, and say what to do about it.

    Checked are credentials, plan, rate limit, clock, how Help Scout's lists behave, the archive and
    the settings. It takes about twenty requests for each account, and changes nothing. Of several
    accounts, all are looked at unless one is named.
    """
    from compat.config.accounts import accounts_from_env, ineffective_variables
    from compat.doctor.examination import examine

    format_ = chosen_format(as_json=as_json, as_csv=as_csv)
    hide_retries()
    environ = environment()
    accounts = accounts_from_env(environ)
    if account is not None or len(accounts) == 1:
        accounts = selected_account(accounts, account)
    unused = ineffective_variables(environ)
    examined: dict[str, Examination] = {}
    for name, settings in accounts.items():
        examined[name] = examine(
            settings,
            name=name,
            offline=offline or settings.offline,
            unused_variables=() if examined else unused,
            environ=None if examined else environ,
        )
    with ignore_closed_pipe():
        _PRINTERS[format_](examined)
    if any(each.cut_short for each in examined.values()):
        return ExitCode.UPSTREAM
    sound = all(each.sound for each in examined.values())
    return ExitCode.OK if sound else ExitCode.DIFFERENT


def _print_csv(examined: Mapping[str, Examination]) -> None:
    """A row for each finding."""
    rows = (
        (account, check, found.verdict, found.what, found.to_do)
        for account, each in examined.items()
        for check, found in each.findings.items()
    )
    print_csv([("account", "check", "verdict", "what", "toDo"), *rows])


def _text(examined: Mapping[str, Examination]) -> str:
    if len(examined) == 1:
        return "\n".join(map(_findings_as_text, examined.values()))
    return "\n\n".join(f"{name}:\n{_findings_as_text(each)}" for name, each in examined.items())


def _json(examined: Mapping[str, Examination]) -> dict[str, Any]:
    documents = {name: _document(each) for name, each in examined.items()}
    if len(documents) == 1:
        document = next(iter(documents.values()))
    else:
        document = {
            "sound": all(each.sound for each in examined.values()),
            "complete": not any(each.cut_short for each in examined.values()),
            "accounts": documents,
        }
    return document


_PRINTERS: Mapping[Format, Callable[[Mapping[str, Examination]], None]] = {
    "json": lambda examined: print_json(_json(examined)),
    "csv": _print_csv,
    "text": lambda examined: print(_text(examined), flush=True),
}
"""How the findings are printed, by the format."""


def _findings_as_text(examined: Examination) -> str:
    width = max(map(len, examined.findings))
    lines: list[str] = []
    for name, found in examined.findings.items():
        lines.append(f"{found.verdict:<8} {name:<{width}}  {found.what}")
        if found.to_do:
            lines.append(f"{'':<8} {'':<{width}}  → {found.to_do}")
    return "\n".join(lines)


def _document(examined: Examination) -> dict[str, Any]:
    findings = [
        {
            "check": name,
            "verdict": found.verdict,
            "what": found.what,
            "to_do": found.to_do,
            "facts": found.facts,
        }
        for name, found in examined.findings.items()
    ]
    return {
        "sound": examined.sound,
        "complete": not examined.cut_short,
        "findings": findings,
    }


program = _Program(
    PROGRAM,
    commands=[
        init,
        serve,
        report,
        lists,
        archive,
        sync,
        doctor,
        parity,
        simulate,
        docs,
        completion,
    ],
    help="Help Scout's Mailbox API 1.0 reports, computed from Mailbox API 2.0.",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the version and exit.",
        )
    ],
    context_settings={
        "help_option_names": ["-h", "--help"],
        "show_default": True,
        "max_content_width": 1000,  # as wide as the terminal
    },
    subcommand_metavar="COMMAND",
)
"""The command `helpscout-v1`."""

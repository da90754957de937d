"""The command with its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import get_completion_class

import compat
from compat.cli.archive import archive
from compat.cli.doctor import doctor
from compat.cli.exit_codes import ExitCode
from compat.cli.options import Command
from compat.cli.output import PROGRAM, print_note
from compat.cli.parity_against import against
from compat.cli.parity_check import check
from compat.cli.parity_fit import fit
from compat.cli.parity_live import live
from compat.cli.report import report
from compat.cli.serve import serve
from compat.cli.simulate import simulate
from compat.cli.sync import sync
from compat.config.environment import SettingsError

_SHELLS = ("bash", "zsh", "fish")
_COMPLETION_VARIABLE = "_HELPSCOUT_V1_COMPLETE"
"""The environment variable by which a shell asks the command for completions."""


class _Program(click.Group):
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
    try:
        code = program.main(
            arguments,
            prog_name=PROGRAM,
            complete_var=_COMPLETION_VARIABLE,
            standalone_mode=False,
            windows_expand_args=False,
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return ExitCode.INTERRUPTED
    return int(code or ExitCode.OK)


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        print(f"{PROGRAM} {compat.__version__}")
        ctx.exit()


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
        print(found(program, {}, PROGRAM, _COMPLETION_VARIABLE).source())


parity = click.Group(
    "parity",
    commands=[check, fit, live, against],
    help="Prove that the numbers are the old ones.",
    short_help="prove that the numbers are the old ones",
    subcommand_metavar="PART",
)

program = _Program(
    PROGRAM,
    commands=[serve, report, archive, sync, doctor, parity, simulate, completion],
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

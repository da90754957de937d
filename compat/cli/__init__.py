"""The command `helpscout-v1`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from compat.cli.exit_codes import ExitCode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after the command's name; those of the process if not given.

    Returns:
        The exit code; `compat.cli.exit_codes` says what each means.
    """
    try:
        import click  # noqa: F401 - only whether it is there
    except ImportError:
        print(
            "helpscout-v1: the command line needs click: pip install 'helpscout-v1-compat[cli]'",
            file=sys.stderr,
        )
        return ExitCode.MISUSE
    from compat.cli.commands import run

    return run(arguments)

"""The command `helpscout-v1`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from compat.cli import serve, simulate
from compat.settings import SettingsError

_COMMANDS: Final = (serve, simulate)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0 done, 2 misuse or a setting to mend. Where a port cannot be listened
        on, uvicorn itself leaves with 3.
    """
    parser = argparse.ArgumentParser(
        prog="helpscout-v1",
        description="Help Scout's Mailbox API 1.0 reports, computed from Mailbox API 2.0.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (SettingsError, ImportError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0

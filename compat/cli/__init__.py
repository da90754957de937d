"""The command `helpscout-v1`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from compat.cli import archive, doctor, parity, report, serve, simulate, sync
from compat.config.environment import SettingsError

_COMMANDS: Final = (serve, report, archive, sync, doctor, parity, simulate)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0 done, 1 something differs or is wrong, 2 misuse or a setting to mend,
        3 trouble upstream, 4 to 6 what `sync` says of its archive, 130 interrupted. Where a port
        cannot be listened on, uvicorn itself leaves with 3.
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
        return int(options.run(options) or 0)
    except (SettingsError, ImportError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130

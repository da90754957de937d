"""`helpscout-v1 parity`: the same question asked twice."""

from __future__ import annotations

import argparse
from typing import Final

from compat.cli import parity_against, parity_check, parity_fit, parity_live

_PARTS: Final = (parity_check, parity_fit, parity_live, parity_against)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser("parity", help="prove that the numbers are the old ones")
    parts = parser.add_subparsers(metavar="PART", required=True)
    for part in _PARTS:
        part.add_to(parts)

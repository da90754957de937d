"""What is chosen on the command line, whatever the settings say."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, get_args

from compat.config.environment import EngineChoice

if TYPE_CHECKING:
    from compat.config.settings import Settings


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the option to a parser."""
    parser.add_argument(
        "--engine",
        choices=get_args(EngineChoice),
        help="where the answer comes from, whatever the setting says",
    )


def add_offline(parser: argparse.ArgumentParser) -> None:
    """Add the option to a parser."""
    parser.add_argument(
        "--offline",
        action="store_true",
        help="never ask Help Scout: what the archive does not hold is refused",
    )


def accounts_by(engine: str | None = None, *, offline: bool = False) -> dict[str, Settings]:
    """The settings of each account, but for what was chosen.

    Args:
        engine: Another engine.
        offline: Whether Help Scout is never asked.

    Raises:
        SettingsError: A setting is missing or cannot be used.
    """
    from compat.config.accounts import accounts_from_env

    change = ({"engine": engine} if engine else {}) | ({"offline": True} if offline else {})
    accounts = accounts_from_env(os.environ)
    return {name: each.model_copy(update=change) for name, each in accounts.items()}

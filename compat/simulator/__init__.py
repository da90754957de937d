"""A Mailbox API 2.0 of our own: the embedded default and the upstream of the tests.

Each name is imported when it is first used: the command's options need but one of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.simulator.account import Account
    from compat.simulator.app import Simulator
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.dataset import make_account
    from compat.simulator.records import Conversation
    from compat.simulator.server import running

__all__ = [
    "Account",
    "Behaviour",
    "Conversation",
    "Simulator",
    "make_account",
    "running",
]

_HOMES = {
    "Account": "compat.simulator.account",
    "Behaviour": "compat.simulator.behaviour",
    "Conversation": "compat.simulator.records",
    "Simulator": "compat.simulator.app",
    "make_account": "compat.simulator.dataset",
    "running": "compat.simulator.server",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

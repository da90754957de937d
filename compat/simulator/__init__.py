"""A simulated Mailbox API 2.0, for tests and demonstrations.

Each name is imported when it is first used: the command line needs only one of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.simulator.app import Simulator
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.conversation import Conversation
    from compat.simulator.dataset import make_account
    from compat.simulator.server import running
    from compat.simulator.store import Account
    from compat.simulator.thread import Thread

__all__ = [
    "Account",
    "Behaviour",
    "Conversation",
    "Simulator",
    "Thread",
    "make_account",
    "running",
]

_MODULES = {
    "Account": "compat.simulator.store",
    "Behaviour": "compat.simulator.behaviour",
    "Conversation": "compat.simulator.conversation",
    "Simulator": "compat.simulator.app",
    "Thread": "compat.simulator.thread",
    "make_account": "compat.simulator.dataset",
    "running": "compat.simulator.server",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)

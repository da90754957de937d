"""A Mailbox API 2.0 of our own: the embedded default and the upstream of the tests."""

from compat.simulator.account import Account
from compat.simulator.app import Simulator
from compat.simulator.behaviour import Behaviour
from compat.simulator.dataset import make_account
from compat.simulator.records import Conversation
from compat.simulator.serving import running

__all__ = [
    "Account",
    "Behaviour",
    "Conversation",
    "Simulator",
    "make_account",
    "running",
]

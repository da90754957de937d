"""A name for each exchange, which the log and the answer share."""

from __future__ import annotations

from random import getrandbits
from uuid import UUID


def new_id() -> str:
    """A UUID of version 4. It has to be unlike others, not secret: that spares a system call."""
    return str(UUID(int=getrandbits(128), version=4))

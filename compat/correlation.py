"""A name for each exchange, which the log and the answer share."""

from __future__ import annotations

from random import getrandbits


def new_id() -> str:
    """A UUID of version 4. It has to be unlike others, not secret: that spares a system call."""
    drawn = f"{getrandbits(128):032x}"
    variant = "89ab"[int(drawn[16], 16) & 3]
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:]}"

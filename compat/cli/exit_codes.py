"""What the commands that ask and compare share: how they leave, and what they do not tell."""

from __future__ import annotations

import logging
from typing import Final

DIFFERENT: Final = 1
"""The exit status where what was compared differs."""

MISUSE: Final = 2
"""The exit status where what was asked for makes no sense."""

TROUBLE: Final = 3
"""The exit status where Help Scout refuses or cannot be reached."""


def hush_retries() -> None:
    """Tell nothing of retries, until the process ends.

    One that works in the end is no news; one that does not is told by what it leads to.
    """
    logging.getLogger("stamina").setLevel(logging.CRITICAL)

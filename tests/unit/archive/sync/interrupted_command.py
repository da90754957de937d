"""Runs the command, and interrupts it while its main thread holds a lock.

The arguments are two functions, and those of the command. The signal is sent once, when the second
function begins below the first one, or when the first one calls it if its name begins with `=`.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

from compat.cli import main


def interrupt_in(inner: str, outer: str) -> None:
    """Send SIGINT to this process when the inner function begins, below the outer one or by it."""

    def trace(frame: FrameType, _event: str, _argument: object) -> None:
        if frame.f_code.co_qualname == inner and _is_below(frame, outer):
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)

    sys.settrace(trace)


def _is_below(frame: FrameType, outer: str) -> bool:
    above = frame.f_back
    if outer.startswith("="):
        return above is not None and above.f_code.co_qualname == outer[1:]
    while above is not None and above.f_code.co_qualname != outer:
        above = above.f_back
    return above is not None


if __name__ == "__main__":
    interrupt_in(sys.argv[2], sys.argv[1])
    sys.exit(main(sys.argv[3:]))

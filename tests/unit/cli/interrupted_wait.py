"""Runs the command; a line on standard input is an interrupt that ends no wait of the main thread.

That is what becomes of a signal that comes just before a wait begins. The arguments are those of
the command.
"""

from __future__ import annotations

import _thread
import sys
import time
from threading import Thread

from compat.cli import main


def interrupt_after_a_line() -> None:
    if sys.stdin.readline():
        time.sleep(1)  # by then the main thread waits
        _thread.interrupt_main()


if __name__ == "__main__":
    Thread(target=interrupt_after_a_line, daemon=True).start()
    sys.exit(main(sys.argv[1:]))

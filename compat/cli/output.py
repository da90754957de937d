"""Writing to standard output and standard error."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PROGRAM: Final = "helpscout-v1"


def print_note(message: object) -> None:
    """Print an error or a note on standard error, after the name of the program."""
    print(f"{PROGRAM}: {message}", file=sys.stderr)


@contextmanager
def ignore_closed_pipe() -> Iterator[None]:
    """Drop what the block prints once the reader of standard output has gone, as `head` does."""
    try:
        yield
    except BrokenPipeError:
        # Without this Python reports the closed pipe when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def hide_retries() -> None:
    """Log no retries until the process ends.

    A retry that works is no news, and one that does not ends in an error that is reported.
    """
    logging.getLogger("stamina").setLevel(logging.CRITICAL)

"""Printing for whoever may stop reading."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def printing() -> Iterator[None]:
    """Print in this block; where the reader of a pipe has gone, the rest goes nowhere."""
    try:
        yield
    except BrokenPipeError:
        # Who reads has seen enough; without this Python complains when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

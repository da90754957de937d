"""Showing on standard error how far the fetching has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class HowFar(Protocol):
    """Something long, under way.

    Attributes:
        taken: What is done.
        expected: What is to be done in all, as far as is known; 0 if it is not.
    """

    taken: int
    expected: int


Watch = Callable[[HowFar], None]


@contextmanager
def watching(what: str = "fetching conversations") -> Iterator[Watch | None]:
    """Gives what is to be called now and then; None where nobody would see it.

    Args:
        what: What takes so long.
    """
    try:
        from rich.console import Console
        from rich.progress import Progress as Bar
    except ImportError:
        yield None
        return
    if not sys.stderr.isatty():
        yield None
        return
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def watch(progress: HowFar) -> None:
            bar.update(task, completed=progress.taken, total=progress.expected or None)

        yield watch

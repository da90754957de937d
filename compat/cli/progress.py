"""A progress bar on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class HasProgress(Protocol):
    """Something long that is under way.

    Attributes:
        taken: What is done.
        expected: What is to be done in all, as far as is known; 0 if it is not.
    """

    received: int
    expected: int


ShowProgress = Callable[[HasProgress], None]


@contextmanager
def progress_bar(description: str = "fetching conversations") -> Iterator[ShowProgress | None]:
    """Show a bar while the block lasts.

    Yields:
        A function to call now and then; None if standard error is no terminal, or rich is not
        installed.
    """
    if not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)

        def show(progress: HasProgress) -> None:
            bar.update(task, completed=progress.received, total=progress.expected or None)

        yield show

"""Showing on standard error how far the fetching has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.needs import Progress

Watch = Callable[["Progress"], None]


@contextmanager
def watching() -> Iterator[Watch | None]:
    """Gives what is to be called now and then; None where nobody would see it."""
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
        task = bar.add_task("fetching conversations", total=None)

        def watch(progress: Progress) -> None:
            bar.update(task, completed=progress.taken, total=progress.expected or None)

        yield watch

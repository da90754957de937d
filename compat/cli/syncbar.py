"""The bar of `sync` on a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

try:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
except ImportError:
    raise ImportError("a bar needs rich: pip install 'helpscout-v1-compat[cli]'") from None


class SyncBar:
    """One line: the step, the bar, how many, how fast, how long still, and the API's budget."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, pace="", left="")
        self._step = ""
        self._began = 0.0

    def update(self, step: str, taken: int, expected: int, left: int | None) -> None:
        """Show how far a step has come."""
        if step != self._step:
            self._step, self._began = step, time.monotonic()
            self._bar.reset(self._task, description=step)
        self._bar.update(
            self._task,
            completed=taken,
            total=expected or None,
            pace=paced(taken, expected, time.monotonic() - self._began),
            left="" if left is None else f"{left} requests left this minute",
        )


def paced(taken: int, expected: int, seconds: float) -> str:
    """How fast a step goes, and how long it will still take at that pace.

    The bar's own estimate begins anew whenever the expected number changes, as it often does.
    """
    if not taken or seconds <= 0:
        return ""
    still = timedelta(seconds=round(max(expected - taken, 0) * seconds / taken))
    return f"{taken / seconds:,.0f}/s, {still} to go"


@contextmanager
def shown() -> Iterator[SyncBar]:
    """A bar on standard error while the block lasts."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield SyncBar(bar)

"""The bar of `sync` on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class SyncBar:
    """One line: the step, the bar, how many, how fast, how long still, and the API's budget."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, rate="", left="")
        self._step = ""

    def update(self, step: str, taken: int, expected: int, left: int | None) -> None:
        """Show how far a step has come."""
        if step != self._step:
            self._step = step
            self._bar.reset(self._task, description=step)
        speed = self._bar.tasks[0].speed or 0.0
        self._bar.update(
            self._task,
            completed=taken,
            total=expected or None,
            rate=f"{speed:,.0f}/s",
            left="" if left is None else f"{left} requests left this minute",
        )


@contextmanager
def shown() -> Iterator[SyncBar]:
    """A bar on standard error while the block lasts."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield SyncBar(bar)

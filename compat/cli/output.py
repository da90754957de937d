"""What the commands print: notes, progress bars, and what `sync` reports."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from compat.cli.formats import Format, print_csv
from compat.cli.streams import ignore_closed_pipe
from compat.v1.datetimes import format_epoch

if TYPE_CHECKING:
    from rich.progress import Progress

    from compat.archive.sync.run import SyncEvent, SyncResult, SyncStopped

PROGRAM: Final = "helpscout-v1"

_BETWEEN: Final = 5.0
"""Seconds between two lines about pages."""

_STEPS: Final = {
    "menus": "mailboxes, folders and tags",
    "modified": "what was modified",
    "recent threads": "threads of the last month and quarter",
    "new": "what is new",
    "reread": "reading again",
    "modified at last": "what was modified meanwhile",
    "threads": "threads that lists do not show",
    "ratings": "what was modified in the last 30 days, for ratings that came late",
    "lost mailboxes": "mailboxes that are gone",
    "totals": "comparing totals",
    "threads at last": "threads that were merged meanwhile",
    "users": "users and teams",
}

_COUNTS: Final = ("requests", "read", "changed", "removed")
_RUN_COLUMNS: Final = ("time", "event", "status", *_COUNTS, "covered", "message")


def print_note(message: object) -> None:
    """Print an error or a note on standard error, after the name of the program."""
    print_error_line(f"{PROGRAM}: {message}")


def print_error_line(line: str) -> None:
    """Print a line on standard error; it is lost where that cannot be written."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def hide_retries() -> None:
    """Log no retries until the process ends.

    A retry that works is no news, and one that does not ends in an error that is reported.
    """
    for name in ("stamina", "compat.upstream"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def format_wait(seconds: float) -> str:
    """A sentence while the rate limit lets nothing through; empty if it does."""
    return f"waiting for Help Scout's rate limit, {math.ceil(seconds)} s" if seconds > 0 else ""


class HasProgress(Protocol):
    """Something long that is under way.

    Attributes:
        received: What is done.
        expected: What is to be done in all, as far as is known; 0 if it is not.
    """

    received: int
    expected: int


ShowProgress = Callable[[HasProgress], None]


class FetchesData(Protocol):
    """What loads data for a report.

    Attributes:
        offline: Whether it never asks Help Scout.
        rate_limit_wait: Seconds until the rate limit allows the next request.
    """

    @property
    def offline(self) -> bool: ...  # noqa: D102

    @property
    def rate_limit_wait(self) -> float: ...  # noqa: D102


def fetch_bar(
    sources: Collection[FetchesData],
) -> AbstractContextManager[ShowProgress | None]:
    """A bar while data are loaded: fetched, or read from archives alone."""
    offline = all(each.offline for each in sources)
    return progress_bar(
        "reading the archive" if offline else "fetching conversations",
        lambda: max(each.rate_limit_wait for each in sources),
    )


@contextmanager
def progress_bar(
    description: str, waits: Callable[[], float] = lambda: 0.0
) -> Iterator[ShowProgress | None]:
    """Show a bar while the block lasts; while the rate limit lets nothing through, it says so.

    Args:
        description: What is done.
        waits: Returns the seconds until the rate limit allows the next request.

    Yields:
        A function to call now and then; None if standard error is no terminal, or rich is not
        installed.
    """
    if not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    except ImportError:
        yield None
        return
    columns = TextColumn("{task.fields[said]}"), BarColumn(), TaskProgressColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, said=_WaitOr(description, waits))

        def show(progress: HasProgress) -> None:
            bar.update(task, completed=progress.received, total=progress.expected or None)

        yield show


class SyncReporter:
    """Prints plain lines on standard error; subclasses print in other ways.

    Attributes:
        waits: Returns the seconds until the rate limit allows the next request; may be set.
    """

    def __init__(self) -> None:
        self.waits: Callable[[], float] = lambda: 0.0
        self._next = 0.0

    def on_event(self, event: SyncEvent) -> None:
        """Report an event of a run; of many pages only one every few seconds."""
        if event.name != "page" or self._due():
            self.print_event(event)

    def print_event(self, event: SyncEvent) -> None:
        """Print an event."""
        facts = event.facts
        if event.name == "page":
            self.print_line(f"  {event.received:,} of about {event.expected:,}")
        elif event.name == "step":
            self.print_line(_STEPS[str(facts["step"])])
        elif event.name == "gone":
            self.print_line(f"  {facts['conversation']} is gone ({facts['why']})")
        elif event.name == "list refused":
            self.print_line(
                f"  Help Scout does not show the list {facts['list']} (status {facts['status']}): "
                "what is stored of it stays as it is"
            )
        elif event.name == "list unreadable":
            self.print_line(
                f"  the list {facts['list']} cannot be read, so what is stored of it stays as it "
                f"is: {facts['why']}"
            )
        elif event.name == "threads unreadable":
            self.print_line(
                f"  the threads of {facts['conversation']} cannot be read, so no report on "
                f"messages is answered from the archive: {facts['why']}"
            )
        elif event.name == "not stored":
            self.print_line(
                f"  {facts['conversation']} cannot be stored, since its id is too large for a "
                f"database: {format_epoch(int(facts['created']))} stays uncovered"
            )

    def on_result(self, result: SyncResult) -> None:
        """Report a run that did all it was asked to."""
        spans = "; ".join(
            f"{format_epoch(span.first)} to {format_epoch(span.last)} as of {format_epoch(as_of)}"
            for span, as_of in result.covered
        )
        self.print_line(
            f"done with {result.requests:,} requests: {result.changed:,} conversations new or "
            f"changed, {result.removed:,} gone; covered is {spans or 'nothing'}"
        )

    def on_stop(self, stop: SyncStopped) -> None:
        """Report a run that did not do all it was asked to."""
        self.print_line(f"{PROGRAM}: {stop}")

    def print_line(self, text: str) -> None:
        """Print a line on standard error."""
        print_error_line(text)

    def _due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _BETWEEN
        return True


class _JsonReporter(SyncReporter):
    """Prints one JSON object a line on standard output: time, event, and its facts."""

    def print_event(self, event: SyncEvent) -> None:
        facts: dict[str, Any] = dict(event.facts)
        if event.name == "page":
            facts |= {
                "taken": event.received,
                "expected": event.expected,
                "requests": event.requests,
                "rateLeft": event.rate_left,
            }
        self._print(event.name, facts)

    def on_result(self, result: SyncResult) -> None:
        covered = [
            {
                name: format_epoch(second)
                for name, second in (("first", span.first), ("last", span.last), ("asOf", as_of))
            }
            for span, as_of in result.covered
        ]
        facts = {name: getattr(result, name) for name in _COUNTS}
        self._print("done", {**facts, "covered": covered})

    def on_stop(self, stop: SyncStopped) -> None:
        self._print("stopped", {"status": stop.status, "message": str(stop)})

    def _print(self, name: str, facts: dict[str, Any]) -> None:
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        with ignore_closed_pipe():  # the run goes on
            print(json.dumps({"time": when, "event": name, **facts}), flush=True)


class _CsvReporter(SyncReporter):
    """Prints a row of CSV on standard output for each run, and the rest on standard error."""

    def __init__(self) -> None:
        super().__init__()
        with ignore_closed_pipe():
            print_csv([_RUN_COLUMNS])

    def on_result(self, result: SyncResult) -> None:
        covered = [
            f"{format_epoch(span.first)}/{format_epoch(span.last)}" for span, _ in result.covered
        ]
        self._print("done", 0, [getattr(result, name) for name in _COUNTS], covered)

    def on_stop(self, stop: SyncStopped) -> None:
        super().on_stop(stop)
        self._print("stopped", stop.status, [None] * len(_COUNTS), [], str(stop))

    def _print(
        self, event: str, status: int, counts: list[Any], covered: list[str], message: str = ""
    ) -> None:
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        with ignore_closed_pipe():  # the run goes on
            print_csv([(when, event, status, *counts, covered, message)])


class _BarReporter(SyncReporter):
    """Shows a progress bar for each step."""

    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = SyncBar(bar, self._waits)
        self._step = ""

    def _waits(self) -> float:
        return self.waits()

    def on_event(self, event: SyncEvent) -> None:
        if event.name == "step":
            self._step = _STEPS[str(event.facts["step"])]
        self._bar.update(self._step, event.received, event.expected, event.rate_left)


class SyncBar:
    """One line: the step, the bar, how many, how fast, how long still, and the API's budget.

    Args:
        bar: Shows the line.
        waits: Returns the seconds until the rate limit allows the next request.
    """

    def __init__(self, bar: Progress, waits: Callable[[], float] = lambda: 0.0) -> None:
        self._bar = bar
        self._waits = waits
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
            pace=format_pace(taken, expected, time.monotonic() - self._began),
            left=_WaitOr(_budget(left), self._waits),
        )


def _budget(left: int | None) -> str:
    return "" if left is None else f"{left} requests left this minute"


@dataclass(frozen=True)
class _WaitOr:
    """How long the rate limit lets a run wait, or a text, as of the moment in which it is shown.

    Nothing happens in a run that waits, so the bar shows the same task again and again.
    """

    text: str
    waits: Callable[[], float]

    def __str__(self) -> str:
        return format_wait(self.waits()) or self.text

    def __format__(self, _: str) -> str:
        return str(self)


def format_pace(taken: int, expected: int, seconds: float) -> str:
    """How fast a step goes, and how long it will still take at that pace.

    The bar's own estimate begins again whenever the expected number changes, as it often does.
    """
    if not taken or seconds <= 0:
        return ""
    left = timedelta(seconds=round(max(expected - taken, 0) * seconds / taken))
    return f"{taken / seconds:,.0f}/s, {left} to go"


@contextmanager
def sync_reporter(format_: Format) -> Iterator[SyncReporter]:
    """JSON lines or CSV if asked for, a bar on a terminal where rich is installed, else lines."""
    if format_ != "text":
        yield _JsonReporter() if format_ == "json" else _CsvReporter()
        return
    if not sys.stderr.isatty():
        yield SyncReporter()
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    except ImportError:
        yield SyncReporter()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _BarReporter(bar)

"""What a run of `sync` tells: a bar for a person, lines for a log, or JSON lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from compat.v1.datetimes import format_epoch

if TYPE_CHECKING:
    from compat.archive.sync.run import Sync, SyncResult, SyncStopped

_BETWEEN: Final = 5.0
"""Seconds between two lines about pages."""

STEPS: Final = {
    "menus": "mailboxes, folders and tags",
    "modified": "what was modified",
    "new": "what is new",
    "reread": "reading again",
    "modified at last": "what was modified meanwhile",
    "lost mailboxes": "mailboxes that are gone",
    "totals": "comparing totals",
}


class Teller:
    """Tells as plain lines on standard error; the others tell in their own way."""

    def __init__(self) -> None:
        self._sync: Sync | None = None
        self._next = 0.0

    def look_at(self, sync: Sync) -> None:
        """The run that is told of."""
        self._sync = sync

    def hear(self, what: str, **facts: Any) -> None:
        """Something happens."""
        if what == "page" and not self._due():
            return
        self.tell(what, facts)

    def tell(self, what: str, facts: dict[str, Any]) -> None:
        """Tell it."""
        if what == "page":
            self.line(f"  {self.sync.progress.taken:,} of about {self.sync.progress.expected:,}")
        elif what == "step":
            self.line(STEPS.get(facts["step"], facts["step"]))
        elif what == "gone":
            self.line(f"  {facts['conversation']} is gone ({facts['why']})")

    def outcome(self, outcome: SyncResult) -> None:
        """A run has done all it was asked to."""
        spans = "; ".join(
            f"{format_epoch(span.first)} to {format_epoch(span.last)} as of {format_epoch(as_of)}"
            for span, as_of in outcome.covered
        )
        self.line(
            f"done with {outcome.requests:,} requests: {outcome.changed:,} conversations new or "
            f"changed, {outcome.removed:,} gone; covered is {spans or 'nothing'}"
        )

    def stopped(self, stopped: SyncStopped) -> None:
        """A run has not."""
        self.line(f"helpscout-v1: {stopped}")

    def line(self, text: str) -> None:
        """A line for a person."""
        print(text, file=sys.stderr, flush=True)

    @property
    def sync(self) -> Sync:
        """The run that is told of."""
        if self._sync is None:
            raise LookupError("no run is looked at")
        return self._sync

    def _due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _BETWEEN
        return True


class _JsonLines(Teller):
    """One JSON object a line on standard output: when, what, and the facts."""

    def tell(self, what: str, facts: dict[str, Any]) -> None:
        if what == "page":
            facts = facts | {
                "taken": self.sync.progress.taken,
                "expected": self.sync.progress.expected,
                "requests": self.sync.requests,
                "rateLeft": self.sync.rate_left,
            }
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        print(json.dumps({"time": when, "event": what, **facts}), flush=True)

    def outcome(self, outcome: SyncResult) -> None:
        covered = [
            {
                name: format_epoch(second)
                for name, second in (("first", span.first), ("last", span.last), ("asOf", as_of))
            }
            for span, as_of in outcome.covered
        ]
        facts = {name: getattr(outcome, name) for name in _COUNTS}
        self.tell("done", {**facts, "covered": covered})

    def stopped(self, stopped: SyncStopped) -> None:
        self.tell("stopped", {"status": stopped.status, "message": str(stopped)})


_COUNTS: Final = ("requests", "read", "changed", "removed")


class _Bar(Protocol):
    def update(self, step: str, taken: int, expected: int, left: int | None) -> None: ...


class _OnTerminal(Teller):
    """A bar that shows the step, how far it has come, how fast, and what is left of the budget."""

    def __init__(self, bar: _Bar) -> None:
        super().__init__()
        self._bar = bar
        self._step = ""

    def hear(self, what: str, **facts: Any) -> None:
        if what == "step":
            self._step = STEPS.get(facts["step"], facts["step"])
        progress = self.sync.progress
        self._bar.update(self._step, progress.taken, progress.expected, self.sync.rate_left)


@contextmanager
def teller(*, as_json: bool) -> Iterator[Teller]:
    """The way to tell that fits: JSON if asked for, a bar where a person looks, else lines."""
    if as_json:
        yield _JsonLines()
        return
    try:
        from compat.cli.syncbar import shown
    except ImportError:
        yield Teller()
        return
    if not sys.stderr.isatty():
        yield Teller()
        return
    with shown() as bar:
        yield _OnTerminal(bar)

"""`helpscout-v1 sync`: fills the archive and brings it up to date."""

from __future__ import annotations

import os
import re
import signal
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import (
    ACCOUNT,
    DATE,
    EPOCH,
    Command,
    date_option,
    epoch_second,
    flag,
    json_flag,
    settings_for,
)
from compat.cli.output import SyncReporter, sync_reporter
from compat.config.environment import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from compat.archive.sync.run import Sync
    from compat.core.intervals import Interval

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])")

_BETWEEN_LOOKS: Final = 0.1
"""Seconds between two looks at whether a signal has come."""


@click.command(
    "sync",
    cls=Command,
    short_help="fill the archive, or bring it up to date",
    epilog=exit_status(
        {
            ExitCode.OK: "all was done",
            ExitCode.MISUSE: "an option or a setting is wrong",
            ExitCode.UPSTREAM: "Help Scout refuses or cannot be reached",
            ExitCode.ARCHIVE: "the archive cannot be used",
            ExitCode.SYNC_RUNNING: "another sync is under way",
            ExitCode.LOSS: "too much is missing at Help Scout",
            ExitCode.INTERRUPTED: "stopped",
        }
    ),
    params=[
        date_option("--start", "--since", text=f"from when on: {DATE} (all)"),
        date_option("--end", "--until", text="up to when, written like --start, included (now)"),
        click.Option(
            ["--watch"],
            metavar="TIME",
            help="again and again, so often: 15m, 1h, 1d; until stopped",
        ),
        flag("--verify", "read everything again that is in the archive"),
        flag("--accept-loss", "take out what is gone at Help Scout, however much it is"),
        flag("--slim", "make an archive without subjects, previews, names, addresses and comments"),
        click.Option(
            ["--threads/--no-threads"],
            default=None,
            help="keep the threads of conversations, without their texts, or erase them; the "
            "archive remembers it (a new one keeps none)",
        ),
        ACCOUNT,
        json_flag("print what happens as JSON lines"),
    ],
)
def sync(
    *,
    start: str | None,
    end: str | None,
    watch: str | None,
    verify: bool,
    accept_loss: bool,
    slim: bool,
    threads: bool | None,
    account: str | None,
    as_json: bool,
) -> int:
    """Fill the archive that COMPAT_ARCHIVE names, newest months first, or bring it up to date.

    It can be stopped at any time, and goes on from there when it is run again.
    """
    from compat.archive.sync.run import Sync, SyncOptions

    within = _range(start, end)
    seconds = None if watch is None else _duration(watch)
    settings = settings_for(account)
    options = SyncOptions(within, verify, accept_loss, settings.reread_days, slim or None, threads)
    with sync_reporter(as_json=as_json) as reporter:
        run = Sync(settings, options, reporter.on_event)
        with _stopped_by_signals(run) as stop:
            return _repeat(run, reporter, seconds, stop)


def _repeat(sync: Sync, reporter: SyncReporter, seconds: int | None, stop: threading.Event) -> int:
    """Run once; with a pause, again and again until a signal comes or a person must act."""
    from compat.archive.sync.run import SyncStopped

    first = True
    while True:
        try:
            reporter.on_result(sync.run())
        except SyncStopped as error:
            reporter.on_stop(error)
            running = error.status == ExitCode.SYNC_RUNNING
            if seconds is None or not error.later or (first and running):
                return error.status
        first = False
        if seconds is None or stop.wait(seconds):
            return ExitCode.OK


class _StopSignals:
    """Handles Ctrl-C and SIGTERM: the first asks for a stop, the second interrupts what runs.

    Python calls a handler in the main thread, between any two of its instructions. That thread
    may hold any lock then: the rate limiter's, the connection pool's, or the one inside a
    `threading.Event`. A handler that waits for such a lock waits for ever, so this one takes
    none: it sets an attribute, and another thread reads it.

    Attributes:
        received: How many signals have come.
    """

    def __init__(self) -> None:
        self.received = 0

    def handle(self, _signal: int, _frame: object) -> None:
        """The handler.

        Raises:
            KeyboardInterrupt: At the second signal.
        """
        self.received += 1
        if self.received == 2:
            raise KeyboardInterrupt
        if self.received > 2:  # the cleaning up does not end; the archive survives this
            os._exit(ExitCode.INTERRUPTED)


@contextmanager
def _stopped_by_signals(sync: Sync) -> Iterator[threading.Event]:
    """Stop runs on Ctrl-C and SIGTERM; yields the event that is set then.

    A thread does what the handler must not do. It reads an attribute ten times a second, which
    is simpler than a pipe that wakes it, and works on all systems.
    """
    signals = _StopSignals()
    stop, finished = threading.Event(), threading.Event()

    def watch() -> None:
        while not finished.wait(_BETWEEN_LOOKS):
            if signals.received:
                stop.set()
                sync.stop()
                return

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signals.handle)
    watcher = threading.Thread(target=watch, name="stop-signals", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        # The process ends, and its exit status shall be that of the run.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        finished.set()
        watcher.join()


def _range(start: str | None, end: str | None) -> Callable[[int], Interval]:
    """A function from upstream's present, in epoch seconds, to the seconds that the options mean.

    Raises:
        SettingsError: An option cannot be read.
    """
    from compat.archive.sync.run import WHOLE

    def within(now: int) -> Interval:
        today = (EPOCH + timedelta(seconds=now)).date()
        first = WHOLE.first if start is None else epoch_second("--start", start, today, last=False)
        last = WHOLE.last if end is None else epoch_second("--end", end, today, last=True)
        if first > last:
            raise SettingsError("--start is after --end")
        return WHOLE._replace(first=first, last=last)

    within(int(datetime.now(UTC).timestamp()))  # an error is reported before all else
    return within


def _duration(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None or not int(found[1]):
        raise SettingsError(f"--watch: {text} is no time such as 15m, 1h or 1d")
    return int(found[1]) * _UNITS[found[2]]

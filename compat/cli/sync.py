"""`helpscout-v1 sync`: fills the archive and brings it up to date."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from compat.cli.dates import DATE, EPOCH, epoch_second
from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.formats import chosen_format
from compat.cli.options import (
    ACCOUNT,
    SettingsCommand,
    date_option,
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
_STOPS: Final = (signal.SIGINT, signal.SIGTERM)


@click.command(
    "sync",
    cls=SettingsCommand,
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
        flag("--csv", "print a row of CSV for each run", "as_csv"),
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
    as_csv: bool,
) -> int:
    """Fill the archive that COMPAT_ARCHIVE names, newest months first, or bring it up to date.

    It can be stopped at any time, and goes on from there when it is run again.
    """
    from compat.archive.sync.run import Sync, SyncOptions

    format_ = chosen_format(as_json=as_json, as_csv=as_csv)
    within = _range(start, end)
    seconds = None if watch is None else _duration(watch)
    settings = settings_for(account)
    options = SyncOptions(within, verify, accept_loss, settings.reread_days, slim or None, threads)
    with sync_reporter(format_) as reporter:
        run = Sync(settings, options, reporter.on_event)
        reporter.waits = lambda: run.rate_limit_wait
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
    """Handles Ctrl-C and SIGTERM: the first one stops nothing here, the second interrupts.

    Python calls a handler in the main thread, between any two of its instructions. That thread
    may hold any lock then: the rate limiter's, the connection pool's, or the one inside a
    `threading.Event`. A handler that waits for such a lock waits for ever, so this one takes
    none, and another thread stops the run.
    """

    def __init__(self) -> None:
        self._received = 0

    def handle(self, _signal: int, _frame: object) -> None:
        """The handler.

        Raises:
            KeyboardInterrupt: At the second signal.
        """
        self._received += 1
        if self._received == 2:
            raise KeyboardInterrupt
        if self._received > 2:  # the cleaning up does not end; the archive survives this
            os._exit(ExitCode.INTERRUPTED)


@contextmanager
def _stopped_by_signals(sync: Sync) -> Iterator[threading.Event]:
    """Stop runs on Ctrl-C and SIGTERM; yields the event that is set then.

    A thread does what the handler must not do. A signal wakes it by a byte on a socket, at once:
    the handler itself waits until the main thread is done with a wait that has no end.
    """
    signals = _StopSignals()
    stop = threading.Event()
    woken, waking = socket.socketpair()

    def watch() -> None:
        while number := woken.recv(1):  # nothing comes when the other end is closed
            if number[0] in _STOPS:
                stop.set()
                sync.stop()
                return

    with woken, waking:
        waking.setblocking(False)
        before = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        for each in _STOPS:
            signal.signal(each, signals.handle)
        watcher = threading.Thread(target=watch, name="stop-signals", daemon=True)
        watcher.start()
        try:
            yield stop
        finally:
            # The process ends, and its exit status shall be that of the run.
            for each in _STOPS:
                signal.signal(each, signal.SIG_IGN)
            signal.set_wakeup_fd(before)
            waking.close()
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

"""`helpscout-v1 sync`: fills the archive and keeps it true."""

from __future__ import annotations

import argparse
import os
import re
import signal
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from compat.cli.options import DATE, EPOCH, second, settings_of
from compat.cli.telling import Teller, teller
from compat.config.environment import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from compat.archive.sync.run import Sync
    from compat.core.intervals import Interval

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])")

_BETWEEN_LOOKS: Final = 0.1
"""Seconds between two looks at whether a signal has come."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "sync",
        help="fill the archive, or bring it up to date",
        description=(
            "Fill the archive that COMPAT_ARCHIVE names, newest months first, or bring it up to "
            "date. It can be stopped at any time, and goes on from there when it is run again."
        ),
        epilog=(
            "exit status: 0 all was done, 2 an option or a setting is wrong, 3 Help Scout "
            "refuses or cannot be reached, 4 the archive cannot be used, 5 another sync is under "
            "way, 6 too much is missing at Help Scout, 130 stopped"
        ),
    )
    parser.add_argument("--since", metavar="DATE", help=f"from when on: {DATE} (all)")
    parser.add_argument("--until", metavar="DATE", help="up to when: likewise, included (now)")
    parser.add_argument(
        "--watch", metavar="TIME", help="again and again, so often: 15m, 1h, 1d; until stopped"
    )
    parser.add_argument(
        "--verify", action="store_true", help="read everything again that is in the archive"
    )
    parser.add_argument(
        "--accept-loss",
        action="store_true",
        help="take out what is gone at Help Scout, however much it is",
    )
    parser.add_argument(
        "--slim",
        action="store_true",
        default=None,
        help="make an archive without subjects, previews, names and addresses",
    )
    parser.add_argument("--account", metavar="NAME", help="which account, where there are several")
    parser.add_argument("--json", action="store_true", help="tell what happens as JSON lines")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Synchronise; the exit status.

    Raises:
        SettingsError: An option or a setting is missing or cannot be used.
        ImportError: SQLAlchemy is not installed.
    """
    from compat.archive.sync.run import Sync, SyncOptions

    within = _range(options.since, options.until)
    seconds = None if options.watch is None else _duration(options.watch)
    settings = settings_of(options.account)
    wish = SyncOptions(within, options.verify, options.accept_loss, settings.reread_days)
    with teller(as_json=options.json) as tell:
        sync = Sync(settings, wish, slim=options.slim, hear=tell.hear)
        tell.look_at(sync)
        with _stopped_by_signals(sync) as stop:
            return _rounds(sync, tell, seconds, stop)


def _rounds(sync: Sync, tell: Teller, seconds: int | None, stop: threading.Event) -> int:
    """Run once; with a time, again and again until told to stop, or until a person must act."""
    from compat.archive.sync.run import SyncStopped

    first = True
    while True:
        try:
            tell.outcome(sync.run())
        except SyncStopped as stopped:
            tell.stopped(stopped)
            if seconds is None or not stopped.later or (first and stopped.status == 5):
                return stopped.status
        first = False
        if seconds is None or stop.wait(seconds):
            return 0


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
            os._exit(130)


@contextmanager
def _stopped_by_signals(sync: Sync) -> Iterator[threading.Event]:
    """Stop runs on Ctrl-C and SIGTERM; gives the event that is set then.

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


def _range(since: str | None, until: str | None) -> Callable[[int], Interval]:
    """The seconds that the options mean, once it is known what time it is upstream."""
    from compat.archive.sync.session import WHOLE

    def within(now: int) -> Interval:
        today = (EPOCH + timedelta(seconds=now)).date()
        first = WHOLE.first if since is None else second("--since", since, today, last=False)
        last = WHOLE.last if until is None else second("--until", until, today, last=True)
        if first > last:
            raise SettingsError("--since is after --until")
        return WHOLE._replace(first=first, last=last)

    within(int(datetime.now(UTC).timestamp()))  # what cannot be read is told before all else
    return within


def _duration(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None or not int(found[1]):
        raise SettingsError(f"--watch: {text} is no time such as 15m, 1h or 1d")
    return int(found[1]) * _UNITS[found[2]]

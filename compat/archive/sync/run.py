"""A run of `helpscout-v1 sync`: opens the archive, and takes all steps in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from compat.archive.database import open_archive
from compat.archive.errors import ArchiveError, LossAhead, SyncUnderWay
from compat.archive.sync.backfill import fill_gaps
from compat.archive.sync.incremental import read_modified, read_modified_at_end
from compat.archive.sync.lists import (
    read_lists,
    read_new_folders,
    read_users,
    remove_lost_mailboxes,
)
from compat.archive.sync.recent_threads import (
    completes_recent_threads,
    is_first_fill,
    read_recent_threads,
)
from compat.archive.sync.reconcile import compare_totals
from compat.archive.sync.reread import reread
from compat.archive.sync.session import WHOLE, SyncEvent, SyncOptions, SyncSession
from compat.archive.sync.threads import complete_threads, read_recent, set_threads_kept, settle
from compat.config.settings import Settings, SettingsError, variable_name
from compat.core.intervals import Coverage
from compat.upstream import client_from_settings
from compat.v2 import errors as v2
from compat.v2.client import Client

__all__ = ["WHOLE", "Sync", "SyncEvent", "SyncOptions", "SyncResult", "SyncStopped"]

_WHAT_TO_DO: Final = (
    (v2.CredentialsRefused, "check HELPSCOUT_APP_ID and HELPSCOUT_APP_SECRET"),
    (v2.AccessRefused, "check the rights of the user who made the application"),
    (v2.RequestLoop, "set COMPAT_CONNECT_TO to an address of Help Scout's"),
    (v2.Redirected, "check HELPSCOUT_BASE_URL"),
    (v2.NothingAtAddress, "check HELPSCOUT_BASE_URL"),
    (
        v2.MalformedData,
        (
            "look at it in Help Scout, and report it to Help Scout's support; running this again "
            "does not help before it is mended"
        ),
    ),
    (v2.UpstreamError, "run it again later; it goes on where it stopped"),
)
_STATUSES: Final = ((SyncUnderWay, 5), (LossAhead, 6), (ArchiveError, 4), (v2.UpstreamError, 3))


class SyncStopped(Exception):
    """A run ended before all was done; the archive holds what was committed before.

    Attributes:
        status: The exit status that says why: 3 upstream, 4 the archive, 5 another sync is
            running, 6 too much is missing, 130 the run was stopped.
        later: Whether a later run may succeed without anybody doing anything.
    """

    def __init__(self, message: str, status: int, *, later: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.later = later


@dataclass(frozen=True)
class SyncResult:
    """What a run has done.

    Attributes:
        requests: How many requests were made, sign-ins included.
        read: How many conversations were read; one counts each time it is read.
        changed: How many of these were new or changed.
        removed: How many conversations were removed.
        covered: What the archive covers now.
    """

    requests: int
    read: int
    changed: int
    removed: int
    covered: Sequence[Coverage]


class _StopRequested(Exception):
    """`Sync.stop` was called."""


class Sync:
    """Synchronises one account's archive; `run` may be called repeatedly.

    Args:
        settings: The account's settings.
        options: What each run is asked to do.
        on_event: Called with each event of a run, in the thread of `run`.
    """

    def __init__(
        self,
        settings: Settings,
        options: SyncOptions,
        on_event: Callable[[SyncEvent], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._options = options
        self._on_event = on_event
        self._stopped = False
        self._client: Client | None = None

    def stop(self) -> None:
        """End the run soon: waits and requests are cut short, a transaction is finished.

        It takes locks, so it is for another thread than that of the run, and not for a signal
        handler: a handler runs in a thread that may hold one of them.
        """
        self._stopped = True
        if self._client is not None:
            self._client.close()

    @property
    def rate_limit_wait(self) -> float:
        """Seconds until upstream's rate limit allows the next request; zero if it does now."""
        return 0.0 if self._client is None else self._client.rate_limiter.seconds_to_wait()

    def run(self) -> SyncResult:
        """Take all steps once.

        Raises:
            SettingsError: A setting is missing or cannot be used.
            SyncStopped: Not everything was done.
        """
        if self._settings.archive is None:
            raise SettingsError(
                f"{variable_name('archive')} is not set: name the file to keep the archive in, "
                "such as /var/lib/compat/archive.db, or an SQLAlchemy URL"
            )
        try:
            return self._run(self._settings.archive.get_secret_value())
        except (_StopRequested, v2.Cancelled):
            raise SyncStopped(
                "stopped; what was fetched is kept: run it again to go on from there", 130
            ) from None
        except (ArchiveError, v2.UpstreamError) as error:
            status = next(status for kind, status in _STATUSES if isinstance(error, kind))
            later = isinstance(error, v2.Unreachable | SyncUnderWay)
            raise SyncStopped(_with_advice(error), status, later=later) from error

    def _run(self, url: str) -> SyncResult:
        with (
            closing(client_from_settings(self._settings)) as client,
            open_archive(url, create=True, slim=self._options.slim) as archive,
            archive.lock() as lock,
        ):
            self._client = client
            if self._options.threads is not None:
                set_threads_kept(archive, lock, kept=self._options.threads)
            self._check_stopped()  # a stop before this line could not close the client
            session = SyncSession(
                archive,
                lock,
                client,
                self._options,
                parallel=self._settings.parallel,
                on_event=self._on_event,
                check_stopped=self._check_stopped,
            )
            _take_steps(session)
            with session.reading() as snapshot:
                covered = snapshot.coverage()
            requests = sum(client.request_counts().values())
            return SyncResult(
                requests, session.rows_read, session.rows_changed, session.rows_removed, covered
            )

    def _check_stopped(self) -> None:
        if self._stopped:
            raise _StopRequested


def _take_steps(session: SyncSession) -> None:
    """Take all steps of a run. After each page of each step the archive can answer questions.

    Raises:
        UpstreamError: Upstream fails.
        ArchiveError: The archive fails, or too much is missing upstream.
    """
    # Mailboxes, folders and tags. A mailbox that is not shown any more stops the run here.
    session.begin_step("menus")
    read_lists(session)

    # What was modified since the archive was last up to date.
    session.begin_step("modified")
    read_modified(session)

    # Recent threads, so that recent questions are answered before everything is read.
    if is_first_fill(session):
        session.begin_step("recent threads")
        read_recent_threads(session)
    keep_complete = completes_recent_threads(session)

    # What is not covered yet, newest months first. In later runs this is what came since.
    session.begin_step("new")
    fill_gaps(session, keep_complete)

    # Everything again with --verify, else the share that is due.
    session.begin_step("reread")
    reread(session)

    # What was modified, if the step above left it, or if the run took long since then.
    session.begin_step("modified at last")
    read_modified_at_end(session)

    # Threads that the lists did not show, if threads are kept.
    if session.keeps_threads:
        session.begin_step("threads")
        complete_threads(session, keep_complete)
        session.begin_step("ratings")
        read_recent(session)

    # Mailboxes whose loss is accepted, and mailboxes that were first seen in this run.
    session.begin_step("lost mailboxes")
    remove_lost_mailboxes(session)
    read_new_folders(session)

    # What modification does not show, such as deletions.
    session.begin_step("totals")
    compare_totals(session)

    # What was merged meanwhile; then it is known until when the archive has all threads.
    if session.keeps_threads:
        session.begin_step("threads at last")
        settle(session)

    # Users and teams, which no count depends on.
    session.begin_step("users")
    read_users(session)


def _with_advice(error: Exception) -> str:
    advice = next((advice for kind, advice in _WHAT_TO_DO if isinstance(error, kind)), None)
    return f"{error}: {advice}" if advice else str(error)

"""One run of `helpscout-v1 sync`: archive, lock and line are opened, and all steps taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from compat.archive.database import open_archive
from compat.archive.errors import ArchiveError, LossAhead, SyncUnderWay
from compat.archive.sync.session import SyncOptions, SyncSession
from compat.archive.sync.steps import run
from compat.config.settings import Settings, SettingsError, variable_name
from compat.core.intervals import Coverage
from compat.core.models import Progress
from compat.upstream import client_from_settings
from compat.v2 import errors as v2
from compat.v2.client import Client

__all__ = ["Sync", "SyncOptions", "SyncResult", "SyncStopped"]

_WHAT_TO_DO: Final = (
    (v2.CredentialsRefused, "check HELPSCOUT_APP_ID and HELPSCOUT_APP_SECRET"),
    (v2.AccessRefused, "check the rights of the user who made the application"),
    (v2.RequestLoop, "set COMPAT_CONNECT_TO to an address of Help Scout's"),
    (v2.Redirected, "check HELPSCOUT_BASE_URL"),
    (v2.UpstreamError, "run it again later; it goes on where it stopped"),
)
_STATUSES: Final = ((SyncUnderWay, 5), (LossAhead, 6), (ArchiveError, 4), (v2.UpstreamError, 3))


class SyncStopped(Exception):
    """A run did not do what it was asked to; the archive holds what was committed before.

    Attributes:
        status: The exit status that says why: 3 upstream, 4 the archive, 5 another sync is under
            way, 6 too much is missing, 130 it was told to stop.
        later: Whether it may well succeed later, without anybody doing anything.
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
        read: How many sightings of conversations there were.
        changed: How many of them brought something new.
        removed: How many conversations were found gone.
        covered: What the archive covers now.
    """

    requests: int
    read: int
    changed: int
    removed: int
    covered: Sequence[Coverage]


class _Halted(Exception):
    """Somebody said stop."""


class Sync:
    """Runs on one account's archive.

    Args:
        settings: The account's settings.
        wish: What is asked for.
        slim: Whether a new archive keeps no subjects, previews, names and addresses.
        hear: Told what happens: a word for it, and facts by name.

    Attributes:
        progress: How far the step under way has come.
    """

    def __init__(
        self,
        settings: Settings,
        wish: SyncOptions,
        *,
        slim: bool | None = None,
        hear: Callable[..., None] = lambda *_, **__: None,
    ) -> None:
        self._settings = settings
        self._wish = wish
        self._slim = slim
        self._hear = hear
        self._stopped = False
        self._client: Client | None = None
        self.progress = Progress(self._check)

    @property
    def rate_left(self) -> int | None:
        """Requests left this minute to all programs of the account, as last told."""
        return self._client.rate_left if self._client else None

    @property
    def requests(self) -> int:
        """Requests made so far in the run under way."""
        return sum(self._client.request_counts().values()) if self._client else 0

    def stop(self) -> None:
        """End the run soon: waits and requests are cut short, a transaction is finished.

        It takes locks, so it is for another thread than that of the run, and not for a signal
        handler: a handler runs in a thread that may hold one of them.
        """
        self._stopped = True
        if self._client is not None:
            self._client.close()

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
        except (_Halted, v2.Cancelled):
            raise SyncStopped(
                "stopped; what was fetched is kept: run it again to go on from there", 130
            ) from None
        except (ArchiveError, v2.UpstreamError) as error:
            status = next(status for kind, status in _STATUSES if isinstance(error, kind))
            later = isinstance(error, v2.Unreachable | SyncUnderWay)
            raise SyncStopped(_told(error), status, later=later) from error

    def _run(self, url: str) -> SyncResult:
        with (
            closing(client_from_settings(self._settings)) as client,
            open_archive(url, create=True, slim=self._slim) as archive,
            archive.lock() as lock,
        ):
            self._client = client
            self._check()  # a stop that came before could not close it
            work = SyncSession(archive, lock, client, self._wish, self._hear, self.progress)
            run(work)
            with archive.reading() as snapshot:
                covered = snapshot.coverage()
            counts = work.counts
            return SyncResult(self.requests, counts.read, counts.changed, counts.removed, covered)

    def _check(self) -> None:
        if self._stopped:
            raise _Halted


def _told(error: Exception) -> str:
    what = next((what for kind, what in _WHAT_TO_DO if isinstance(error, kind)), None)
    return f"{error}: {what}" if what else str(error)

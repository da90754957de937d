"""Answers old requests for one Help Scout account. Accounts share no state."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cachetools import TLRUCache

from compat import clock
from compat.archive.errors import ArchiveError
from compat.config.accounts import SINGLE
from compat.config.conventions import Conventions
from compat.config.settings import Settings, SettingsError, variable
from compat.core.intervals import MaxAges
from compat.core.models import (
    ConversationQuery,
    Progress,
    RowSet,
    Source,
    SourceStats,
    SourceWithStats,
)
from compat.engines import EngineAnswer
from compat.engines.selector import EngineSelector
from compat.single_flight import Call, SingleFlight
from compat.sources.live import LiveSource, live_source_from_settings
from compat.sources.totals import TotalsSource
from compat.v1.auth import key_is_known
from compat.v1.query import Query, read_values
from compat.v1.routes import Route

_QUEUED_PER_WORKER: Final = 8


@dataclass(frozen=True)
class ParsedRequest:
    """A request after parsing. Equal requests to one account have the same answer."""

    route: Route
    query: Query
    conventions: Conventions


@dataclass(frozen=True)
class AccountLoad:
    """What an account is doing now.

    Attributes:
        working: Requests that are being computed.
        source: Statistics of its source.
    """

    working: int
    source: SourceStats


class Account:
    """Answers requests for one account at Help Scout; safe to share between threads.

    Args:
        settings: The account's settings.
        source: Loads its conversations; made from the settings if not given.
        name: The account's name.

    Raises:
        SettingsError: A setting that Mailbox API 2.0 or the archive needs is missing or cannot
            be used.
    """

    def __init__(
        self, settings: Settings, source: Source | None = None, name: str = SINGLE
    ) -> None:
        self.settings = settings
        self.name = name
        self._source = source or source_from_settings(settings)
        self._engines = EngineSelector(settings, self._source)
        self._keys: Sequence[bytes] = [key.get_secret_value().encode() for key in settings.api_keys]
        self._answers: TLRUCache[ParsedRequest, EngineAnswer] = TLRUCache(
            settings.answers, lambda _, answer, __: answer.fresh_until, clock.elapsed
        )
        self._lock = threading.Lock()
        self._calls: SingleFlight[ParsedRequest, EngineAnswer] = SingleFlight(
            self._compute, workers=settings.jobs, most=settings.jobs * _QUEUED_PER_WORKER
        )
        self._working = 0
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether requests can be answered now: open, and not refused by upstream."""
        return not self._closed and self._source.ready

    def accepts(self, key: bytes) -> bool:
        """Whether an old API key is this account's; if no key is set, all are."""
        return key_is_known(key, self._keys) if self._keys else True

    def parse(self, route: Route, pairs: Iterable[tuple[str, str]]) -> ParsedRequest:
        """Parse a request by this account's conventions.

        Args:
            route: The route of the request.
            pairs: The decoded names and values of the request.

        Raises:
            ValidationFailed: With one entry for each parameter that is wrong.
        """
        conventions = self.settings.conventions
        values = read_values(pairs, route.parameters, conventions)
        return ParsedRequest(route, route.asks(**values), conventions)

    def start(self, request: ParsedRequest) -> EngineAnswer | Call[EngineAnswer]:
        """The cached answer, or else the call that computes it, shared by equal requests.

        Each call must be given to `release`.

        Raises:
            TooManyCalls: Too many other requests are being computed.
            CallCancelled: The account is closed.
        """
        return self._cached(request) or self._calls.start_or_join(request)

    def release(self, call: Call[EngineAnswer], *, cancel: bool = False) -> None:
        """Stop waiting for a call; see `SingleFlight.release`."""
        self._calls.release(call, cancel=cancel)

    def seconds_left(self, call: Call[EngineAnswer]) -> int:
        """An estimate of the whole seconds until a call has its result."""
        return call.seconds_left(self._source.held())

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        """The conversations that a query needs, for callers that count them in another way.

        Raises:
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        return self._source.rows(need, progress)

    def stats(self) -> AccountLoad:
        """What the account is doing now."""
        source = (
            self._source.stats() if isinstance(self._source, SourceWithStats) else SourceStats()
        )
        return AccountLoad(self._working, source)

    def close(self) -> None:
        """Cancel all calls and close all connections."""
        self._closed = True
        self._calls.close()
        self._engines.close()
        self._source.close()

    def _cached(self, request: ParsedRequest) -> EngineAnswer | None:
        with self._lock:  # even reading changes the order of the cache
            return self._answers.get(request)

    def _compute(self, request: ParsedRequest, progress: Progress) -> EngineAnswer:
        with self._lock:
            self._working += 1
        try:
            answer = self._cached(request)  # an equal call may have ended after `start` looked
            if answer is None:
                answer = self._engines.answer(
                    request.route, request.query, request.conventions, progress
                )
                self._cache(request, answer)
            return answer
        finally:
            with self._lock:
                self._working -= 1

    def _cache(self, request: ParsedRequest, answer: EngineAnswer) -> None:
        if answer.fresh_until > clock.elapsed():
            with self._lock:
                self._answers[request] = answer


def source_from_settings(settings: Settings) -> Source:
    """An archive, completed from Mailbox API 2.0, if the settings name one; else that API alone.

    Raises:
        SettingsError: A setting is missing or cannot be used.
        ImportError: The archive's libraries are not installed.
    """
    if settings.archive is None and settings.offline:
        raise SettingsError(
            f"{variable('archive')} is not set: without Help Scout ({variable('offline')}) there "
            "must be an archive to answer from"
        )
    if settings.archive is None:
        kind = TotalsSource if settings.count_by == "totals" else LiveSource
        return live_source_from_settings(settings, kind)
    # Accounts without an archive do not need its libraries.
    from compat.archive.database import open_archive  # noqa: PLC0415
    from compat.sources.archive import ArchiveSource  # noqa: PLC0415

    live = None if settings.offline else live_source_from_settings(settings)
    try:
        archive = open_archive(settings.archive.get_secret_value())
    except ArchiveError as error:
        if live:
            live.close()
        raise SettingsError(f"{variable('archive')}: {error}") from error
    return ArchiveSource(archive, live, MaxAges(settings.recent_age, settings.max_age))

"""Accounts at Help Scout: each answers old requests from its own settings, data and caches."""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from cachetools import TLRUCache

from compat import clock, error_mapping
from compat.config.accounts import DEFAULT_ACCOUNT, credentials_names
from compat.config.conventions import Conventions
from compat.config.environment import variable_name
from compat.config.settings import Settings, SettingsError
from compat.core.models import (
    ConversationQuery,
    Progress,
    RowSet,
    Source,
    SourceStats,
    SourceWithStats,
)
from compat.engines import EngineAnswer, SourceWithClient
from compat.single_flight import Call, CallCancelled, CallProgress, SingleFlight
from compat.v1.auth import is_known_key
from compat.v1.errors import LegacyError
from compat.v1.query import Query, parse_values
from compat.v1.routes import Route
from compat.v2.errors import (
    CredentialsRefused,
    Redirected,
    UntrustedCertificate,
    UpstreamError,
)

_LOG: Final = logging.getLogger("compat")
_QUEUED_PER_WORKER: Final = 8
_REMEMBERED: Final = 128
"""Of how many requests an account remembers what they mean: dashboards repeat a few."""
_MAX_LOGGED_NAMES: Final = 100
"""How many ignored names are logged for an account; a caller could send new ones for ever."""

_LOGGABLE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z_.\[\]-]{0,29}[0-9]{0,2}")
"""Names of ignored parameters that are logged; anything else could be an API key."""
_UPSTREAM_LOG: Final = logging.getLogger("compat.upstream")
_CHECK_SECONDS: Final = 10.0
"""How long the result of a check of upstream is used."""

_LOG_SECONDS: Final = 60.0
"""How many seconds pass at least between two lines of the log that say that upstream fails."""


@dataclass(frozen=True)
class ParsedRequest:
    """A request after parsing. Equal requests to one account have the same answer.

    Attributes:
        route: Its route.
        query: Its parameters.
        conventions: The rules that it was parsed by, the same for all requests to one account.
        pairs: Its names and values as they were sent, decoded. They may hold secrets in parameters
            that the route does not have.
    """

    route: Route
    query: Query
    conventions: Conventions = field(hash=False)
    pairs: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)

    def with_all_rows(self) -> ParsedRequest:
        """The same request for all rows of a list, on one page."""
        return replace(self, query=replace(self.query, page=1, all_rows=True))


@dataclass(frozen=True)
class ReportProgress:
    """How far the answer to a request has come.

    Attributes:
        path: The path of the request.
        query: Its parameters as the first caller sent them, percent-encoded, without those that
            have no effect.
        since: When it was asked for first, UTC.
        requests_done: How many requests to Help Scout were answered for it.
        requests_left: How many more it needs, roughly; None if that is not known yet.
        seconds_left: An estimate of the seconds until the answer; None if that is not known yet.
    """

    path: str
    query: str
    since: datetime
    requests_done: int
    requests_left: int | None
    seconds_left: float | None


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
        self, settings: Settings, source: Source | None = None, name: str = DEFAULT_ACCOUNT
    ) -> None:
        self.settings = settings
        self.name = name
        # With the client of Mailbox API 2.0 these take longer to import than all the rest.
        from compat.engines.selector import select_engine  # noqa: PLC0415
        from compat.sources import source_from_settings  # noqa: PLC0415

        self._source = source or source_from_settings(settings)
        self._engine = select_engine(settings, self._source)
        self._keys: Sequence[bytes] = [key.get_secret_value().encode() for key in settings.api_keys]
        self._answers: TLRUCache[ParsedRequest, EngineAnswer] = TLRUCache(
            settings.answers, lambda _, answer, __: answer.fresh_until, clock.elapsed
        )
        self._parse = lru_cache(_REMEMBERED)(self._parse_pairs)
        self._lock = threading.Lock()
        self._calls: SingleFlight[ParsedRequest, EngineAnswer] = SingleFlight(
            self._compute, workers=settings.jobs, most=settings.jobs * _QUEUED_PER_WORKER
        )
        self._working = 0
        self._logged_names: set[str] = set()
        self._closed = False
        self._checking = threading.Lock()
        self._problem: LegacyError | None = None
        self._check_at = 0.0
        self._log_at = 0.0
        if isinstance(self._source, SourceWithClient):
            self._source.client.on_outage = self._log_outage

    @property
    def ready(self) -> bool:
        """Whether requests can be answered now: open, and not refused by upstream."""
        return not self._closed and self._source.ready

    @property
    def outage(self) -> Exception | None:
        """Why upstream answers no request now; None if the latest one was answered."""
        return self._source.client.outage if isinstance(self._source, SourceWithClient) else None

    @property
    def offline(self) -> bool:
        """Whether answers come from the archive alone."""
        return self.settings.offline

    @property
    def rate_limit_wait(self) -> float:
        """Seconds until upstream's rate limit allows the next request; zero if it does now."""
        if not isinstance(self._source, SourceWithClient):
            return 0.0
        return self._source.client.rate_limiter.seconds_to_wait()

    def problem(self) -> LegacyError | None:
        """The error that reports would get now from the engine that is set; None if it answers.

        It may send a request to upstream and wait for it. The result is used for ten seconds.
        """
        with self._checking:
            if clock.elapsed() >= self._check_at:
                self._problem = self._check()
                self._check_at = clock.elapsed() + _CHECK_SECONDS
            return self._problem

    def accepts(self, key: bytes) -> bool:
        """Whether an old API key is this account's; if no key is set, all are."""
        return is_known_key(key, self._keys) if self._keys else True

    def parse(self, route: Route, pairs: Iterable[tuple[str, str]]) -> ParsedRequest:
        """Parse a request by this account's conventions.

        Args:
            route: The route of the request.
            pairs: The decoded names and values of the request.

        Raises:
            ValidationFailed: With one entry for each parameter that is wrong.
        """
        return self._parse(route, tuple(pairs))

    def log_ignored(self, route: Route, names: Iterable[str]) -> None:
        """Log each name of an ignored parameter once, without its value.

        What could be an API key that was sent as a name is not logged.
        """
        named = [name for name in names if _LOGGABLE_NAME.fullmatch(name)]
        with self._lock:
            new = [name for name in named if name not in self._logged_names]
            new = new[: _MAX_LOGGED_NAMES - len(self._logged_names)]
            self._logged_names.update(new)
        for name in new:
            if not is_known_key(name.encode(), self._keys):
                _LOG.warning(
                    "the parameter %s is ignored: %s has no such parameter (account %s)",
                    name,
                    route.path,
                    self.name,
                )

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
        return self._calls.seconds_left(call, self._source.seconds_for)

    def progress(self) -> list[ReportProgress]:
        """How far each answer has come that is being computed, in the order asked for."""
        return [_report_progress(each) for each in self._calls.progress(self._source.seconds_for)]

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
        self._engine.close()
        self._source.close()

    def _parse_pairs(self, route: Route, pairs: tuple[tuple[str, str], ...]) -> ParsedRequest:
        conventions = self.settings.conventions
        values = parse_values(pairs, route.parameters, conventions)
        return ParsedRequest(route, route.query_type(**values), conventions, pairs)

    def _check(self) -> LegacyError | None:
        try:
            if self._closed:
                raise CallCancelled("the account is closed")
            self._engine.check()
            if not self._source.ready:
                raise CredentialsRefused("the credentials were refused")
        except Exception as error:  # noqa: BLE001 - a request would get any error as a response
            return error_mapping.to_legacy_error(error)
        return None

    def _log_outage(self, error: UpstreamError) -> None:
        """Log that upstream fails: the first time at once, then once a minute."""
        with self._lock:
            if clock.elapsed() < self._log_at:
                return
            self._log_at = clock.elapsed() + _LOG_SECONDS
        advice = "requests are tried again for some seconds"
        if isinstance(error, CredentialsRefused):
            advice = f"check {credentials_names(self.name)}"
        elif isinstance(error, Redirected):
            advice = f"check {variable_name('base_url')}"
        elif isinstance(error, UntrustedCertificate):
            advice = f"check {variable_name('ca_file')}"
        _UPSTREAM_LOG.warning("account %s: %s; %s", self.name, error, advice)

    def _cached(self, request: ParsedRequest) -> EngineAnswer | None:
        with self._lock:  # even reading changes the order of the cache
            return self._answers.get(request)

    def _compute(self, request: ParsedRequest, progress: Progress) -> EngineAnswer:
        with self._lock:
            self._working += 1
        try:
            answer = self._cached(request)  # an equal call may have ended after `start` looked
            if answer is None:
                answer = self._engine.answer(
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


def _report_progress(call: CallProgress[ParsedRequest]) -> ReportProgress:
    request, left, seconds = call.key, call.requests_left, call.seconds_left
    return ReportProgress(
        *request.route.format_target(request.pairs),
        call.since,
        call.requests_done,
        None if left is None else math.ceil(left),
        None if seconds is None else round(seconds, 1),
    )


class Accounts:
    """The accounts of a service by their names. Safe to share between threads.

    Args:
        settings: The settings of each account by its name.
        source: Loads the conversations of all accounts; each gets one from its settings if not
            given.

    Raises:
        SettingsError: A setting is missing or cannot be used.
    """

    def __init__(self, settings: Mapping[str, Settings], source: Source | None = None) -> None:
        _check_api_keys(settings)
        self._by_name: Mapping[str, Account] = _open_accounts(settings, source)
        self._closed = False
        self._reloading = threading.Lock()
        self._replacing = threading.Lock()

    @property
    def by_name(self) -> Mapping[str, Account]:
        """The accounts as they are now."""
        return self._by_name

    @property
    def ready(self) -> bool:
        """Whether requests can be answered now: some account is open and not refused."""
        return not self._closed and any(each.ready for each in self._by_name.values())

    @property
    def cors(self) -> bool:
        """Whether responses have CORS headers: by the settings of the first account."""
        return next(iter(self._by_name.values())).settings.cors

    def authenticate(self, key: bytes | None) -> Account | None:
        """The account that accepts an API key; None if there is no key, or no account for it.

        All accounts compare it, so that the time it takes shows nothing about their keys.
        """
        accepting = [each for each in self._by_name.values() if key and each.accepts(key)]
        return accepting[0] if accepting else None

    def reload(self, settings: Mapping[str, Settings]) -> None:
        """Use other settings; accounts whose settings stay the same are not disturbed.

        Running computations of the other accounts are cancelled. Does nothing after `close`.

        Raises:
            SettingsError: Some settings cannot be used; then nothing changes.
        """
        _check_api_keys(settings)
        with self._reloading:
            before = self._by_name
            kept = {
                name: before[name]
                for name, each in settings.items()
                if name in before and before[name].settings == each
            }
            if self._closed:
                return
            opened = _open_accounts(
                {name: each for name, each in settings.items() if name not in kept}
            )
            if self._replace({name: opened.get(name) or kept[name] for name in settings}):
                obsolete = [before[name] for name in before.keys() - kept.keys()]
            else:
                obsolete = list(opened.values())
        for account in obsolete:
            account.close()

    def close(self) -> None:
        """Cancel all computations and close all connections."""
        with self._replacing:
            self._closed = True
        for account in self._by_name.values():
            account.close()

    def _replace(self, accounts: Mapping[str, Account]) -> bool:
        """Use these accounts from now on, unless they were closed meanwhile."""
        with self._replacing:
            if not self._closed:
                self._by_name = accounts
            return not self._closed


def _check_api_keys(settings: Mapping[str, Settings]) -> None:
    """A single account can do without API keys. With several, a key selects the account."""
    if len(settings) > 1 and not all(each.api_keys for each in settings.values()):
        raise SettingsError("of several accounts, each needs API keys of its own")


def _open_accounts(
    settings: Mapping[str, Settings], source: Source | None = None
) -> dict[str, Account]:
    """The accounts with these settings: all of them, or none and an error with every fault."""
    opened: dict[str, Account] = {}
    faults: list[str] = []
    for name, each in settings.items():
        try:
            opened[name] = Account(each, source, name)
        except SettingsError as error:
            prefix = "" if name == DEFAULT_ACCOUNT else f"{name}: "
            faults += [prefix + line for line in str(error).splitlines()]
    if faults:
        for account in opened.values():
            account.close()
        raise SettingsError("\n".join(faults))
    return opened

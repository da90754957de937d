"""One account's world: its settings, its source, its answers; none of it shared with others."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from cachetools import TLRUCache

from compat import clock, error_mapping
from compat.config.accounts import DEFAULT_ACCOUNT
from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.core.models import (
    ConversationQuery,
    Progress,
    RowSet,
    Source,
    SourceStats,
    SourceWithStats,
)
from compat.engines.answers import EngineAnswer
from compat.engines.selector import EngineSelector
from compat.single_flight import Call, SingleFlight
from compat.sources.factory import source_of
from compat.v1.auth import is_known_key
from compat.v1.errors import Unavailable
from compat.v1.query import Query, parse_pairs, parse_values
from compat.v1.routes import Route

_QUEUE: Final = 8
"""Questions that may wait for each one that is worked on."""

_SHORT: Final = 1024
"""Bytes of a query that may be remembered with what it means."""


@dataclass(frozen=True)
class ParsedRequest:
    """A request, understood. Equal questions to an account have equal answers."""

    route: Route
    query: Query
    conventions: Conventions

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Once for all the times it is looked up; an account has but one set of conventions."""
        return hash((self.route, self.query))


@dataclass(frozen=True)
class AccountLoad:
    """What an account is busy with.

    Attributes:
        working: Questions that are being worked on.
        source: The figures of its source.
    """

    working: int
    source: SourceStats


class Account:
    """Answers questions for one account at Help Scout; safe to share between threads.

    Args:
        settings: The account's settings.
        source: Where its conversations come from; Mailbox API 2.0 if not given.
        name: What it is called.

    Raises:
        SettingsError: What is needed to reach Mailbox API 2.0 is missing or cannot be used.
    """

    def __init__(
        self, settings: Settings, source: Source | None = None, name: str = DEFAULT_ACCOUNT
    ) -> None:
        self.settings = settings
        self.name = name
        self._source = source or source_of(settings)
        self._engines = EngineSelector(settings, self._source)
        self._keys: Sequence[bytes] = [key.get_secret_value().encode() for key in settings.api_keys]
        self._answers: TLRUCache[ParsedRequest, EngineAnswer] = TLRUCache(
            settings.answers, lambda _, answered, __: answered.fresh_until, clock.elapsed
        )
        self._read_again = lru_cache(settings.answers)(self._read)
        self._lock = threading.Lock()
        self._flights: SingleFlight[ParsedRequest, EngineAnswer] = SingleFlight(
            workers=settings.jobs, most=settings.jobs * _QUEUE
        )
        self._working = 0
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether a question asked now has a chance: open, and not refused by upstream."""
        return not self._closed and self._source.ready

    def accepts(self, key: bytes) -> bool:
        """Whether an old API key is this account's; without any configured, every key is."""
        return is_known_key(key, self._keys) if self._keys else True

    def read(self, route: Route, path: str, query: bytes) -> ParsedRequest:
        """Read a whole request; programs repeat theirs, so short ones are read but once.

        Raises:
            ValidationFailed: As `understand` does.
        """
        read = self._read_again if len(query) <= _SHORT else self._read
        return read(route, path, query)

    def understand(self, route: Route, pairs: Iterable[tuple[str, str]]) -> ParsedRequest:
        """Read a request by this account's conventions.

        Raises:
            ValidationFailed: With one entry for each parameter that is wrong.
        """
        conventions = self.settings.conventions
        values = parse_values(pairs, route.parameters, conventions)
        return ParsedRequest(route, route.query_type(**values), conventions)

    def ask(self, question: ParsedRequest) -> EngineAnswer | Call[EngineAnswer]:
        """The answer if it is at hand, else the flight that brings it; `leave` must follow.

        Raises:
            Crowded: Too many other questions are being worked on.
            CalledOff: The account is closed.
        """
        if (answered := self._known(question)) is not None:
            return answered
        return self._flights.join(question, lambda progress: self._work(question, progress))

    def leave(self, flight: Call[EngineAnswer], *, call_off: bool = False) -> None:
        """Wait for a flight no longer; with `call_off` it ends unless somebody else waits."""
        self._flights.leave(flight, call_off=call_off)

    def come_back(self, flight: Call[EngineAnswer]) -> Unavailable:
        """What to say of a flight that has not landed in time."""
        return Unavailable(
            "The conversations are still being fetched; ask again in a while",
            error_mapping.seconds_left(flight, self._source.rate_limit_wait()),
        )

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        """The conversations behind the answers, for who counts them in another way.

        Raises:
            UpstreamError: Upstream fails, or its answers do not settle.
        """
        return self._source.rows(need, progress)

    def stats(self) -> AccountLoad:
        """What the account is busy with now."""
        source = (
            self._source.stats() if isinstance(self._source, SourceWithStats) else SourceStats()
        )
        return AccountLoad(self._working, source)

    def close(self) -> None:
        """Call off what is under way and drop all connections."""
        self._closed = True
        self._flights.close()
        self._engines.close()
        self._source.close()

    def _read(self, route: Route, path: str, query: bytes) -> ParsedRequest:
        return self.understand(route, route.pairs(path, parse_pairs(query)))

    def _known(self, question: ParsedRequest) -> EngineAnswer | None:
        with self._lock:  # even reading reorders the cache
            try:
                return self._answers[question]
            except KeyError:  # `get` would look twice
                return None

    def _work(self, question: ParsedRequest, progress: Progress) -> EngineAnswer:
        with self._lock:
            self._working += 1
        try:
            return self._compute(question, progress)
        finally:
            with self._lock:
                self._working -= 1

    def _compute(self, question: ParsedRequest, progress: Progress) -> EngineAnswer:
        if (known := self._known(question)) is not None:  # it landed while this one took off
            return known
        answered = self._engines.answer(
            question.route, question.query, question.conventions, progress
        )
        if answered.fresh_until > clock.elapsed():
            with self._lock:
                self._answers[question] = answered
        return answered

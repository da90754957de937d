"""`LegacyReports`: the old reports, behind whatever door a question comes in by."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Final, Self, cast
from uuid import uuid4

from cachetools import TLRUCache

from compat import clock, translation
from compat.conventions import Conventions, ViewBy
from compat.engines.computed import Computed, compute
from compat.flights import Flight, Flights
from compat.needs import Progress, Source
from compat.settings import Settings
from compat.sources.live import connect
from compat.v1 import routes
from compat.v1.errors import LegacyError, Unauthorized, Unavailable
from compat.v1.exchange import LegacyAnswer, LegacyRequest, ok, render
from compat.v1.instants import format_instant, from_epoch
from compat.v1.keys import key_is_known, read_api_key
from compat.v1.models import NewConversations
from compat.v1.query import ReportQuery, read_pairs, read_query
from compat.v1.routes import Route
from compat.v1.spelling import spelled

_LOG: Final = logging.getLogger("compat")
_QUEUE: Final = 8
"""Questions that may wait for each one that is worked on."""


@dataclass(frozen=True)
class Question:
    """A request, understood. Equal questions have equal answers."""

    route: Route
    query: ReportQuery
    conventions: Conventions


@dataclass(frozen=True)
class Pending:
    """An answer on its way to a caller.

    Attributes:
        flight: The fetching, shared with all who ask the same.
        correlation_id: Names this one exchange.
    """

    flight: Flight[Computed]
    correlation_id: str


class LegacyReports:
    """Answers the old reports for one account.

    Safe to share between threads. Use it as a context manager, or call `close` at the end.

    Args:
        settings: All settings.
        source: Where conversations come from; Mailbox API 2.0 if not given.

    Raises:
        SettingsError: What is needed to reach Mailbox API 2.0 is missing or cannot be used.
    """

    def __init__(self, settings: Settings, *, source: Source | None = None) -> None:
        self.settings = settings
        self._source = source or connect(settings)
        self._keys = [key.get_secret_value().encode() for key in settings.api_keys]
        self._answers: TLRUCache[Question, Computed] = TLRUCache(
            settings.answers, lambda _, computed, __: computed.fresh_until, clock.elapsed
        )
        self._answers_lock = threading.Lock()
        self._flights: Flights[Question, Computed] = Flights(
            workers=settings.jobs, most=settings.jobs * _QUEUE
        )
        self._closed = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Set up from environment variables.

        Raises:
            SettingsError: A variable is missing or cannot be used; the message says which.
        """
        return cls(Settings.from_env(os.environ if environ is None else environ))

    def new_conversations(
        self,
        *,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int] = (),
        tags: Iterable[int] = (),
        types: Iterable[str] = (),
        folders: Iterable[int] = (),
        view_by: ViewBy | None = None,
    ) -> NewConversations:
        """How many conversations were created, bucket by bucket; waits as long as it takes.

        Args:
            start: First second of the range: a datetime (UTC if it names no zone), a date, or a
                text as the old API took it.
            end: Last second of the range, included; likewise.
            previous_start: First second of the range to compare with.
            previous_end: Its last second, included.
            mailboxes: Only conversations in one of these mailboxes.
            tags: Only conversations with one of these tags; 1 stands for none at all.
            types: Only conversations of one of these types: `email`, `chat`, `phone`.
            folders: Only conversations that one of these folders shows.
            view_by: The length of a bucket; by default that of the conventions.

        Raises:
            compat.v1.errors.LegacyError: What the old API would have said in its place.
        """
        pairs = spelled(
            start=start,
            end=end,
            previousStart=previous_start,
            previousEnd=previous_end,
            mailboxes=mailboxes,
            tags=tags,
            types=types,
            folders=folders,
            viewBy=view_by,
        )
        route = routes.find("GET", "/v1/reports/conversations/new.json")
        return cast("NewConversations", self._wait(self._understood(route, pairs)).answer)

    def answer(
        self,
        request: LegacyRequest | str | bytes,
        *,
        authorization: str | bytes | None = None,
        patience: float | None = None,
    ) -> LegacyAnswer:
        """Answer a whole old request; never raises for what a caller or upstream does.

        Args:
            request: The request, or the target of a GET (`/v1/…?start=…`, or the whole URL).
            authorization: The `Authorization` header, if `request` is a target.
            patience: Seconds to wait for upstream before a 503; the settings' if not given.
        """
        if not isinstance(request, LegacyRequest):
            request = LegacyRequest.from_target(request, authorization=authorization)
        begun = self.begin(request)
        if isinstance(begun, LegacyAnswer):
            return begun
        with suppress(TimeoutError):
            begun.flight.future.exception(self.settings.patience if patience is None else patience)
        return self.finish(begun)

    def begin(self, request: LegacyRequest) -> LegacyAnswer | Pending:
        """Answer at once what needs no upstream; for all else, the pending answer.

        Every pending answer must be handed to `finish`, once its future is done or the caller's
        patience is at its end.
        """
        correlation_id = str(uuid4())
        try:
            route = routes.find(request.method, request.path)
            self._authenticate(request)
            question = self._understood(route, read_pairs(request.query))
            if (computed := self._known(question)) is not None:
                return _told(computed, correlation_id)
            return Pending(self._board(question), correlation_id)
        except Exception as error:  # noqa: BLE001 - a caller is told of every error
            return self._refused(error, correlation_id)

    def finish(self, pending: Pending) -> LegacyAnswer:
        """The answer, or word of when to come back for it."""
        flight = pending.flight
        self._flights.leave(flight)
        try:
            if not flight.future.done():
                raise self._come_back(flight)
            return _told(flight.future.result(), pending.correlation_id)
        except Exception as error:  # noqa: BLE001 - likewise
            return self._refused(error, pending.correlation_id)

    @property
    def ready(self) -> bool:
        """Whether a question asked now has a chance: open, and not refused by upstream."""
        return not self._closed and self._source.ready

    def close(self) -> None:
        """Call off what is under way and drop all connections."""
        self._closed = True
        self._flights.close()
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _authenticate(self, request: LegacyRequest) -> None:
        """An API key must be sent; it must be a known one wherever any are configured."""
        key = read_api_key(request.authorization)
        if key is None or (self._keys and not key_is_known(key, self._keys)):
            raise Unauthorized

    def _understood(self, route: Route, pairs: Iterable[tuple[str, str]]) -> Question:
        conventions = self.settings.conventions
        return Question(route, read_query(pairs, route.parameters, conventions), conventions)

    def _wait(self, question: Question) -> Computed:
        if (computed := self._known(question)) is not None:
            return computed
        try:
            flight = self._board(question)
        except Exception as error:
            raise translation.told(error) from error
        try:
            computed = flight.future.result()
        except Exception as error:
            self._flights.leave(flight)
            raise translation.told(error) from error
        except BaseException:  # an interrupt: nobody waits for the rest of the walk
            self._flights.leave(flight, call_off=True)
            raise
        self._flights.leave(flight)
        return computed

    def _known(self, question: Question) -> Computed | None:
        with self._answers_lock:  # even reading reorders the cache
            return self._answers.get(question)

    def _board(self, question: Question) -> Flight[Computed]:
        return self._flights.join(question, lambda progress: self._compute(question, progress))

    def _compute(self, question: Question, progress: Progress) -> Computed:
        if (known := self._known(question)) is not None:  # it landed while this one took off
            return known
        computed = compute(
            question.route, question.query, question.conventions, self._source, progress
        )
        if computed.fresh_until > clock.elapsed():
            with self._answers_lock:
                self._answers[question] = computed
        return computed

    def _come_back(self, flight: Flight[Computed]) -> Unavailable:
        seconds = translation.seconds_left(flight, self._source.held())
        return Unavailable(
            "The conversations are still being fetched; ask again in a while", seconds
        )

    def _refused(self, error: BaseException, correlation_id: str) -> LegacyAnswer:
        told: LegacyError = translation.told(error)
        if told.status >= 500:
            unforeseen = error if told.status == 500 else None
            level = logging.ERROR if unforeseen else logging.WARNING
            _LOG.log(level, "%s (%s)", told, correlation_id, exc_info=unforeseen)
        return render(told).with_header("Correlation-Id", correlation_id)


def _told(computed: Computed, correlation_id: str) -> LegacyAnswer:
    as_of = format_instant(from_epoch(computed.as_of))
    return (
        ok(computed.body)
        .with_header("Compat-As-Of", as_of)
        .with_header("Correlation-Id", correlation_id)
    )

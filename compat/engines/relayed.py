"""The engine that requests the successor's own reports and translates them."""

from __future__ import annotations

import time

from pydantic import BaseModel

from compat import clock
from compat.config.conventions import Conventions
from compat.core.models import Progress, RowSet
from compat.engines import EngineAnswer
from compat.engines.computed import load_report
from compat.engines.relay_client import EndProbe, RelayClient
from compat.engines.translations import (
    TRANSLATIONS,
    translated_parameters,
    unsupported_parameters,
)
from compat.reports import AnswerFromDocuments
from compat.v1.errors import BadParameter, ValidationFailed
from compat.v1.query import Query, ReportQuery
from compat.v1.routes import Route
from compat.v2.client import Client
from compat.v2.reports import check_reports


class RelayedEngine:
    """Answers queries from the successor's reports; safe to share between threads.

    Args:
        client: The client of Mailbox API 2.0. It is not closed with the engine.
        lifetime: Seconds for which an answer may be used again.
        workers: How many requests of one query run at the same time.
    """

    def __init__(self, client: Client, *, lifetime: float, workers: int) -> None:
        self._client = client
        self._lifetime = lifetime
        self._workers = workers
        self._end_probe = EndProbe(client)

    def supports(self, route: Route) -> bool:
        """Whether the successor has such a report."""
        return route.report in TRANSLATIONS

    def check(self) -> None:
        """Request a report once, unless the rate limit lets it wait.

        Raises:
            UpstreamError: Upstream does not answer, or has no reports for this account.
        """
        if not self._client.rate_limiter.seconds_to_wait():
            check_reports(self._client)

    def answer(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        """Translate a query, request the successor's report, and translate its answer.

        Raises:
            ValidationFailed: The successor has no such report, or would understand the query in
                another way.
            UpstreamError: Upstream fails, refuses, or returns an unusable answer.
        """
        started = clock.elapsed()
        translation = TRANSLATIONS.get(route.report)
        if translation is None or not isinstance(query, ReportQuery):
            raise ValidationFailed([_no_successor(route)])
        if faults := unsupported_parameters(query, conventions):
            raise ValidationFailed(faults)
        client = RelayClient(
            self._client,
            self._end_probe.end_included(progress.check),
            translation.path,
            translated_parameters(route.parameters, query),
            self._workers,
            progress,
        )
        answer = translation.answer(client, query, conventions)
        answer = answer or _empty_answer(route, query, conventions)
        as_of = min(client.asked_at, default=int(time.time()))
        body = answer.model_dump_json().encode()
        return EngineAnswer(answer, body, as_of, started + self._lifetime, "relayed")


def _no_successor(route: Route) -> BadParameter:
    message = f"Help Scout's own reports do not tell {route.report}: set COMPAT_ENGINE to computed."
    return BadParameter("engine", "relayed", message)


def _empty_answer(route: Route, query: ReportQuery, conventions: Conventions) -> BaseModel:
    """The answer if no second of the range counts: the same as for no conversations."""
    answer = load_report(route).answer(query, RowSet((), 0, 0.0), conventions)
    return answer.answer(()) if isinstance(answer, AnswerFromDocuments) else answer

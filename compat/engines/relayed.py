"""The engine that asks the successor's own reports, and translates."""

from __future__ import annotations

import time

from pydantic import BaseModel

from compat import clock, reports
from compat.config.conventions import Conventions
from compat.core.models import Progress, RowSet
from compat.engines.answers import EngineAnswer
from compat.engines.end_probe import End
from compat.engines.relay_client import RelayClient
from compat.engines.translations import TRANSLATIONS, asked, faults
from compat.reports import AnswerFromDocuments
from compat.v1.errors import BadParameter, ValidationFailed
from compat.v1.query import Query, ReportQuery
from compat.v1.routes import Route
from compat.v2.client import Client


class Relay:
    """Asks the successor what the old API was asked; safe to share between threads.

    Args:
        client: The line to upstream.
        lifetime: Seconds for which an answer may be given again.
        workers: How many requests one question may have under way at once.
    """

    def __init__(self, client: Client, *, lifetime: float, workers: int) -> None:
        self._client = client
        self._lifetime = lifetime
        self._workers = workers
        self._end = End(client)

    def knows(self, route: Route) -> bool:
        """Whether the successor has such a report."""
        return route.report in TRANSLATIONS

    def answer(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        """Translate a question, ask it, and translate the answer.

        Raises:
            ValidationFailed: The successor has no such report, or would answer another question.
            UpstreamError: Upstream fails, refuses, or gives an answer that does not fit.
        """
        began = clock.elapsed()
        translation = TRANSLATIONS.get(route.report)
        if translation is None or not isinstance(query, ReportQuery):
            raise ValidationFailed([_unknown(route)])
        if found := faults(query, conventions):
            raise ValidationFailed(found)
        asking = RelayClient(
            self._client,
            self._end.included(progress.check),
            translation.path,
            asked(route.parameters, query),
            self._workers,
            progress,
        )
        answer = translation.answer(asking, query, conventions)
        answer = answer or _of_nothing(route, query, conventions)
        as_of = min(asking.asked_at, default=int(time.time()))
        body = answer.model_dump_json().encode()
        return EngineAnswer(answer, body, as_of, began + self._lifetime, "relayed")


def _unknown(route: Route) -> BadParameter:
    message = f"Help Scout's own reports do not tell {route.report}: set COMPAT_ENGINE to computed."
    return BadParameter("engine", "relayed", message)


def _of_nothing(route: Route, query: ReportQuery, conventions: Conventions) -> BaseModel:
    """What a report says where no second counts: what it would say of no conversations."""
    answer = reports.load_report(route.report).answer(query, RowSet((), 0, 0.0), conventions)
    return answer.answer(()) if isinstance(answer, AnswerFromDocuments) else answer

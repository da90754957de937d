"""The engine that counts conversations itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import cast

from pydantic import BaseModel

from compat import error_mapping
from compat.config.conventions import Conventions
from compat.core.counting import CountingSource, CountResult
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ListQuery,
    ListSet,
    NotCovered,
    Progress,
    RowSet,
    Source,
)
from compat.engines import EngineAnswer, EngineName
from compat.reports import AnswerFromDocuments, CountingReport, ReportModule
from compat.reports.lists import LISTS
from compat.v1.errors import ItemNotFound
from compat.v1.query import Query
from compat.v1.routes import Route

Data = RowSet | ActivitySet | ListSet
"""What sources return."""


class ComputedEngine:
    """Loads the data that a report needs from a source, and computes the report from it.

    Args:
        source: Loads conversations. It is not closed with the engine.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def answer(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        """The answer to a query.

        If the report needs counts alone and the source can count, no rows are loaded.

        Raises:
            ValidationFailed: An archive does not cover the query, and there is no connection to
                upstream.
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        report = load_report(route)
        try:
            return self._compute(report, query, conventions, progress)
        except NotCovered as error:
            needed = report.required_data(query, conventions)
            raise error_mapping.not_covered_error(error, query, needed) from error

    def close(self) -> None:
        """Does nothing: this engine has no connections of its own."""

    def _compute(
        self, report: ReportModule, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        source = self._source
        if isinstance(report, CountingReport) and isinstance(source, CountingSource):
            counted = source.count(report.count_query(query, conventions), progress)
            if counted is not None:
                return _engine_answer(
                    report.answer_from_counts(query, counted, conventions), counted
                )
        needed = report.required_data(query, conventions)
        if isinstance(needed, tuple):
            data: Data = _load_lists(source, needed)
        elif isinstance(needed, ActivityQuery):
            data = source.activity(needed, progress)
        else:
            data = source.rows(needed, progress)
        answer = report.answer(query, data, conventions)
        if isinstance(answer, AnswerFromDocuments):
            answer = answer.answer(source.documents(answer.ids, progress))
        return _engine_answer(answer, data)


def load_report(route: Route) -> ReportModule:
    """What computes the report of a route: a row of the table of lists, or a module."""
    if route.report in LISTS:
        return LISTS[route.report]
    return cast("ReportModule", import_module(f"compat.reports.{route.report}"))


def _load_lists(source: Source, queries: Sequence[ListQuery]) -> ListSet:
    """Lists one after the other.

    Raises:
        ItemNotFound: One of them does not exist; those after it are not loaded.
    """
    lists, loaded = [], []
    for query in queries:
        found = source.list_items(query)
        if found.items is None:
            raise ItemNotFound
        lists.append(found.items)
        loaded.append(found)
    return ListSet(
        lists, min(each.as_of for each in loaded), min(each.fresh_until for each in loaded)
    )


def _engine_answer(answer: BaseModel, data: Data | CountResult) -> EngineAnswer:
    body = answer.model_dump_json().encode()
    from_totals = isinstance(data, CountResult) and data.totals
    engine: EngineName = "totals" if from_totals else "computed"
    return EngineAnswer(answer, body, data.as_of, data.fresh_until, engine)

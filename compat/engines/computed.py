"""The engine that counts conversations itself."""

from __future__ import annotations

from pydantic import BaseModel

from compat import reports
from compat.config.conventions import Conventions
from compat.core.counting import CountingSource, CountResult
from compat.core.models import ListItems, ListQuery, NotCovered, Progress, RowSet, Source
from compat.engines.answers import EngineAnswer, EngineName
from compat.engines.not_covered import refused
from compat.reports import AnswerFromDocuments, CountingReport, ReportModule
from compat.v1.query import Query
from compat.v1.routes import Route


def compute(
    route: Route,
    query: Query,
    conventions: Conventions,
    source: Source,
    progress: Progress,
) -> EngineAnswer:
    """Ask the report what it needs, the source to bring it, and the report to count.

    Where the source can count by itself and counts are all it takes, no rows are brought.

    Raises:
        ValidationFailed: Conversations are needed that are not kept, with nobody to ask.
    """
    report = reports.load_report(route.report)
    try:
        return _computed(report, query, conventions, source, progress)
    except NotCovered as lack:
        raise refused(lack, query, report.required_data(query, conventions)) from lack


def _computed(
    report: ReportModule, query: Query, conventions: Conventions, source: Source, progress: Progress
) -> EngineAnswer:
    if isinstance(report, CountingReport) and isinstance(source, CountingSource):
        counted = source.count(report.count_query(query, conventions), progress)
        if counted is not None:
            return _answered(report.answer_from_counts(query, counted, conventions), counted)
    need = report.required_data(query, conventions)
    found = source.list_items(need) if isinstance(need, ListQuery) else source.rows(need, progress)
    answer = report.answer(query, found, conventions)
    if isinstance(answer, AnswerFromDocuments):
        answer = answer.answer(source.documents(answer.ids, progress))
    return _answered(answer, found)


def _answered(answer: BaseModel, found: RowSet | ListItems | CountResult) -> EngineAnswer:
    body = answer.model_dump_json().encode()
    by_totals = isinstance(found, CountResult) and found.totals
    engine: EngineName = "totals" if by_totals else "computed"
    return EngineAnswer(answer, body, found.as_of, found.fresh_until, engine)

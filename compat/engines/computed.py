"""The engine that counts conversations itself."""

from __future__ import annotations

from pydantic import BaseModel

from compat import reports
from compat.conventions import Conventions
from compat.engines.answered import Answered, EngineName
from compat.engines.lacking import refused
from compat.needs import Found, Listed, Menu, NotKept, Progress, Source
from compat.reports import CountingReport, Details, Report
from compat.tally import Counted, Counting
from compat.v1.query import Query
from compat.v1.routes import Route


def compute(
    route: Route,
    query: Query,
    conventions: Conventions,
    source: Source,
    progress: Progress,
) -> Answered:
    """Ask the report what it needs, the source to bring it, and the report to count.

    Where the source can count by itself and counts are all it takes, no rows are brought.

    Raises:
        ValidationFailed: Conversations are needed that are not kept, with nobody to ask.
    """
    report = reports.load(route.report)
    try:
        return _computed(report, query, conventions, source, progress)
    except NotKept as lack:
        raise refused(lack, query, report.needs(query, conventions)) from lack


def _computed(
    report: Report, query: Query, conventions: Conventions, source: Source, progress: Progress
) -> Answered:
    if isinstance(report, CountingReport) and isinstance(source, Counting):
        counted = source.count(report.tally(query, conventions), progress)
        if counted is not None:
            return _answered(report.from_counts(query, counted, conventions), counted)
    need = report.needs(query, conventions)
    found = source.menu(need) if isinstance(need, Menu) else source.rows(need, progress)
    answer = report.answer(query, found, conventions)
    if isinstance(answer, Details):
        answer = answer.answer(source.documents(answer.ids, progress))
    return _answered(answer, found)


def _answered(answer: BaseModel, found: Found | Listed | Counted) -> Answered:
    body = answer.model_dump_json().encode()
    by_totals = isinstance(found, Counted) and found.totals
    engine: EngineName = "totals" if by_totals else "computed"
    return Answered(answer, body, found.as_of, found.fresh_until, engine)

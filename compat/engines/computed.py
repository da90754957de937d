"""The engine that counts conversations itself."""

from __future__ import annotations

from compat import reports
from compat.conventions import Conventions
from compat.engines.answered import Answered
from compat.needs import Menu, Progress, Source
from compat.reports import Details
from compat.v1.query import Query
from compat.v1.routes import Route


def compute(
    route: Route,
    query: Query,
    conventions: Conventions,
    source: Source,
    progress: Progress,
) -> Answered:
    """Ask the report what it needs, the source to bring it, and the report to count."""
    report = reports.load(route.report)
    need = report.needs(query, conventions)
    found = source.menu(need) if isinstance(need, Menu) else source.rows(need, progress)
    answer = report.answer(query, found, conventions)
    if isinstance(answer, Details):
        answer = answer.answer(source.documents(answer.ids, progress))
    body = answer.model_dump_json().encode()
    return Answered(answer, body, found.as_of, found.fresh_until, "computed")

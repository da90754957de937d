"""The engine that counts conversations itself."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from compat import reports
from compat.conventions import Conventions
from compat.needs import Menu, Progress, Source
from compat.reports import Details
from compat.v1.query import Query
from compat.v1.routes import Route


@dataclass(frozen=True)
class Computed:
    """An answer, and the age of what it was counted from.

    Attributes:
        answer: The report, in the old API's shape.
        body: The same as the JSON that goes over the wire.
        as_of: Epoch seconds by upstream's clock: nothing counted is older than this.
        fresh_until: When it becomes too old to be given again, by `compat.clock.elapsed`.
    """

    answer: BaseModel
    body: bytes
    as_of: int
    fresh_until: float


def compute(
    route: Route,
    query: Query,
    conventions: Conventions,
    source: Source,
    progress: Progress,
) -> Computed:
    """Ask the report what it needs, the source to bring it, and the report to count."""
    report = reports.load(route.report)
    need = report.needs(query, conventions)
    found = source.menu(need) if isinstance(need, Menu) else source.rows(need, progress)
    answer = report.answer(query, found, conventions)
    if isinstance(answer, Details):
        answer = answer.answer(source.documents(answer.ids, progress))
    return Computed(answer, answer.model_dump_json().encode(), found.as_of, found.fresh_until)

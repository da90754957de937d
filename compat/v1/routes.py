"""The old API's paths: which report answers, and which parameters it takes.

Adding a report is adding a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from compat.v1.errors import NotFound
from compat.v1.parameters import FILTERS, MAILBOX, PAGE, PAGING, PREVIOUS_RANGE, RANGE, VIEW_BY
from compat.v1.query import ListPageQuery, Query, ReportQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from compat.v1.parameters import Parameter


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One path of the old API. There is one object for each, so that to compare them is quick.

    Attributes:
        path: The whole path, as sent; an id in braces is a parameter.
        report: The name of the module in `compat/reports/` that answers.
        parameters: What the report takes; faults are told in this order.
        model_name: What the answer is, if it is no error, by its name in `compat.v1.models`.
        query_type: The kind of query that the parameters make.
    """

    path: str
    report: str
    parameters: tuple[Parameter, ...]
    model_name: str
    query_type: type[Query] = ReportQuery

    @property
    def model(self) -> type[BaseModel]:
        """The model by that name; models are slow to import, and not needed to find a route."""
        return cast("type[BaseModel]", getattr(import_module("compat.v1.models"), self.model_name))

    def match(self, path: str) -> re.Match[str] | None:
        """Compare a request's path with this one; ids are groups of the match, by name."""
        return _pattern(self.path).fullmatch(path)

    def pairs(self, path: str, query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The names and values of a request; what the path says cannot be said again."""
        found = self.match(path)
        named = found.groupdict() if found else {}
        others = (pair for pair in query if pair[0].partition("[")[0] not in named)
        return [*named.items(), *others]


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[0-9]{1,18})", re.escape(path)))


ROUTES: Final = (
    Route(
        "/v1/reports/conversations/new.json",
        "new_conversations",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, *VIEW_BY),
        "NewConversations",
    ),
    Route(
        "/v1/reports/conversations/new-drilldown.json",
        "new_drilldown",
        (*RANGE, *FILTERS, *PAGING),
        "Drilldown",
    ),
    Route(
        "/v1/reports/conversations/busy-times.json", "busy_times", (*RANGE, *FILTERS), "BusyTimes"
    ),
    Route("/v1/mailboxes.json", "mailboxes", (PAGE,), "Mailboxes", ListPageQuery),
    Route(
        "/v1/mailboxes/{mailbox}/folders.json",
        "folders",
        (MAILBOX, PAGE),
        "Folders",
        ListPageQuery,
    ),
    Route("/v1/tags.json", "tags", (PAGE,), "Tags", ListPageQuery),
)
"""Every path that is answered."""

LOCAL: Final = (Route("", "new_ids", (*RANGE, *PREVIOUS_RANGE, *FILTERS, *VIEW_BY), "NewIds"),)
"""Reports that the old API did not have, and that no request reaches."""

_REPORTS: Final = "/v1/reports/"


def is_legacy_path(path: str) -> bool:
    """Whether a path is the old API's to answer, be it with a 404."""
    return path.startswith(_REPORTS) or any(route.match(path) for route in ROUTES)


def find_route(method: str, path: str) -> Route:
    """The route that a request asks for.

    Args:
        method: The HTTP method, in capitals.
        path: The decoded path, without the query.

    Raises:
        NotFound: The path is unknown, or the method is not GET; the old API was observed to
            answer both alike.
    """
    for route in ROUTES if method == "GET" else ():
        if route.match(path):
            return route
    raise NotFound(path)


def route_of_report(report: str) -> Route:
    """The route of a report, by the name of its module."""
    return next(route for route in (*ROUTES, *LOCAL) if route.report == report)

"""The table of routes: the paths of the old API with their reports and parameters.

A new report needs a new row here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlencode

from compat.v1.errors import NotFound
from compat.v1.parameters import (
    FILTERS,
    HISTORY_SORTING,
    LIMITED_VIEW_BY,
    MAILBOX,
    OFFICE_HOURS,
    PAGE,
    PAGING,
    PREVIOUS_RANGE,
    RANGE,
    RATING,
    RATING_SORTING,
    REPORT_USER,
    TEAM,
    USER,
    USER_TYPE,
    VIEW_BY,
)
from compat.v1.query import ListPageQuery, Query, ReportQuery, parameter_name, without_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from compat.v1.parameters import Parameter


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One path of the old API. Routes are compared by identity: there is one object per path.

    Attributes:
        path: The whole path; a name in braces stands for an id.
        report: What answers: the name of a module in `compat/reports/`, or of a row of
            `compat.reports.lists.LISTS` or `compat.reports.user_series.SERIES`.
        summary: A sentence about the answer, for the reference.
        parameters: The parameters of the report; errors are listed in this order.
        model_name: The name in `compat.v1.models` of the model of a successful answer.
        query_type: The type of the parsed query.
    """

    path: str
    report: str
    summary: str
    parameters: tuple[Parameter, ...]
    model_name: str
    query_type: type[Query] = ReportQuery

    @property
    def model(self) -> type[BaseModel]:
        """The model of a successful answer, imported late because that is slow."""
        return cast("type[BaseModel]", getattr(import_module("compat.v1.models"), self.model_name))

    def match(self, path: str) -> re.Match[str] | None:
        """Match a request's path with this route; ids are named groups of the match."""
        return _compile_pattern(self.path).fullmatch(merge_slashes(path))

    def pairs(self, path: str, query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The parameters of a request; those in the path cannot be overridden by the query."""
        found = self.match(path)
        named = found.groupdict() if found else {}
        others = (pair for pair in query if parameter_name(pair[0]) not in named)
        return [*named.items(), *others]

    def format_target(self, pairs: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """The path and the query that have these parameters, without those that are ignored.

        Args:
            pairs: The parameters of a request, as `pairs` returns them.
        """
        used = {row.key for row in self.parameters}
        known = [(name, value) for name, value in pairs if parameter_name(name) in used]
        named = {name: value for name, value in known if f"{{{name}}}" in self.path}
        query = [(name, value) for name, value in known if name not in named]
        return self.path.format(**named), urlencode(query, safe=_UNQUOTED)

    def ignored_names(self, query: Sequence[tuple[str, str]]) -> list[str]:
        """The names in a query that no parameter has, each once, in the order sent."""
        used = {row.key for row in self.parameters if f"{{{row.name}}}" not in self.path}
        names = dict.fromkeys(without_index(name) for name, _ in query)
        return [name for name in names if name and name.lower() not in used]


@cache
def _compile_pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[0-9]{1,18})", re.escape(path)))


def _list_route(
    path: str, report: str, summary: str, parameters: tuple[Parameter, ...], model_name: str
) -> Route:
    return Route(f"/v1/{path}", report, summary, parameters, model_name, ListPageQuery)


ROUTES: Final = (
    Route(
        "/v1/reports/conversations/new.json",
        "new_conversations",
        "New conversations per bucket.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, *VIEW_BY),
        "NewConversations",
    ),
    Route(
        "/v1/reports/conversations/new-drilldown.json",
        "new_drilldown",
        "The new conversations, page by page.",
        (*RANGE, *FILTERS, *PAGING),
        "Drilldown",
    ),
    Route(
        "/v1/reports/conversations/busy-times.json",
        "busy_times",
        "New conversations by weekday and hour.",
        (*RANGE, *FILTERS),
        "BusyTimes",
    ),
    Route(
        "/v1/reports/conversations/received-messages.json",
        "received_messages",
        "Messages received from customers, by day, week or month.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, *VIEW_BY),
        "ReceivedMessages",
    ),
    Route(
        "/v1/reports/happiness.json",
        "happiness",
        "How customers rated the replies of a range.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS),
        "Happiness",
    ),
    Route(
        "/v1/reports/happiness/ratings.json",
        "happiness_ratings",
        "The ratings of the replies of a range, page by page.",
        (*RANGE, *FILTERS, RATING, PAGE, *RATING_SORTING),
        "Ratings",
    ),
    Route(
        "/v1/reports/user/happiness.json",
        "user_happiness",
        "How customers rated the replies of a user or a team.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, REPORT_USER),
        "UserHappiness",
    ),
    Route(
        "/v1/reports/user/ratings.json",
        "user_ratings",
        "The ratings of the replies of a user or a team, page by page.",
        (*RANGE, *FILTERS, REPORT_USER, RATING, PAGE, *RATING_SORTING),
        "Ratings",
    ),
    Route(
        "/v1/reports/user.json",
        "user",
        "What a user or a team did in a range.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, REPORT_USER, OFFICE_HOURS),
        "UserReport",
    ),
    Route(
        "/v1/reports/user/conversation-history.json",
        "user_conversation_history",
        "The replies of a user or a team, each with the times of its conversation, page by page.",
        (*RANGE, *FILTERS, REPORT_USER, OFFICE_HOURS, PAGE, *HISTORY_SORTING),
        "ConversationHistory",
    ),
    Route(
        "/v1/reports/user/replies.json",
        "user_replies",
        "Replies that a user or a team sent, by day, week or month.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, *LIMITED_VIEW_BY, REPORT_USER),
        "RepliesSent",
    ),
    Route(
        "/v1/reports/user/customers-helped.json",
        "user_customers_helped",
        "Customers who got a reply of a user or a team, by day, week or month.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, *LIMITED_VIEW_BY, REPORT_USER),
        "CustomersHelped",
    ),
    Route(
        "/v1/reports/user/resolutions.json",
        "user_resolutions",
        "Conversations that a user or a team helped to resolve, by day, week or month.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, *LIMITED_VIEW_BY, REPORT_USER),
        "Resolutions",
    ),
    _list_route("mailboxes.json", "mailboxes", "The account's mailboxes.", (PAGE,), "Mailboxes"),
    _list_route(
        "mailboxes/{mailbox}.json",
        "one_mailbox",
        "A mailbox with its folders.",
        (MAILBOX,),
        "Mailbox",
    ),
    _list_route(
        "mailboxes/{mailbox}/folders.json",
        "folders",
        "The folders of a mailbox.",
        (MAILBOX, PAGE),
        "Folders",
    ),
    _list_route(
        "mailboxes/{mailbox}/users.json",
        "mailbox_users",
        "The users who may see a mailbox, or all teams.",
        (MAILBOX, PAGE, USER_TYPE),
        "Users",
    ),
    _list_route("tags.json", "tags", "The account's tags.", (PAGE,), "Tags"),
    _list_route(
        "users.json", "users", "The account's users, or its teams.", (PAGE, USER_TYPE), "Users"
    ),
    _list_route("users/{user}.json", "one_user", "A user.", (USER,), "User"),
    _list_route(
        "users/me.json",
        "me",
        "The user who made the application that the server uses.",
        (),
        "CurrentUser",
    ),
    _list_route("teams.json", "teams", "The account's teams.", (PAGE,), "Users"),
    _list_route("teams/{team}.json", "one_team", "A team.", (TEAM,), "User"),
    _list_route(
        "teams/{team}/members.json", "team_members", "The users of a team.", (TEAM, PAGE), "Users"
    ),
)
"""All routes of the old API that are answered."""

LOCAL_ROUTES: Final = (
    Route(
        "",
        "new_ids",
        "The ids of the new conversations per bucket.",
        (*RANGE, *PREVIOUS_RANGE, *FILTERS, *VIEW_BY),
        "NewIds",
    ),
)
"""Reports that the old API did not have. They have no path, so requests cannot reach them."""

_PREFIX: Final = "/v1/"
_OTHER: Final = "other"
_OLD_REPORTS: Final = frozenset(
    f"{_PREFIX}reports/{name}.json"
    for name in (
        *("company", "company/customers-helped", "company/drilldown"),
        *("conversations", "conversations/drilldown", "conversations/fields-drilldown"),
        "docs",
        *("productivity", "productivity/drilldown", "productivity/first-response-time"),
        *("productivity/replies-sent", "productivity/resolution-time"),
        *("productivity/resolved", "productivity/response-time"),
        *("team", "team/customers-helped", "team/drilldown"),
        "user/drilldown",
    )
)
"""Reports that the old API had beside the answered ones."""

_OLD_RESOURCES: Final = frozenset(
    {
        *("attachments", "conversations", "customers", "hooks", "mailboxes", "reports", "search"),
        *("tags", "teams", "users", "workflows"),
    }
)
"""What the first name in a path of the old API was."""

_REPORTS_PREFIX: Final = f"{_PREFIX}reports/"
_METHODS: Final = frozenset({"GET", "HEAD"})
_SLASHES: Final = re.compile("/{2,}")
_UNQUOTED: Final = ":,"
"""What is readable in a query and needs no escape: it stands in times and in lists."""


def merge_slashes(path: str) -> str:
    """The path with one slash in place of several: a known client always sends `/v1//…`."""
    return _SLASHES.sub("/", path)


def is_legacy_path(path: str) -> bool:
    """Whether a path belongs to the old API, also if the answer is a 404."""
    merged = merge_slashes(path)
    return merged.startswith(_REPORTS_PREFIX) or any(route.match(path) for route in ROUTES)


def unanswered_name(path: str) -> str | None:
    """What a path of the old API that has no route is counted under; None for all other paths.

    It is the path of a report that the old API had, or the beginning of one, or `other`: one of a
    few names, whatever the path is.
    """
    merged = merge_slashes(path)
    if not merged.startswith(_PREFIX) or any(route.match(merged) for route in ROUTES):
        return None
    if merged in _OLD_REPORTS:
        return merged
    resource = merged.split("/")[2].removesuffix(".json")
    return f"{_PREFIX}{resource}" if resource in _OLD_RESOURCES else _OTHER


def find_route(method: str, path: str) -> Route:
    """The route of a request.

    Args:
        method: The HTTP method, in capitals.
        path: The decoded path, without the query. Repeated slashes count as one.

    Raises:
        NotFound: The path is unknown, or the method is neither GET nor HEAD. The old API was
            observed to treat both the same.
    """
    for route in ROUTES if method in _METHODS else ():
        if route.match(path):
            return route
    raise NotFound(path)


def route_of_report(report: str) -> Route:
    """The route of the report with this module name."""
    return next(route for route in (*ROUTES, *LOCAL_ROUTES) if route.report == report)

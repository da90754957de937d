"""Every report with the command that prints it, for tests of all of them."""

from __future__ import annotations

from compat.simulator import Account
from compat.v1.query import ReportQuery
from compat.v1.routes import ROUTES, Route

REPORTS = [route for route in ROUTES if route.query_type is ReportQuery]
JANUARY = {"start": "2015-01-01T00:00:00Z", "end": "2015-01-31T23:59:59Z"}
BEFORE = {"previousStart": "2014-12-01T00:00:00Z", "previousEnd": "2014-12-31T23:59:59Z"}


def names(route: Route) -> set[str]:
    return {row.name for row in route.parameters}


def command_of(route: Route) -> str:
    """The name of a report's command."""
    return "new" if route.report == "new_conversations" else route.report.replace("_", "-")


def asked(route: Route, account: Account) -> dict[str, str]:
    """Parameters that every report needs or has, of those that this one has."""
    given = JANUARY | BEFORE | {"user": str(account.layout.users[0].id), "rating": "0"}
    return {name: value for name, value in given.items() if name in names(route)}


def words_of(parameters: dict[str, str]) -> list[str]:
    """The same as options: `--previous-start` for `previousStart`."""
    return [
        word
        for name, value in parameters.items()
        for word in (
            "--" + "".join(f"-{each.lower()}" if each.isupper() else each for each in name),
            value,
        )
    ]

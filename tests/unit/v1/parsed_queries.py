"""Short ways to parse a query string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from compat.config.conventions import Conventions
from compat.v1.errors import BadParameter, ValidationFailed
from compat.v1.query import ReportQuery, parse_pairs, parse_query
from compat.v1.routes import find_route

if TYPE_CHECKING:
    from compat.v1.parameters import Parameter

PATH: Final = "/v1/reports/conversations/new.json"
JANUARY: Final = "start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"


def ask(
    query: str | bytes,
    conventions: Conventions | None = None,
    parameters: tuple[Parameter, ...] | None = None,
) -> ReportQuery:
    """What a query string becomes for the report of new conversations."""
    sent = query.encode() if isinstance(query, str) else query
    table = find_route("GET", PATH).parameters if parameters is None else parameters
    return parse_query(parse_pairs(sent), table, conventions or Conventions())


def faults(query: str, conventions: Conventions | None = None) -> list[BadParameter]:
    """The entries of the refusal that a query string must meet."""
    with pytest.raises(ValidationFailed) as caught:
        ask(query, conventions)
    return list(caught.value.errors)


def blamed(query: str, conventions: Conventions | None = None) -> list[tuple[str, str | None]]:
    """The same entries without their sentences."""
    return [(each.property, each.value) for each in faults(query, conventions)]

"""The old API's paths: which report answers, and which parameters it takes.

Adding a report is adding a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from compat.v1.errors import NotFound
from compat.v1.parameters import F, P, R, V

if TYPE_CHECKING:
    from compat.v1.parameters import Parameter


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the old API.

    Attributes:
        path: The whole path, as sent.
        report: The name of the module in `compat/reports/` that answers.
        parameters: What the report takes; faults are told in this order.
    """

    path: str
    report: str
    parameters: tuple[Parameter, ...]


ROUTES: Final = (
    Route("/v1/reports/conversations/new.json", "new_conversations", (*R, *P, *F, *V)),
)
"""Every path that is answered."""

_BY_PATH: Final = {route.path: route for route in ROUTES}


def find(method: str, path: str) -> Route:
    """The route that a request asks for.

    Args:
        method: The HTTP method, in capitals.
        path: The decoded path, without the query.

    Raises:
        NotFound: The path is unknown, or the method is not GET; the old API was observed to
            answer both alike.
    """
    if method != "GET" or path not in _BY_PATH:
        raise NotFound(path)
    return _BY_PATH[path]

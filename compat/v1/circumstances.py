"""What the exactness of an answer depends on: filters, settings, and where the data came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from compat.config.conventions import Conventions
from compat.core.models import MissingTexts
from compat.v1.query import ListPageQuery, Query, ReportQuery


@dataclass(frozen=True)
class Circumstances:
    """How an answer came about.

    Attributes:
        query: The query.
        conventions: The decided rules.
        from_totals: Whether it was counted from upstream's totals.
        customers_ever_known: Whether the source knows the customers of all time.
        user_listed: Whether a list shows the user or team that the report is about.
        missing_texts: Which texts the source does not have. It is called only if that matters.
    """

    query: Query
    conventions: Conventions
    from_totals: bool = False
    customers_ever_known: bool = False
    user_listed: bool = True
    missing_texts: Callable[[], MissingTexts] = MissingTexts

    @property
    def types(self) -> frozenset[str]:
        """Only conversations of these types were asked for; all if empty."""
        return frozenset(self.query.types if isinstance(self.query, ReportQuery) else ())

    @property
    def in_office_hours(self) -> bool:
        """Whether waits were measured within office hours."""
        asked = isinstance(self.query, ReportQuery) and self.query.office_hours
        return asked and self.conventions.office_hours is not None

    @property
    def of_teams(self) -> bool:
        """Whether teams were asked for in a list that can have users or teams."""
        return isinstance(self.query, ListPageQuery) and self.query.type == "team"


class Condition(NamedTuple):
    """When something applies.

    Attributes:
        text: The same in words; empty if it always does.
        holds: Whether it does.
    """

    text: str
    holds: Callable[[Circumstances], bool]


ALWAYS: Final = Condition("", lambda _: True)
FROM_TOTALS: Final = Condition("counted from totals", lambda given: given.from_totals)
OF_TEAMS: Final = Condition("with `type=team`", lambda given: given.of_teams)
CHATS_ALONE: Final = Condition("with `types=chat`", lambda given: given.types == {"chat"})
WITHOUT_CHATS: Final = Condition(
    "with `types` that do not name `chat`",
    lambda given: bool(given.types) and "chat" not in given.types,
)
IN_OFFICE_HOURS: Final = Condition(
    "with `officeHours=1` and `COMPAT_OFFICE_HOURS`", lambda given: given.in_office_hours
)
CUSTOMERS_EVER_KNOWN: Final = Condition(
    "with an archive that keeps all threads", lambda given: given.customers_ever_known
)
USER_UNKNOWN: Final = Condition(
    "if no list shows the user or team", lambda given: not given.user_listed
)
SLIM_ALONE: Final = Condition(
    "offline, from a slim archive", lambda given: given.missing_texts().conversations
)
SLIM_THREADS: Final = Condition(
    "from a slim archive with threads", lambda given: given.missing_texts().ratings
)

"""What a report needs; and what a report on a user or a team is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from compat.core.counting import Filter
from compat.core.models import ActivityQuery, ConversationQuery, ListItem, ListQuery

Found_co = TypeVar("Found_co", covariant=True)


@dataclass(frozen=True)
class UserOrTeam:
    """Whom a report is about.

    Attributes:
        item: The user or team, as its list shows it.
        users: The ids of the users: one, or those of a team's members. A team without members has
            its own id there, under which nobody writes.
        listed: Whether a list shows it; if not, `item` has the id alone.
    """

    item: ListItem
    users: frozenset[int]
    listed: bool = True


@dataclass(frozen=True)
class CustomersEverQuery:
    """The customers who ever got a reply of a user or a team, each counted once.

    Attributes:
        which: In which conversations.
        automatic_replies: As in `compat.core.counting.CountQuery`.
    """

    which: Filter
    automatic_replies: bool


@dataclass(frozen=True)
class UserActivityQuery:
    """What a user did, or the members of a team, with lists that the report shows.

    Attributes:
        user: The id of the user or team.
        activity: The conversations. Its `users` are filled in once the members are known.
        lists: The lists.
        ever: The customers of all time, if the report shows their number and a source knows it.
    """

    user: int
    activity: ActivityQuery
    lists: tuple[ListQuery, ...] = ()
    ever: CustomersEverQuery | None = None


SourceQuery = ConversationQuery | ActivityQuery | tuple[ListQuery, ...]
"""The data that a source loads."""

DataQuery = SourceQuery | UserActivityQuery
"""The data that a report needs."""


@dataclass(frozen=True)
class UserData(Generic[Found_co]):
    """The data for a report on a user or a team.

    Attributes:
        user: The user or team.
        lists: The lists of the query, in its order.
        found: The conversations, or what was counted in them.
        customers_ever: How many customers ever got a reply; None if the source does not know it,
            or it was not needed.
        as_of: As in `compat.core.models.RowSet`.
        fresh_until: As in `compat.core.models.RowSet`.
    """

    user: UserOrTeam
    lists: Sequence[Sequence[ListItem]]
    found: Found_co
    customers_ever: int | None
    as_of: int
    fresh_until: float

"""What reports on a user or a team are made of, for their tests: nothing here is fetched."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from compat.core.models import Activity, ActivitySet, ListItem
from compat.core.report_data import UserData, UserOrTeam
from tests.unit.core.activity_samples import interval

AS_OF = interval().last
ANN = ListItem(
    1, "Ann", last="Agent", type="user", created=1_283_529_348, photo="https://p.example/1"
)
"""The vectors' first user, made 2010-09-03T15:55:48Z."""


def user_data(
    found: Sequence[Activity],
    users: Collection[int] = (1,),
    *,
    item: ListItem = ANN,
    tags: Sequence[ListItem] = (),
    ever: int | None = None,
    undecided: Mapping[int, str] = MappingProxyType({}),
) -> UserData[ActivitySet]:
    """The data for a report on a user, or on several as a team."""
    activities = ActivitySet(found, AS_OF, 0.0, undecided)
    return UserData(UserOrTeam(item, frozenset(users)), [tags], activities, ever, AS_OF, 0.0)

"""`user/ratings.json`: the ratings of the replies of a user, or of a team's members."""

from __future__ import annotations

from compat.config.conventions import Conventions
from compat.core.models import ActivitySet
from compat.core.report_data import UserActivityQuery, UserData
from compat.reports import happiness_ratings
from compat.v1.models_ratings import Ratings
from compat.v1.query import ReportQuery


def required_data(query: ReportQuery, conventions: Conventions) -> UserActivityQuery:
    """The same as for all users, of this one."""
    return UserActivityQuery(query.user, happiness_ratings.required_data(query, conventions))


def answer(query: ReportQuery, found: UserData[ActivitySet], conventions: Conventions) -> Ratings:
    """One page of the ratings of replies that the user wrote."""
    users = found.user.users
    return happiness_ratings.page_of_ratings(query, found.found, conventions, users)

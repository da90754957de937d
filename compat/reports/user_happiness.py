"""`user/happiness.json`: how customers rated the replies of a user, or of a team's members."""

from __future__ import annotations

from collections.abc import Sequence

from compat.config.conventions import Conventions
from compat.core.counting import CountResult
from compat.core.models import ActivitySet, ListItem, ListQuery
from compat.core.report_data import UserActivityQuery, UserData
from compat.reports import happiness
from compat.reports.happiness import count_query, rating_counts
from compat.v1.models_ratings import FilterTag, UserHappiness
from compat.v1.query import ReportQuery

__all__ = ["answer", "answer_from_counts", "count_query", "required_data"]


def required_data(query: ReportQuery, conventions: Conventions) -> UserActivityQuery:
    """The same as for all users, of this one; and the tags that the answer lists."""
    activity = happiness.required_data(query, conventions)
    return UserActivityQuery(query.user, activity, (ListQuery("tags"),))


def answer(
    query: ReportQuery, found: UserData[ActivitySet], conventions: Conventions
) -> UserHappiness:
    """The figures of both ranges, of the replies that the user wrote."""
    counts = rating_counts(query, found.found, conventions, found.user.users)
    return _answer(query, found.lists, counts, conventions)


def answer_from_counts(
    query: ReportQuery, found: UserData[CountResult], conventions: Conventions
) -> UserHappiness:
    """The answer to a query, from the counts that `count_query` names."""
    return _answer(query, found.lists, found.found, conventions)


def filter_tags(tags: Sequence[ListItem], conventions: Conventions) -> tuple[FilterTag, ...]:
    """All tags by which reports can be filtered, in upstream's order.

    The first one stands for conversations without a tag. Its name is empty and not missing: a
    known client needs a text.
    """
    untagged = conventions.untagged_tag
    first = () if untagged is None else (FilterTag(id=untagged, name=""),)
    return (*first, *(FilterTag(id=tag.id, name=tag.name) for tag in tags))


def _answer(
    query: ReportQuery,
    lists: Sequence[Sequence[ListItem]],
    counts: CountResult,
    conventions: Conventions,
) -> UserHappiness:
    (tags,) = lists
    figures = happiness.answer_from_counts(query, counts, conventions)
    return UserHappiness(filterTags=filter_tags(tags, conventions), **dict(figures))

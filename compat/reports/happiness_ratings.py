"""`happiness/ratings.json`: the ratings of the replies of a range, page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from compat.config.conventions import Conventions
from compat.core.activity import sender
from compat.core.models import Activity, ActivityQuery, ActivitySet, Rating, Thread
from compat.core.ratings import rated_within, rater
from compat.reports.activity import activity_query, counted_values, judged_intervals
from compat.v1.datetimes import from_epoch
from compat.v1.models_ratings import RatingRow, Ratings
from compat.v1.parameters import FLAT_LIST_ROWS
from compat.v1.query import ReportQuery, page_of


def required_data(query: ReportQuery, conventions: Conventions) -> ActivityQuery:
    """The conversations with a reply of the range that was rated."""
    return replace(activity_query(query, conventions), rated=True)


def answer(query: ReportQuery, found: ActivitySet, conventions: Conventions) -> Ratings:
    """One page of the ratings of all users."""
    return page_of_ratings(query, found, conventions)


def page_of_ratings(
    query: ReportQuery,
    found: ActivitySet,
    conventions: Conventions,
    users: Collection[int] = (),
) -> Ratings:
    """One page of the ratings that the query asks for, sorted as it says.

    They are the ratings that `compat.reports.happiness` counts.

    Args:
        query: The query.
        found: The conversations.
        conventions: The decided rules.
        users: Only ratings of replies that one of these users wrote; of all if empty.

    Raises:
        UnknownValue: Whether a conversation counts depends on a value that is unknown.
    """
    (within,) = judged_intervals(query, conventions)

    def rated(activity: Activity) -> list[_Rated]:
        return [
            _Rated(activity, thread, rating)
            for thread, rating in rated_within(activity, within, users)
            if query.rating in (0, rating.value)
        ]

    listed = counted_values(found, query, conventions, rated)
    listed.sort(key=_SORTING[query.sort_field], reverse=query.descending)
    shown, pages = page_of(query, listed, FLAT_LIST_ROWS)
    return Ratings(
        pages=pages,
        page=query.page,
        count=len(listed),
        results=tuple(map(_row, shown)),
    )


class _Rated(NamedTuple):
    activity: Activity
    thread: Thread
    rating: Rating


_SORTING: Final[Mapping[str, Callable[[_Rated], tuple[int, int]]]] = {
    "number": lambda each: (each.activity.number, each.thread.id),
    "modifiedAt": lambda each: (each.thread.created, each.thread.id),
    "rating": lambda each: (each.rating.value, each.thread.id),
}
"""What ratings are sorted by; the id of the message decides between equal ones (decided).
`modifiedAt` is when the message was sent: upstream does not show when a rating was changed."""


def _row(each: _Rated) -> RatingRow:
    activity, thread, rating = each
    created = from_epoch(thread.created)
    return RatingRow(
        number=activity.number,
        id=activity.row.id,
        type=activity.row.type or "",
        threadid=thread.id,
        threadCreatedAt=created,
        ratingId=rating.value,
        # An erased customer has a negative id, which is not shown.
        ratingCustomerId=max(rater(activity, thread, rating), 0),
        ratingComments=rating.comments,
        ratingCreatedAt=created,
        ratingCustomerName=rating.customer_name,
        ratingUserId=sender(thread),
        ratingUserName=rating.user_name,
    )

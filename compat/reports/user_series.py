"""Series about a user or a team: one row of a table for each path."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.activity import replies_within, takes_part
from compat.core.facts import read
from compat.core.intervals import Interval
from compat.core.models import Activity, ActivitySet
from compat.core.report_data import UserActivityQuery, UserData
from compat.reports.activity import (
    activity_query,
    counted_values,
    judged_intervals,
    only_within,
)
from compat.reports.created import bucket_starts, ranges
from compat.v1.datetimes import from_epoch
from compat.v1.models_base import Answer
from compat.v1.models_users import (
    CustomerPoint,
    CustomersHelped,
    RepliesSent,
    ReplyPoint,
    ResolutionPoint,
    Resolutions,
)
from compat.v1.query import ReportQuery

Event = tuple[int, Hashable]
"""When something happened, epoch seconds UTC, and a key by which it counts once in a bucket."""

Events = Callable[[Activity, Interval, Conventions, Collection[int]], Sequence[Event]]
"""What counts of a conversation in a range, for some users."""


@dataclass(frozen=True)
class UserSeries:
    """How a series about a user or a team is made.

    Attributes:
        events: What is counted.
        point: Makes a point of its number and date.
        series: Makes the answer of the points.
    """

    events: Events
    point: Callable[[int, datetime], Answer]
    series: Callable[..., BaseModel]

    def required_data(self, query: ReportQuery, conventions: Conventions) -> UserActivityQuery:
        """All conversations of these users in which something happened in either range."""
        return UserActivityQuery(query.user, activity_query(query, conventions))

    def answer(
        self, query: ReportQuery, found: UserData[ActivitySet], conventions: Conventions
    ) -> BaseModel:
        """The buckets of both ranges; each range's buckets begin at its own start."""
        users, spans = found.user.users, judged_intervals(query, conventions)

        def events(activity: Activity) -> list[tuple[int, Event]]:
            if not takes_part(activity, users):
                return []
            return [
                (place, event)
                for place, span in enumerate(spans)
                for event in self.events(activity, span, conventions, users)
            ]

        counted = counted_values(found.found, query, conventions, events)
        current, *previous = (
            self._points(
                [event for other, event in counted if other == place],
                bucket_starts(asked, query, conventions),
                conventions,
            )
            for place, asked in enumerate(ranges(query))
        )
        return self.series(previous=previous[0] if previous else None, current=current)

    def _points(
        self, events: Iterable[Event], starts: Sequence[int], conventions: Conventions
    ) -> tuple[Answer, ...]:
        ahead = 60 * conventions.clock_shift_minutes
        each_once = {(bisect_right(starts, at + ahead) - 1, key) for at, key in events}
        counts = Counter(bucket for bucket, _ in each_once)
        return tuple(
            self.point(counts[bucket], from_epoch(start))
            for bucket, start in enumerate(starts)
            if counts[bucket] or conventions.empty_buckets_listed
        )


def _replies(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int]
) -> list[Event]:
    """The replies of the range (by the vendor's page), each by itself."""
    sent = replies_within(only_within(activity, within), within, conventions, users)
    return [(reply.created, (activity.row.id, reply.id)) for reply in sent]


def _customers(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int]
) -> list[Event]:
    """The same replies by their customers; those who are unknown are left out."""
    sent = replies_within(only_within(activity, within), within, conventions, users)
    each = ((reply.created, reply.customer or activity.customer) for reply in sent)
    return [(at, customer) for at, customer in each if customer]


def _resolutions(
    activity: Activity, within: Interval, conventions: Conventions, users: Collection[int]
) -> list[Event]:
    """When the conversation was resolved, if one of the users helped."""
    resolved = read(activity, conventions).resolved_within(within, users)
    return [] if resolved is None else [(resolved, activity.row.id)]


SERIES: Final = {
    "user_replies": UserSeries(
        _replies, lambda count, date: ReplyPoint(replies=count, date=date), RepliesSent
    ),
    "user_customers_helped": UserSeries(
        _customers, lambda count, date: CustomerPoint(customers=count, date=date), CustomersHelped
    ),
    "user_resolutions": UserSeries(
        _resolutions, lambda count, date: ResolutionPoint(resolved=count, date=date), Resolutions
    ),
}
"""Each series by the name in its route."""

"""`user.json`: what a user did in a range, or the members of a team together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from compat.config.conventions import Conventions
from compat.core.activity import (
    first_reply_share,
    is_touched_by,
    per_day,
    sender,
    takes_part,
    total_days,
)
from compat.core.calendar import weekday
from compat.core.counting import Filter, RatingCounts
from compat.core.facts import Facts, Wait, read
from compat.core.intervals import Interval
from compat.core.models import Activity, ActivitySet, ListQuery, Thread
from compat.core.office_hours import mean_of_means, mean_seconds, whole_seconds
from compat.core.ratings import rated_within
from compat.core.report_data import CustomersEverQuery, UserActivityQuery, UserData
from compat.reports import happiness
from compat.reports.activity import activity_query, counted_values, judged_intervals
from compat.reports.created import range_interval
from compat.reports.figures import change_in_percent
from compat.reports.user_happiness import filter_tags
from compat.v1.datetimes import from_epoch
from compat.v1.models_users import ReportUser, UserDeltas, UserFigures, UserReport
from compat.v1.query import Range, ReportQuery

_RELATIVE: Final = (
    *("totalConversations", "customersHelped", "repliesPerDay", "resolvedOnFirstReply"),
    *("handleTime", "conversationsPerDay", "resolved", "repliesToResolve", "totalReplies"),
    *("closed", "responseTime", "resolutionTime", "conversationsCreated"),
)
"""The figures that change by so many percent."""


def required_data(query: ReportQuery, conventions: Conventions) -> UserActivityQuery:
    """All conversations of the users in which something happened in either range; and the tags."""
    counted = Filter(conventions.counted_states, conventions.uncounted_statuses)
    return UserActivityQuery(
        query.user,
        activity_query(query, conventions),
        (ListQuery("tags"),),
        CustomersEverQuery(counted, conventions.automatic_replies_count),
    )


def answer(
    query: ReportQuery, found: UserData[ActivitySet], conventions: Conventions
) -> UserReport:
    """The figures of both ranges. A team's members are counted together, each customer once.

    Without a source that knows the threads of all time, the customers ever helped are those of the
    conversations that were loaded.

    Raises:
        UnknownValue: A number depends on a value that is unknown.
    """
    users = found.user.users

    def facts(activity: Activity) -> list[Facts]:
        return [read(activity, conventions)] if takes_part(activity, users) else []

    each = counted_values(found.found, query, conventions, facts)
    current, *previous = (
        _Figures(each, within, users, query, conventions)
        for within in judged_intervals(query, conventions)
    )
    now = current.answer(query.current, with_busiest_day=True)
    before = previous[0].answer(query.previous) if query.previous else None
    (tags,) = found.lists
    return UserReport(
        filterTags=filter_tags(tags, conventions),
        user=_user(found, each),
        current=now,
        previous=before,
        deltas=None if before is None else deltas(now, before),
    )


class _Figures:
    """The figures of one range.

    Args:
        each: The conversations in which the users took part.
        within: The range, epoch seconds UTC, both ends included.
        users: The ids of the users.
        query: The query.
        conventions: The decided rules.
    """

    def __init__(
        self,
        each: Sequence[Facts],
        within: Interval,
        users: frozenset[int],
        query: ReportQuery,
        conventions: Conventions,
    ) -> None:
        self._each = each
        self._within = within
        self._users = users
        self._office_hours = query.office_hours
        self._conventions = conventions
        self._sent = [
            (facts, reply) for facts in each for reply in facts.replies_within(within, users)
        ]

    def answer(self, asked: Range, *, with_busiest_day: bool = False) -> UserFigures:
        """The figures as they are shown.

        Args:
            asked: The range as it was asked for.
            with_busiest_day: Whether the busiest day is shown.
        """
        days, replies = range_interval(asked), len(self._sent)
        touched = sum(
            is_touched_by(facts.activity, self._within, self._users) for facts in self._each
        )
        waits = [
            found
            for facts in self._each
            if (found := facts.waits_within(self._within, self._users))
        ]
        first_waits = [own for found in waits if (own := [wait for wait in found if wait.first])]
        return UserFigures(
            startDate=asked.start,
            endDate=asked.end,
            totalDays=total_days(days),
            conversationsCreated=self._created(),
            closed=sum(facts.closed_within(self._within, self._users) for facts in self._each),
            totalReplies=replies,
            **self._resolutions(),
            handleTime=0.0,
            happinessScore=self._happiness_score(),
            responseTime=self._mean_wait(waits),
            repliesPerDay=per_day(replies, days),
            customersHelped=len({_customer(*each) for each in self._sent} - {0}),
            totalConversations=touched,
            conversationsPerDay=per_day(touched, days),
            busiestDay=self._busiest_day() if with_busiest_day else None,
            averageFirstResponseTime=self._mean_wait(first_waits),
        )

    def _created(self) -> int:
        first, last = self._within
        return sum(
            facts.activity.created_by in self._users and first <= facts.activity.row.created <= last
            for facts in self._each
        )

    def _resolutions(self) -> dict[str, Any]:
        """The figures of the conversations that were resolved."""
        found = [
            (facts, resolved)
            for facts in self._each
            if (resolved := facts.resolved_within(self._within, self._users)) is not None
        ]
        needed = [facts.replies_to_resolve() for facts, _ in found]
        spans = [(facts.activity.row.created, resolved) for facts, resolved in found]
        mean = mean_seconds(spans, self._conventions, office_hours=self._office_hours)
        return {
            "resolved": len(found),
            "resolvedOnFirstReply": needed.count(1),
            "percentResolvedOnFirstReply": first_reply_share(
                needed.count(1), len(found), self._conventions
            ),
            "repliesToResolve": sum(needed) / len(needed) if needed else 0.0,
            "resolutionTime": 0.0 if mean is None else mean,
        }

    def _mean_wait(self, waits: Sequence[Sequence[Wait]]) -> int:
        """The mean of the conversations' mean waits."""
        spans = [[(wait.opened, wait.ended) for wait in found] for found in waits]
        return whole_seconds(
            mean_of_means(spans, self._conventions, office_hours=self._office_hours)
        )

    def _happiness_score(self) -> float:
        """As in the report on the user's ratings, from the ratings of the same replies."""
        counts = Counter(
            rating.value
            for facts in self._each
            for _, rating in rated_within(facts.activity, self._within, self._users)
        )
        return happiness.figures(RatingCounts(counts[1], counts[2], counts[3])).happinessScore

    def _busiest_day(self) -> int:
        """The weekday with the most replies, the first one if there are several; 0 without any."""
        zone = ZoneInfo(self._conventions.company_time_zone)
        ahead = 60 * self._conventions.clock_shift_minutes
        counts = Counter(weekday(reply.created + ahead, zone) for _, reply in self._sent)
        return max(sorted(counts), key=counts.__getitem__, default=0)


def _customer(facts: Facts, reply: Thread) -> int:
    """The id of the customer who got a reply; 0 if unknown."""
    return reply.customer or facts.activity.customer


def _user(found: UserData[ActivitySet], each: Sequence[Facts]) -> ReportUser:
    item, ever = found.user.item, found.customers_ever
    if ever is None:
        users = found.user.users
        helped = {
            _customer(facts, reply)
            for facts in each
            for reply in facts.replies
            if sender(reply) in users
        }
        ever = len(helped - {0})
    return ReportUser(
        id=item.id,
        hasPhoto=bool(item.photo),
        createdAt=from_epoch(item.created) if item.created else "",
        name=f"{item.name} {item.last}".strip(),
        totalCustomersHelped=ever,
        photoUrl=item.photo or None,
    )


def deltas(current: UserFigures, previous: UserFigures) -> UserDeltas:
    """The changes, of the numbers as they are shown: so the documented example was calculated."""
    now, before = dict(current), dict(previous)
    changes = {name: change_in_percent(now[name], before[name]) for name in _RELATIVE}
    return UserDeltas(
        happinessScore=current.happinessScore - previous.happinessScore,
        activeConversations=changes["totalConversations"],
        **changes,
    )

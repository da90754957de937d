"""`happiness.json`: how customers rated the replies of a range."""

from __future__ import annotations

from collections.abc import Collection

from compat.config.conventions import Conventions
from compat.core.activity import replies_within
from compat.core.counting import CountQuery, CountResult, RatingCounts
from compat.core.intervals import Interval
from compat.core.models import Activity, ActivityQuery, ActivitySet
from compat.core.ratings import count_ratings, rated_within
from compat.reports.activity import (
    activity_query,
    counted_values,
    judged_intervals,
    only_within,
)
from compat.reports.created import conversation_query, count_filter, range_edges
from compat.reports.figures import change_in_percent, percentage
from compat.v1.models_ratings import Happiness, HappinessDeltas, HappinessFigures
from compat.v1.query import ReportQuery


def required_data(query: ReportQuery, conventions: Conventions) -> ActivityQuery:
    """All conversations with a thread in either range: replies without a rating count as well."""
    return activity_query(query, conventions)


def count_query(query: ReportQuery, conventions: Conventions) -> CountQuery:
    """The count query for a source that can count ratings."""
    return CountQuery(
        conversation_query(query, conventions),
        count_filter(query, conventions),
        range_edges(query, conventions),
        "ratings",
        automatic_replies=conventions.automatic_replies_count,
    )


def answer(query: ReportQuery, found: ActivitySet, conventions: Conventions) -> Happiness:
    """The figures of both ranges, of all users."""
    return answer_from_counts(query, rating_counts(query, found, conventions), conventions)


def answer_from_counts(
    _query: ReportQuery, found: CountResult, _conventions: Conventions
) -> Happiness:
    """The answer to a query, from the counts that `count_query` names."""
    current, *previous = (figures(RatingCounts(*counts)) for counts in found.counts)
    if not previous:
        return Happiness(current=current)
    return Happiness(current=current, previous=previous[0], deltas=_deltas(current, previous[0]))


def rating_counts(
    query: ReportQuery,
    found: ActivitySet,
    conventions: Conventions,
    users: Collection[int] = (),
) -> CountResult:
    """The ratings of each range, and the customers who got a reply there.

    A rating counts in the range in which the reply was sent that it is about: upstream does not
    show when it was given.

    Args:
        query: The query.
        found: The conversations.
        conventions: The decided rules.
        users: Only replies that one of these users wrote; all if empty.

    Raises:
        UnknownValue: A number depends on a value that is unknown.
    """
    spans = judged_intervals(query, conventions)

    def judged(activity: Activity) -> list[Activity]:
        return [activity] if any(counts_within(activity, span) for span in spans) else []

    def counts_within(activity: Activity, span: Interval) -> bool:
        within = only_within(activity, span)
        return bool(
            rated_within(within, span, users) or replies_within(within, span, conventions, users)
        )

    counted = counted_values(found, query, conventions, judged)
    counts = [count_ratings(counted, span, conventions, users) for span in spans]
    return CountResult(counts, found.as_of, found.fresh_until)


def figures(counts: RatingCounts) -> HappinessFigures:
    """The figures of a range; zeros if nothing was rated."""
    ratings = counts.great + counts.okay + counts.not_good
    great, okay, not_good = (
        percentage(count, ratings) for count in (counts.great, counts.okay, counts.not_good)
    )
    return HappinessFigures(
        ratingsPercent=percentage(counts.raters, counts.helped),
        okay=okay,
        great=great,
        # From the percentages and not from the counts: only so does the documented example agree
        # to the last bit.
        happinessScore=great - not_good,
        okayCount=counts.okay,
        totalCustomersWithRatings=counts.raters,
        notGoodCount=counts.not_good,
        ratingsCount=ratings,
        notGood=not_good,
        greatCount=counts.great,
        totalCustomers=counts.helped,
    )


def _deltas(current: HappinessFigures, previous: HappinessFigures) -> HappinessDeltas:
    return HappinessDeltas(
        okay=current.okay - previous.okay,
        great=current.great - previous.great,
        okayCount=change_in_percent(current.okayCount, previous.okayCount),
        happinessScore=current.happinessScore - previous.happinessScore,
        notGoodCount=change_in_percent(current.notGoodCount, previous.notGoodCount),
        notGood=current.notGood - previous.notGood,
        greatCount=change_in_percent(current.greatCount, previous.greatCount),
    )

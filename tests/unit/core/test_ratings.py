"""Which ratings belong to a range, who rated, and who got a reply."""

from __future__ import annotations

from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.core.counting import RatingCounts
from compat.core.intervals import Interval
from compat.core.models import UNKNOWN_RATING, Activity, Rating, Thread, UnknownValue
from compat.core.ratings import count_ratings, rated_within
from tests.unit.core.activity_figures import PLAIN
from tests.unit.core.test_activity import asked, replied, told

RANGE = Interval(10, 20)
USERS = frozenset({1, 2})


def rated(second: int, value: int = 1, customer: int = 101, **fields: Any) -> Thread:
    return replied(second, rating=Rating(value, customer), **fields)


def counted(*activities: Activity, users: frozenset[int] = frozenset()) -> RatingCounts:
    return count_ratings(activities, RANGE, PLAIN, users)


def test_a_rating_belongs_to_the_range_of_the_reply_and_both_ends_are_included() -> None:
    activity = told(*(rated(second) for second in (9, 10, 20, 21)))
    assert [thread.created for thread, _ in rated_within(activity, RANGE)] == [10, 20]


@pytest.mark.parametrize(
    "fields", [{"state": "draft"}, {"state": "hidden"}, {"state": "review"}, {"action": "imported"}]
)
def test_ratings_of_drafts_and_of_hidden_and_imported_threads_are_left_out(
    fields: dict[str, Any],
) -> None:
    assert rated_within(told(rated(12, **fields)), RANGE) == []


@pytest.mark.parametrize(
    ("fields", "key"), [({"rating": Rating(UNKNOWN_RATING)}, "rating"), ({"state": ""}, "state")]
)
def test_a_rating_that_is_unknown_fails_a_range_in_which_it_may_count(
    fields: dict[str, Any], key: str
) -> None:
    activity = told(rated(12)._replace(**fields))
    with pytest.raises(UnknownValue, match=f"`{key}` of thread 1 of conversation 9"):
        rated_within(activity, RANGE)
    assert rated_within(activity, Interval(13, 20)) == []
    assert rated_within(activity, RANGE, {3}) == []
    # Line items have no state, and are no replies.
    assert rated_within(told(rated(12)._replace(type="lineitem", state="")), RANGE) == []
    unknown = rated(12)._replace(**fields)
    for left_out in (unknown._replace(action="imported"), unknown._replace(state="draft")):
        assert rated_within(told(left_out), RANGE) == []


def test_the_ratings_of_some_users_are_those_of_what_they_wrote() -> None:
    activity = told(rated(11, author=1), rated(12, author=3), rated(13, by="customer"))
    assert [thread.id for thread, _ in rated_within(activity, RANGE, USERS)] == [1]


def test_ratings_are_counted_by_their_value() -> None:
    activity = told(*(rated(12, value) for value in (1, 1, 1, 2, 3, 3)))
    assert counted(activity)[:3] == (3, 1, 2)


def test_a_customer_counts_once_in_however_many_conversations() -> None:
    assert counted(told(rated(11), rated(12)), told(rated(13))) == RatingCounts(3, 0, 0, 1, 1)


def test_customers_who_were_erased_are_persons_and_one_who_is_unknown_is_none() -> None:
    unknown = told(rated(12, customer=0)._replace(customer=0), customer=0)
    erased = (told(rated(12, customer=id_)._replace(customer=id_)) for id_ in (-1, -2))
    assert counted(unknown, *erased) == RatingCounts(3, 0, 0, 2, 2)


@pytest.mark.parametrize(("rating", "thread", "conversation"), [(5, 6, 7), (0, 5, 7), (0, 0, 5)])
def test_who_rated_is_the_customer_of_the_rating_or_else_of_the_thread_or_the_conversation(
    rating: int, thread: int, conversation: int
) -> None:
    other = told(rated(12, customer=5), customer=5)
    activity = told(rated(12, customer=rating)._replace(customer=thread), customer=conversation)
    assert counted(activity, other).raters == 1


def test_customers_who_did_not_rate_are_helped_as_well() -> None:
    other = told(replied(12, customer=102), asked(13), replied(25, customer=103))
    assert counted(told(rated(11)), other) == RatingCounts(1, 0, 0, 1, 2)


def test_both_ends_of_the_range_are_counted() -> None:
    activity = told(*(rated(second) for second in (9, 10, 20, 21)))
    assert counted(activity) == RatingCounts(2, 0, 0, 1, 1)


def test_the_counts_of_some_users_are_of_what_they_wrote() -> None:
    activity = told(rated(11), rated(12, 3, 102, author=3), replied(13, author=3, customer=102))
    assert counted(activity, users=USERS) == RatingCounts(1, 0, 0, 1, 1)
    assert counted(activity, users=frozenset({3})) == RatingCounts(0, 0, 1, 1, 2)


def test_a_convention_says_whether_automatic_replies_help() -> None:
    activity = told(replied(12, source="workflows"))
    manual = Conventions(automatic_replies_count=False)
    assert counted(activity).helped == 1
    assert count_ratings([activity], RANGE, manual).helped == 0


def test_an_unknown_author_matters_only_in_the_range() -> None:
    chat = Thread(12, 0, "chat")
    assert counted(told(chat._replace(created=21), replied(12))).helped == 1
    with pytest.raises(UnknownValue):
        counted(told(chat))

"""The database counts the same ratings as the rules for one conversation do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from compat.archive.database import Archive, open_archive
from compat.archive.ratings import CountedRatings
from compat.archive.reader import Snapshot
from compat.config.conventions import Conventions
from compat.core.counting import CountQuery, Filter, RatingCounts
from compat.core.intervals import Interval
from compat.core.models import (
    UNKNOWN_RATING,
    Activity,
    ConversationQuery,
    Rating,
    Row,
    Thread,
    UnknownValue,
)
from compat.core.ratings import count_ratings
from tests.unit.archive.drawn_activities import SPANS, activities, rating_queries, refill
from tests.unit.archive.samples import CREATED

EXAMPLES = settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
COUNTED = Filter(frozenset({"published"}), frozenset({"spam"}))


def _reply(second: int, id_: int, customer: int, value: int = 0, source: str = "email") -> Thread:
    rating = Rating(value, customer) if value else None
    reply = Thread(CREATED + second, id_, "message", by="user", author=1, customer=customer)
    return reply._replace(rating=rating, source=source)


def _rated_conversation(id_: int, tags: tuple[int, ...], *replies: Thread) -> Activity:
    return Activity(Row(CREATED, id_, 1, 10, "email", "active", "published", tags), replies)


RATED = [
    _rated_conversation(101, (3, 4), _reply(1, 1, 91, 1), _reply(2, 2, 91, 1)),
    _rated_conversation(
        102, (3,), _reply(3, 3, 92, 3), _reply(4, 4, 93, source="workflows"), _reply(10, 5, 94, 2)
    ),
]
"""Four ratings, the last of them outside the range."""
IN_THE_RANGE = CountQuery(ConversationQuery(SPANS), COUNTED, ((CREATED, CREATED + 10),), "ratings")


def counted(
    archive: Archive, query: CountQuery, without: Collection[int] = ()
) -> list[RatingCounts] | None:
    with archive.reading() as snapshot:
        found = snapshot.count_ratings(query, without)
        helped = snapshot.customers_helped(query, without)
    if found is None:
        return None
    assert helped == set().union(*(each.helped for each in found))
    return [_numbers(each) for each in found]


def _numbers(found: CountedRatings) -> RatingCounts:
    great, okay, not_good = (found.ratings.get(value, 0) for value in (1, 2, 3))
    return RatingCounts(
        great, okay, not_good, len({*found.raters} - {0}), len({*found.helped} - {0})
    )


def loop(held: list[Activity], query: CountQuery) -> list[RatingCounts]:
    """The same by the rules for one conversation.

    Raises:
        UnknownValue: They depend on a value that is unknown.
    """
    conventions = Conventions(automatic_replies_count=query.automatic_replies)
    spans = [Interval(edges[0], edges[-1] - 1) for edges in query.ranges]
    return [
        count_ratings(
            (each for each in held if _has_value(each, within) and query.matches(each.row)),
            within,
            conventions,
            query.users,
        )
        for within in spans
    ]


def _has_value(activity: Activity, within: Interval) -> bool:
    return any(within.first <= each.created <= within.last for each in activity.threads)


@EXAMPLES
@given(held=activities(), query=rating_queries(), without=st.sets(st.integers(100, 104)))
def test_the_database_counts_the_ratings_that_a_loop_counts(
    archive: Archive, held: list[Activity], query: CountQuery, without: set[int]
) -> None:
    refill(archive, held)
    assert counted(archive, query) == loop(held, query)
    left = [each for each in held if each.row.id not in without]
    assert counted(archive, query, without) == loop(left, query)


@EXAMPLES
@given(held=activities(unknown=True), query=rating_queries())
def test_the_database_counts_no_rating_that_depends_on_an_unknown_value(
    archive: Archive, held: list[Activity], query: CountQuery
) -> None:
    refill(archive, held)
    try:
        expected = [loop(held, query), None]
    except UnknownValue:
        expected = [None]
    assert counted(archive, query) in expected


@pytest.mark.parametrize(
    "unknown", [{"type": ""}, {"state": ""}, {"rating": Rating(UNKNOWN_RATING, 91)}], ids=repr
)
@pytest.mark.parametrize("second", [5, 10])
def test_what_is_unknown_of_a_thread_matters_in_its_range_and_nowhere_else(
    archive: Archive, unknown: dict[str, Any], second: int
) -> None:
    refill(archive, [_rated_conversation(101, (), _reply(second, 1, 91, 1)._replace(**unknown))])
    in_range = second < 10
    assert counted(archive, IN_THE_RANGE) == (None if in_range else [RatingCounts()])
    with archive.reading() as snapshot:
        helped = snapshot.customers_helped(IN_THE_RANGE)
    assert helped == (({91} if "rating" in unknown else None) if in_range else set())


def test_conversations_of_any_age_have_ratings(archive: Archive) -> None:
    old = Row(CREATED - 10**8, 101, 1, 10, "email", "active", "published", ())
    reply = Thread(CREATED + 5, 1, "message", by="user", author=1, customer=91)
    refill(archive, [Activity(old, (reply,))])
    query = CountQuery(ConversationQuery(SPANS), COUNTED, ((CREATED, CREATED + 10),), "ratings")
    assert counted(archive, query) == [RatingCounts(helped=1)]


def test_each_rating_counts_and_each_customer_once(archive: Archive) -> None:
    refill(archive, RATED)
    assert counted(archive, IN_THE_RANGE) == [RatingCounts(2, 0, 1, 2, 3)]


def test_conversations_that_do_not_count_have_neither_ratings_nor_customers(
    archive: Archive,
) -> None:
    refill(archive, RATED)
    assert counted(archive, IN_THE_RANGE, {101}) == [RatingCounts(0, 0, 1, 1, 2)]
    assert counted(archive, IN_THE_RANGE, {101, 102}) == [RatingCounts()]


def test_what_workflows_sent_helps_if_the_query_says_so(archive: Archive) -> None:
    refill(archive, RATED)
    manual = replace(IN_THE_RANGE, automatic_replies=False)
    assert counted(archive, manual) == [RatingCounts(2, 0, 1, 2, 2)]


def test_all_buckets_of_a_range_are_one(archive: Archive) -> None:
    refill(archive, RATED)
    cut = replace(IN_THE_RANGE, ranges=((CREATED, CREATED + 2, CREATED + 10),))
    assert counted(archive, cut) == counted(archive, IN_THE_RANGE)


@pytest.mark.parametrize(
    ("tags", "all_tags", "ratings"), [({3, 4}, False, 3), ({3, 4}, True, 2), ({4}, True, 2)]
)
def test_ratings_are_of_conversations_with_one_of_the_tags_or_all(
    archive: Archive, tags: set[int], all_tags: bool, ratings: int
) -> None:
    refill(archive, [*RATED, _rated_conversation(103, (), _reply(5, 6, 95, 1))])
    which = replace(COUNTED, tags=frozenset(tags), all_tags=all_tags)
    found = counted(archive, replace(IN_THE_RANGE, filter=which))
    assert found is not None
    assert sum(found[0][:3]) == ratings


@pytest.mark.parametrize("users", [frozenset(), frozenset({1}), frozenset({1, 2})])
@pytest.mark.parametrize("mailboxes", [frozenset(), frozenset({1})])
@pytest.mark.parametrize("tags", [frozenset(), frozenset({3, 4})])
def test_sqlite_reads_the_threads_of_a_range_in_indexes_of_their_own(
    tmp_path: Path, users: frozenset[int], mailboxes: frozenset[int], tags: frozenset[int]
) -> None:
    which = replace(COUNTED, tags=tags)
    needed = ConversationQuery(SPANS, mailboxes)
    query = CountQuery(needed, which, ((0, 10),), "ratings", users)
    url = f"sqlite:///{tmp_path}/archive.db"
    with open_archive(url, create=True) as archive, archive.reading() as snapshot:
        steps = plan_of(snapshot, lambda: snapshot.count_ratings(query))
    threads = [each for each in steps if each.startswith("SEARCH t ") and "thread_no_" not in each]
    if mailboxes | tags:  # an index has the few conversations without a value
        threads = [each for each in threads if "(conversation=? " not in each]
    assert threads == [
        "SEARCH t USING INDEX thread_rated (created>? AND created<?)",
        "SEARCH t USING INDEX thread_reply (created>? AND created<?)",
    ]
    assert steps.count("SEARCH c USING INTEGER PRIMARY KEY (rowid=?)") == 2


def plan_of(snapshot: Snapshot, do: Callable[[], object]) -> list[str]:
    """How SQLite executes the statements of a call."""
    connection = snapshot._connection
    statements: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, given: Any, *_: object) -> None:
        statements.append((statement, given))

    event.listen(connection, "before_cursor_execute", note)
    do()
    event.remove(connection, "before_cursor_execute", note)
    return [
        step.detail
        for statement, given in statements
        for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
    ]

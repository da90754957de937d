"""Ratings, customers and messages of an archive, with what has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from compat.archive.database import Archive, open_archive
from compat.archive.records import LAYERS
from compat.core.calendar import FIRST_SECOND
from compat.core.counting import UNTAGGED, CountQuery, Filter, RatingCounts
from compat.core.intervals import Coverage, Interval
from compat.core.models import Activity, ActivityQuery, ConversationQuery, Rating, Row, Thread
from compat.sources.activity_merge import Changes
from compat.sources.archive_activity import KnownActivity, activity_query, obstacle
from tests.unit.archive.drawn_activities import refill
from tests.unit.archive.samples import CREATED, SEEN

FILTER = Filter(frozenset({"published"}), frozenset({"spam"}))
RANGE = (CREATED, CREATED + 10)
ANN, BEN = 1, 2
GREAT, OKAY, NOT_GOOD = 1, 2, 3


def reply(second: int, id_: int, customer: int, value: int = 0, user: int = ANN) -> Thread:
    """A reply of a user to a customer, who has rated it."""
    rating = Rating(value, customer) if value else None
    sent = Thread(CREATED + second, id_, "message", by="user", author=user, customer=customer)
    return sent._replace(rating=rating, source="email")


def question(second: int, id_: int) -> Thread:
    """A message of a customer."""
    return Thread(CREATED + second, id_, "customer", by="customer", author=91, customer=91)


def conversation(id_: int, *threads: Thread, mailbox: int | None = 1) -> Activity:
    row = Row(CREATED, id_, mailbox, 10, "email", "active", "published", ())
    return Activity(row, threads, customer=91)


HELD = [
    conversation(101, reply(1, 1, 91, GREAT), question(2, 6), reply(3, 7, 99)),
    conversation(102, reply(0, 2, 92, OKAY), reply(9, 3, 93, NOT_GOOD, BEN), question(9, 8)),
    conversation(103, reply(-1, 4, 94, GREAT), reply(10, 5, 95, GREAT), question(10, 9)),
]
CURRENT = conversation(101, reply(4, 10, 96, NOT_GOOD), reply(5, 11, 97, user=BEN), question(0, 12))
QUERY = CountQuery(
    ConversationQuery((Interval(CREATED, CREATED + 9),)), FILTER, (RANGE,), "ratings"
)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with open_archive(f"sqlite:///{tmp_path}/a.db", create=True) as opened:
        refill(opened, HELD)
        yield opened


@pytest.mark.parametrize(
    ("changes", "users", "expected"),
    [
        (Changes(), (), RatingCounts(1, 1, 1, 3, 4)),
        (Changes(), (ANN,), RatingCounts(1, 1, 0, 2, 3)),
        (Changes(), (BEN,), RatingCounts(0, 0, 1, 1, 1)),
        (Changes(frozenset({101})), (), RatingCounts(0, 1, 1, 2, 2)),
        (Changes(frozenset({101}), current=(CURRENT,)), (), RatingCounts(0, 1, 2, 3, 4)),
        (Changes(frozenset({101}), current=(CURRENT,)), (BEN,), RatingCounts(0, 0, 1, 1, 2)),
        (Changes(lost={102: frozenset({2})}), (), RatingCounts(1, 0, 1, 2, 3)),
        (Changes(lost={101: frozenset({1, 6, 7})}), (), RatingCounts(0, 1, 1, 2, 2)),
    ],
)
def test_ratings_and_customers_are_those_of_what_counts_now(
    archive: Archive, changes: Changes, users: tuple[int, ...], expected: RatingCounts
) -> None:
    query = replace(QUERY, users=frozenset(users))
    with archive.reading() as snapshot:
        known = KnownActivity(snapshot, changes, SEEN, 123.5)
        found = known.count_ratings(query)
        assert known.customers_helped(query) == expected[4]
    assert found is not None
    assert ([RatingCounts(*each) for each in found.counts], found.as_of, found.fresh_until) == (
        [expected],
        SEEN,
        123.5,
    )


def test_each_range_of_ratings_has_its_own_numbers(archive: Archive) -> None:
    edges = ((CREATED, CREATED + 2), (CREATED + 9, CREATED + 11))
    changes = Changes(frozenset({101}), current=(CURRENT,))
    with archive.reading() as snapshot:
        known = KnownActivity(snapshot, changes, SEEN, 0.0)
        found = known.count_ratings(replace(QUERY, ranges=edges))
    assert found is not None
    assert [RatingCounts(*each) for each in found.counts] == [
        RatingCounts(0, 1, 0, 1, 1),
        RatingCounts(1, 0, 1, 2, 2),
    ]


def test_automatic_replies_that_came_since_help_only_if_the_convention_says_so(
    archive: Archive,
) -> None:
    sent = conversation(104, reply(1, 20, 98)._replace(source="workflows"))
    with archive.reading() as snapshot:
        known = KnownActivity(snapshot, Changes(current=(sent,)), SEEN, 0.0)
        helped = [
            known.customers_helped(replace(QUERY, automatic_replies=each)) for each in (True, False)
        ]
    assert helped == [5, 4]


@pytest.mark.parametrize(
    ("second", "expected"),
    [(-1, [[2, 0], [0, 1]]), (0, [[3, 0], [0, 1]]), (4, [[2, 1], [0, 1]]), (10, [[2, 0], [0, 1]])],
)
def test_messages_that_came_since_count_in_the_ranges_alone(
    archive: Archive, second: int, expected: list[list[int]]
) -> None:
    """The ranges end with the second before 4 and 10, and before 6 and 11 of another one."""
    edges = ((CREATED, CREATED + 4, CREATED + 10), (CREATED + 90, CREATED + 91, CREATED + 99))
    late = conversation(105, question(91, 30))
    came = conversation(104, question(second, 31), question(2, 32))
    changes = Changes(
        frozenset({101, 102}), current=(late, came, conversation(101, question(3, 6)))
    )
    query = replace(QUERY, ranges=edges, counted="messages")
    with archive.reading() as snapshot:
        found = KnownActivity(snapshot, changes, SEEN, 0.0).count_messages(query)
    assert found is not None
    assert found.counts == expected


def test_a_change_of_which_it_is_unknown_whether_it_counts_makes_all_unknown(
    archive: Archive,
) -> None:
    query = replace(QUERY, conversations=replace(QUERY.conversations, mailboxes=frozenset({1})))
    nowhere = conversation(104, reply(1, 20, 98, GREAT), mailbox=None)
    with archive.reading() as snapshot:
        for changes, is_known in ((Changes(), True), (Changes(current=(nowhere,)), False)):
            known = KnownActivity(snapshot, changes, SEEN, 0.0)
            assert (known.count_ratings(query) is not None) is is_known
            assert (known.customers_helped(query) is not None) is is_known


# What is asked for.


@pytest.mark.parametrize(
    ("tags", "needed"), [({3}, {3}), ({3, UNTAGGED}, set()), ({UNTAGGED}, set()), (set(), set())]
)
def test_conversations_that_count_are_asked_for(tags: set[int], needed: set[int]) -> None:
    spans = (Interval(0, 9),)
    conversations = ConversationQuery(spans, frozenset({1}), frozenset({11}), spam=True)
    which = replace(FILTER, types=frozenset({"chat"}), tags=frozenset(tags))
    assert activity_query(CountQuery(conversations, which, ((0, 10),))) == ActivityQuery(
        spans,
        frozenset({1}),
        frozenset({11}),
        frozenset({"chat"}),
        frozenset(needed),
        spam=True,
    )


def test_it_is_known_why_threads_are_not(tmp_path: Path) -> None:
    reasons = []
    with open_archive(f"sqlite:///{tmp_path}/b.db", create=True) as archive:
        for first in (None, CREATED, FIRST_SECOND):
            if first is not None:
                with archive.lock() as lock, archive.writing(lock) as writer:
                    writer.keep_threads(kept=True)
                    for layer in LAYERS:
                        writer.add_coverage(layer, Coverage(Interval(first, SEEN), SEEN))
            with archive.reading() as snapshot:
                reasons.append(obstacle(snapshot))
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.set_kept_since(CREATED)
        with archive.reading() as snapshot:
            reasons.append(obstacle(snapshot))
    assert reasons == ["threads not kept", "older not read", None, "older not kept"]


def test_an_archive_that_is_empty_still_may_know_all_threads(tmp_path: Path) -> None:
    with open_archive(f"sqlite:///{tmp_path}/c.db", create=True) as archive:
        with archive.lock() as lock, archive.writing(lock) as writer:
            writer.keep_threads(kept=True)
        with archive.reading() as snapshot:
            assert obstacle(snapshot) is None

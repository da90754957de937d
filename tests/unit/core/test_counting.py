"""Which conversations count, and counts that are added up from parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.core.counting import UNTAGGED, BucketCounts, CountQuery, Filter, matching_rows
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Row, UnknownValue

ROW = Row(5, 77, 1, 11, "email", "active", "published", (7,))
PUBLISHED = Filter(frozenset({"published"}), frozenset({"spam"}))
MOST = 12

edges_of_ranges = st.lists(
    st.lists(st.integers(0, MOST), min_size=2, max_size=5, unique=True).map(sorted), max_size=2
)
instants = st.lists(st.integers(-1, MOST + 1), max_size=10)


def counting(*ranges: Sequence[int]) -> CountQuery:
    whole = ConversationQuery((Interval(0, MOST),), mailboxes=frozenset({1}))
    return CountQuery(whole, PUBLISHED, tuple(tuple(edges) for edges in ranges))


def counted(created: Sequence[int], edges: Sequence[int]) -> list[int]:
    return [sum(first <= each < after for each in created) for first, after in pairwise(edges)]


def test_a_conversation_of_an_unknown_type_fails_a_filter_by_type() -> None:
    by_type = Filter(PUBLISHED.states, PUBLISHED.excluded_statuses, types=frozenset({"chat"}))
    with pytest.raises(UnknownValue, match="`type` of conversation 77") as caught:
        by_type.matches(ROW._replace(type=None))
    assert (caught.value.conversation, caught.value.key) == (77, "type")


def test_a_conversation_of_unknown_tags_fails_a_filter_by_tag() -> None:
    by_tag = Filter(PUBLISHED.states, PUBLISHED.excluded_statuses, tags=frozenset({UNTAGGED}))
    with pytest.raises(UnknownValue, match="`tags` of conversation 77") as caught:
        by_tag.matches(ROW._replace(tags=None))
    assert (caught.value.conversation, caught.value.key) == (77, "tags")


@pytest.mark.parametrize(
    "row",
    [
        ROW._replace(type=None, state="draft"),
        ROW._replace(type=None, status="spam"),
        ROW._replace(type=None, tags=(8,)),
        ROW._replace(type="phone", tags=None),
    ],
)
def test_an_unknown_value_does_not_matter_where_another_one_decides(row: Row) -> None:
    which = Filter(
        PUBLISHED.states, PUBLISHED.excluded_statuses, frozenset({"email"}), frozenset({7})
    )
    assert not which.matches(row)


@pytest.mark.parametrize(
    ("tags", "any_of_them", "all_of_them"),
    [
        ((), True, False),
        ((7,), True, False),
        ((7, 8), True, False),
        ((9,), False, False),
    ],
)
def test_a_conversation_without_tags_has_the_tag_for_untagged_ones(
    tags: tuple[int, ...], any_of_them: bool, all_of_them: bool
) -> None:
    which = replace(PUBLISHED, tags=frozenset({UNTAGGED, 7}))
    assert which.matches(ROW._replace(tags=tags)) is any_of_them
    assert replace(which, all_tags=True).matches(ROW._replace(tags=tags)) is all_of_them


@pytest.mark.parametrize(
    ("tags", "any_of_them", "all_of_them"),
    [((), False, False), ((7,), True, False), ((8, 7), True, True), ((7, 8, 9), True, True)],
)
def test_one_of_the_tags_is_enough_or_all_of_them_are_needed(
    tags: tuple[int, ...], any_of_them: bool, all_of_them: bool
) -> None:
    which = replace(PUBLISHED, tags=frozenset({7, 8}))
    assert which.matches(ROW._replace(tags=tags)) is any_of_them
    assert replace(which, all_tags=True).matches(ROW._replace(tags=tags)) is all_of_them


def test_rows_that_nobody_asks_for_may_be_in_another_mailbox_or_folder() -> None:
    assert matching_rows([ROW, ROW._replace(id=78, state="draft")], PUBLISHED, {78: "folder"}) == [
        ROW
    ]


def test_a_row_that_counts_and_may_be_in_another_folder_fails_the_query() -> None:
    with pytest.raises(UnknownValue, match="`folderId` of conversation 77") as caught:
        matching_rows([ROW], PUBLISHED, {77: "folder"})
    assert (caught.value.conversation, caught.value.key) == (77, "folderId")


@pytest.mark.parametrize(
    ("query", "filtered"),
    [
        (counting(), ["mailbox"]),
        (CountQuery(ConversationQuery(()), PUBLISHED, ()), []),
        (
            CountQuery(
                ConversationQuery((), folders=frozenset({11})),
                Filter(frozenset(), frozenset(), frozenset({"chat"}), frozenset({7})),
                (),
            ),
            ["folder", "type", "tags"],
        ),
    ],
)
def test_a_count_query_names_the_fields_that_it_filters_by(
    query: CountQuery, filtered: list[str]
) -> None:
    assert query.filtered_fields == filtered


def test_a_count_query_matches_what_its_filter_matches_in_its_mailboxes() -> None:
    query = counting()
    assert query.matches(ROW)
    assert not query.matches(ROW._replace(mailbox=2))
    assert not query.matches(ROW._replace(status="spam"))


def test_a_count_query_fails_at_a_conversation_that_may_be_in_another_mailbox() -> None:
    with pytest.raises(UnknownValue, match="mailboxId"):
        counting().matches(ROW._replace(mailbox=None))


@given(edges_of_ranges, instants)
def test_conversations_are_added_to_the_bucket_of_their_creation(
    ranges: list[list[int]], created: list[int]
) -> None:
    counts = BucketCounts(counting(*ranges))
    for each in created:
        counts.add_conversation(each, 1)
    assert counts.values == [counted(created, edges) for edges in ranges]


@given(edges_of_ranges, instants)
def test_a_conversation_that_is_added_and_taken_away_changes_nothing(
    ranges: list[list[int]], created: list[int]
) -> None:
    counts = BucketCounts(counting(*ranges))
    for each in created:
        counts.add_conversation(each, 1)
        counts.add_conversation(each, -1)
    assert counts.values == [[0] * (len(edges) - 1) for edges in ranges]


@given(edges_of_ranges, instants, st.lists(st.integers(0, MOST), max_size=3, unique=True))
def test_intervals_add_up_to_the_whole_wherever_it_is_cut(
    ranges: list[list[int]], created: list[int], cuts: list[int]
) -> None:
    """Each part is asked for with ranges inside its interval, and for nothing else."""
    query = counting(*ranges)
    counts = BucketCounts(query)
    for first, after in pairwise([-5, *sorted(cuts), MOST + 5]):

        def count(part: CountQuery, first: int = first, after: int = after) -> list[list[int]]:
            assert (part.conversations, part.filter) == (query.conversations, query.filter)
            (edges,) = part.ranges
            assert first <= edges[0] < edges[-1] <= after
            assert all(one < next_one for one, next_one in pairwise(edges))
            return [counted(created, edges)]

        counts.add_interval(Interval(first, after - 1), count)
    assert counts.values == [counted(created, edges) for edges in ranges]


def test_an_interval_is_added_to_later_ranges_if_the_first_is_outside() -> None:
    counts = BucketCounts(counting((0, 2), (4, 6), (5, 9)))
    counts.add_interval(Interval(4, 9), lambda part: [[1] * (len(part.ranges[0]) - 1)])
    assert counts.values == [[0], [1], [1]]

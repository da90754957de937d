"""Arithmetic on intervals against sets of seconds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.core.intervals import (
    Coverage,
    Interval,
    MaxAges,
    add_coverage,
    coalesce,
    difference,
    intersection,
    lifetime,
    overlaps,
    union,
    usable,
)

MOST = 24

SPANS = st.tuples(st.integers(0, MOST), st.integers(0, 6)).map(
    lambda drawn: Interval(drawn[0], drawn[0] + drawn[1])
)
LISTS = st.lists(SPANS, max_size=6)
KNOWN = st.lists(st.builds(Coverage, SPANS, st.integers(0, MOST + 6)), max_size=6)
AGES = st.builds(MaxAges, st.integers(0, 8), st.integers(0, 30), st.integers(0, 12))


def seconds(*spans: Interval) -> set[int]:
    """The seconds of some spans, one by one."""
    return {second for span in spans for second in range(span.first, span.last + 1)}


def assert_tidy(spans: list[Interval]) -> None:
    """Never empty, in ascending order, without a second in common."""
    assert all(span.first <= span.last for span in spans)
    assert all(span.last < later.first for span, later in pairwise(spans))


def taught(news: list[Coverage]) -> list[Coverage]:
    """What is known after one piece of news after the other."""
    known: list[Coverage] = []
    for one in news:
        known = add_coverage(known, one)
    return known


@given(LISTS)
def test_united_spans_are_the_same_seconds(spans: list[Interval]) -> None:
    result = union(spans)
    assert seconds(*result) == seconds(*spans)
    assert_tidy(result)


@given(LISTS)
def test_united_spans_do_not_touch(spans: list[Interval]) -> None:
    assert all(span.last + 1 < later.first for span, later in pairwise(union(spans)))


def test_neighbours_are_united() -> None:
    assert union([Interval(4, 6), Interval(1, 3), Interval(8, 9)]) == [
        Interval(1, 6),
        Interval(8, 9),
    ]


@given(LISTS, LISTS)
def test_without_leaves_the_seconds_that_are_not_taken(
    wanted: list[Interval], taken: list[Interval]
) -> None:
    result = difference(wanted, taken)
    assert seconds(*result) == seconds(*wanted) - seconds(*taken)
    assert_tidy(result)


@given(SPANS, SPANS)
def test_spans_overlap_if_they_have_a_second_in_common(one: Interval, other: Interval) -> None:
    assert overlaps(one, other) is bool(seconds(one) & seconds(other))


@given(KNOWN)
def test_the_latest_news_of_a_second_counts(news: list[Coverage]) -> None:
    expected = {second: as_of for span, as_of in news for second in seconds(span)}
    known = taught(news)
    assert {second: as_of for span, as_of in known for second in seconds(span)} == expected
    assert_tidy([part.interval for part in known])


@given(KNOWN, st.integers(0, 2 * MOST), AGES)
def test_a_second_is_usable_while_it_is_young_enough(
    news: list[Coverage], now: int, ages: MaxAges
) -> None:
    known = taught(news)
    expected = {
        (second, as_of)
        for span, as_of in known
        for second in seconds(span)
        if now - as_of < most_age(second, as_of, ages)
    }
    parts = usable(known, now, ages)
    assert {(second, as_of) for span, as_of in parts for second in seconds(span)} == expected
    assert_tidy([part.interval for part in parts])


def most_age(second: int, as_of: int, ages: MaxAges) -> int:
    """How old knowledge of a conversation may become, by how old that was when it was fetched."""
    return max(ages.recent, ages.older) if second + ages.settled <= as_of else ages.recent


@pytest.mark.parametrize(
    ("now", "last"),
    [(150, 120), (159, 120), (160, 90), (249, 90), (250, None)],
)
def test_what_was_settled_when_it_was_fetched_is_usable_for_longer(
    now: int, last: int | None
) -> None:
    parts = usable(
        [Coverage(Interval(0, 120), 150)], now, MaxAges(recent=10, older=100, settled=60)
    )
    assert parts == ([] if last is None else [Coverage(Interval(0, last), 150)])


@pytest.mark.parametrize(("first", "parts"), [(90, [Coverage(Interval(90, 90), 150)]), (91, [])])
def test_what_was_not_settled_when_it_was_fetched_is_not(first: int, parts: list[Coverage]) -> None:
    assert usable([Coverage(Interval(first, 120), 150)], 200, MaxAges(10, 100, settled=60)) == parts


@pytest.mark.parametrize(("last", "lives_for"), [(90, 100), (91, 10)])
def test_a_part_lives_long_if_all_of_it_was_settled(last: int, lives_for: int) -> None:
    ages = MaxAges(recent=10, older=100, settled=60)
    assert lifetime(Coverage(Interval(0, last), 150), ages) == lives_for


def test_a_day_settles_a_conversation() -> None:
    assert MaxAges(60, 3600).settled == 86_400


@given(KNOWN, KNOWN)
def test_an_intersection_is_what_both_cover_as_of_the_earlier_time(
    some: list[Coverage], others: list[Coverage]
) -> None:
    one, other = by_second(taught(some)), by_second(taught(others))
    expected = {second: min(one[second], other[second]) for second in one.keys() & other.keys()}
    result = intersection(taught(some), taught(others))
    assert by_second(result) == expected
    assert_tidy([part.interval for part in result])


@given(KNOWN)
def test_coalesced_coverage_is_the_same_in_the_fewest_parts(news: list[Coverage]) -> None:
    known = taught(news)
    result = coalesce(reversed(known))
    assert by_second(result) == by_second(known)
    assert_tidy([part.interval for part in result])
    assert not any(
        part.as_of == later.as_of and part.interval.last + 1 == later.interval.first
        for part, later in pairwise(result)
    )


def test_neighbours_of_the_same_time_are_coalesced_wherever_they_are() -> None:
    known = [((0, 0), 1), ((1, 1), 2), ((2, 3), 3), ((4, 5), 3), ((6, 6), 3), ((8, 9), 3)]
    assert coalesce(Coverage(Interval(*span), as_of) for span, as_of in known) == [
        Coverage(Interval(*span), as_of)
        for span, as_of in [((0, 0), 1), ((1, 1), 2), ((2, 6), 3), ((8, 9), 3)]
    ]


def by_second(known: list[Coverage]) -> dict[int, int]:
    """As of when each second is known."""
    return {second: as_of for span, as_of in known for second in seconds(span)}


@given(SPANS, st.integers(0, 2 * MOST), AGES)
def test_a_part_is_usable_as_a_whole_until_its_lifetime_ends(
    span: Interval, as_of: int, ages: MaxAges
) -> None:
    part = Coverage(span, as_of)
    ends = as_of + lifetime(part, ages)
    assert usable([part], ends, ages) != [part]
    if ends > as_of:
        assert usable([part], ends - 1, ages) == [part]

"""Which conversations count for a query, and which are asked for at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.intervals import Interval
from compat.core.models import ConversationQuery, Row, RowSet
from compat.reports.created import conversation_query, counted_rows
from tests.unit.reports.samples import DAY, FIRST, query, row, span

PLAIN = Conventions()
NEVER_UNTAGGED = Conventions(untagged_tag=None)
UNTAGGED_IS_SEVEN = Conventions(untagged_tag=7)
EACH_TAG = Conventions(tags_match="all")


def counts(kept: Row, conventions: Conventions = PLAIN, **filters: Any) -> bool:
    return counted_rows(RowSet([kept], 0, 0.0), query(**filters), conventions) == [kept]


@pytest.mark.parametrize("state", ["draft", "hidden", "deleted", "a state of tomorrow"])
def test_what_is_not_published_does_not_count(state: str) -> None:
    assert not counts(row(state=state))


@pytest.mark.parametrize("status", ["active", "open", "pending", "closed", "a status of tomorrow"])
def test_every_status_but_spam_counts(status: str) -> None:
    assert counts(row(status=status))
    assert not counts(row(status="spam"))


@pytest.mark.parametrize("state", ["draft", "hidden", "published"])
def test_conventions_say_which_states_count(state: str) -> None:
    others = Conventions(counted_states=frozenset({"draft", "hidden"}))
    assert counts(row(state=state), others) == (state != "published")


def test_conventions_say_which_statuses_do_not_count() -> None:
    no_closed = Conventions(uncounted_statuses=frozenset({"closed", "pending"}))
    kept = ["active", "pending", "closed", "spam"]
    assert [s for s in kept if counts(row(status=s), no_closed)] == ["active", "spam"]


def test_a_spam_draft_does_not_count_where_spam_does() -> None:
    with_spam = Conventions(uncounted_statuses=frozenset())
    assert counts(row(status="spam"), with_spam)
    assert not counts(row(status="spam", state="draft"), with_spam)


def test_types_are_any_of_those_asked_for() -> None:
    kinds = ["email", "chat", "phone", "a type of tomorrow"]
    assert [t for t in kinds if counts(row(type=t), types=("chat", "phone"))] == ["chat", "phone"]
    assert all(counts(row(type=t)) for t in kinds)


@pytest.mark.parametrize(
    ("tags", "any_of", "each_of"),
    [
        ((), False, False),
        ((9,), True, False),
        ((9, 8), True, True),
        ((8, 5, 9), True, True),
        ((5,), False, False),
        ((1,), False, False),
    ],
)
def test_one_tag_of_several_is_enough_unless_conventions_want_each(
    tags: tuple[int, ...], any_of: bool, each_of: bool
) -> None:
    assert counts(row(tags=tags), tags=(8, 9)) == any_of
    assert counts(row(tags=tags), EACH_TAG, tags=(8, 9)) == each_of


def test_tag_one_stands_for_no_tag_at_all() -> None:
    assert counts(row(tags=()), tags=(1,))
    assert not counts(row(tags=(9,)), tags=(1,))


def test_tag_one_is_never_looked_for_among_the_tags() -> None:
    assert not counts(row(tags=(1,)), tags=(1,))


@pytest.mark.parametrize(("tags", "selected"), [((), True), ((9,), True), ((8,), False)])
def test_no_tag_may_stand_next_to_other_tags(tags: tuple[int, ...], selected: bool) -> None:
    assert counts(row(tags=tags), tags=(1, 9)) == selected
    assert counts(row(tags=tags), tags=(9, 1)) == selected


@pytest.mark.parametrize("tags", [(), (9,), (1, 9)])
def test_nothing_is_both_tagged_and_untagged(tags: tuple[int, ...]) -> None:
    assert not counts(row(tags=tags), EACH_TAG, tags=(1, 9))


def test_another_id_may_stand_for_no_tag() -> None:
    assert counts(row(tags=()), UNTAGGED_IS_SEVEN, tags=(7,))
    assert not counts(row(tags=()), UNTAGGED_IS_SEVEN, tags=(1,))
    assert counts(row(tags=(1,)), UNTAGGED_IS_SEVEN, tags=(1,))


def test_no_id_need_stand_for_no_tag() -> None:
    assert not counts(row(tags=()), NEVER_UNTAGGED, tags=(1,))
    assert counts(row(tags=(1,)), NEVER_UNTAGGED, tags=(1,))


def test_filters_must_all_agree() -> None:
    asked: dict[str, Any] = {"types": ("chat",), "tags": (9,)}
    assert counts(row(type="chat", tags=(9,)), **asked)
    assert not counts(row(type="chat", tags=(8,)), **asked)
    assert not counts(row(type="email", tags=(9,)), **asked)


rows = st.builds(
    Row,
    created=st.integers(FIRST, FIRST + 9),
    id=st.integers(1, 99),
    mailbox=st.just(1),
    folder=st.just(11),
    type=st.sampled_from(["email", "chat", "phone"]),
    status=st.sampled_from(["active", "closed", "spam"]),
    state=st.sampled_from(["published", "draft"]),
    tags=st.sets(st.sampled_from([1, 8, 9])).map(tuple),
)


@given(given_rows=st.lists(rows, max_size=8), tags=st.sets(st.sampled_from([1, 8, 9])).map(tuple))
def test_the_order_is_kept_and_each_row_is_judged_alone(
    given_rows: list[Row], tags: tuple[int, ...]
) -> None:
    together = counted_rows(RowSet(given_rows, 0, 0.0), query(tags=tags), PLAIN)
    alone = [each for each in given_rows if counts(each, tags=tags)]
    assert together == alone


def test_a_query_needs_what_was_created_in_its_range() -> None:
    need = conversation_query(query(FIRST, FIRST + 99), PLAIN)
    assert need == ConversationQuery(created=(Interval(FIRST, FIRST + 99),))


def test_a_query_with_a_previous_range_needs_both() -> None:
    asked = query(FIRST, FIRST + 99, previous=span(FIRST - DAY, FIRST))
    spans = conversation_query(asked, PLAIN).created
    assert spans == (Interval(FIRST, FIRST + 99), Interval(FIRST - DAY, FIRST))


def test_mailboxes_and_folders_are_left_to_the_source() -> None:
    need = conversation_query(query(mailboxes=(2, 1), folders=(11,)), PLAIN)
    assert (need.mailboxes, need.folders) == (frozenset({1, 2}), frozenset({11}))


@pytest.mark.parametrize(("statuses", "needed"), [({"spam"}, False), ({"closed"}, True)])
def test_spam_is_asked_for_only_where_it_counts(statuses: set[str], needed: bool) -> None:
    conventions = Conventions(uncounted_statuses=frozenset(statuses))
    assert conversation_query(query(), conventions).spam is needed


def test_what_is_needed_depends_on_no_filter_that_rows_can_tell() -> None:
    plain = conversation_query(query(), PLAIN)
    assert conversation_query(query(types=("chat",), tags=(9,), view_by="day"), PLAIN) == plain

"""A source that can count is asked for counts, and the answer is the same as from rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.core.counting import UNTAGGED, CountQuery, CountResult
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    Progress,
    Row,
    RowSet,
)
from compat.engines.computed import ComputedEngine, load_report
from compat.reports import CountingReport, new_conversations
from compat.v1.query import ReportQuery
from compat.v1.routes import LOCAL_ROUTES, ROUTES, find_route
from tests.strategies import Case, cases
from tests.unit.reports.samples import DAY, FIRST, query, row

ROUTE = find_route("GET", "/v1/reports/conversations/new.json")
PLAIN = Conventions()


class Counter:
    """A source that counts its rows itself, or says that it cannot."""

    ready = True

    def __init__(self, *rows: Row, able: bool = True) -> None:
        self.kept = rows
        self.able = able
        self.count_queries: list[CountQuery] = []
        self.required_data: list[ConversationQuery] = []

    def count(self, count_query: CountQuery, _progress: Progress) -> CountResult | None:
        self.count_queries.append(count_query)
        counts = [
            [
                sum(
                    count_query.filter.matches(row)
                    for row in self.kept
                    if first <= row.created < after
                )
                for first, after in pairwise(edges)
            ]
            for edges in count_query.ranges
        ]
        return CountResult(counts, FIRST + 5, 77.0) if self.able else None

    def rows(self, need: ConversationQuery, _progress: Progress) -> RowSet:
        self.required_data.append(need)
        return RowSet(self.kept, FIRST + 5, 77.0)

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        raise LookupError(query)

    def list_items(self, query: ListQuery) -> ListItems:
        raise AssertionError(query)

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        raise AssertionError(ids)

    def seconds_for(self, _pages: float, _others: float = 0.0) -> float:
        return 0.0

    def close(self) -> None:
        pass


def answers(asked: ReportQuery, conventions: Conventions, *rows: Row) -> list[bytes]:
    """From counts, and from rows."""
    return [
        ComputedEngine(Counter(*rows, able=able)).answer(ROUTE, asked, conventions, Progress()).body
        for able in (True, False)
    ]


def test_no_rows_are_brought_where_the_source_can_count() -> None:
    source = Counter(row())
    computed = ComputedEngine(source).answer(ROUTE, query(), PLAIN, Progress())
    assert (len(source.count_queries), source.required_data) == (1, [])
    assert (computed.as_of, computed.fresh_until) == (FIRST + 5, 77.0)


def test_rows_are_brought_where_it_takes_them() -> None:
    source = Counter(row(), able=False)
    ComputedEngine(source).answer(ROUTE, query(), PLAIN, Progress())
    assert (len(source.count_queries), len(source.required_data)) == (1, 1)


def test_some_reports_take_no_more_than_counts() -> None:
    counting = {
        route.report
        for route in (*LOCAL_ROUTES, *ROUTES)
        if isinstance(load_report(route), CountingReport)
    }
    assert counting == {
        "new_conversations",
        "received_messages",
        "happiness",
        "user_happiness",
    }


def test_a_tally_says_what_the_query_and_the_conventions_say() -> None:
    asked = query(mailboxes=(3,), folders=(4,), types=("chat",), tags=(1, 7))
    count_query = new_conversations.count_query(
        asked, Conventions(tags_match="all", default_view_by="day")
    )
    assert count_query.conversations == new_conversations.required_data(asked, PLAIN)
    assert count_query.filter.types == {"chat"}
    assert count_query.filter.tags == {UNTAGGED, 7}
    assert count_query.filter.all_tags
    assert count_query.ranges == (tuple(FIRST + day * DAY for day in range(8)),)


@pytest.mark.parametrize("included", [True, False])
def test_the_last_edge_is_where_counting_ends(included: bool) -> None:
    count_query = new_conversations.count_query(
        query(FIRST, FIRST), Conventions(end_included=included)
    )
    assert count_query.ranges == ((FIRST, FIRST + included),)


@given(
    case=cases(),
    shift=st.sampled_from([0, 0, 60, -90]),
    tags=st.sets(st.sampled_from([1, 7, 8]), max_size=2),
    match=st.sampled_from(["any", "all"]),
    data=st.data(),
)
def test_an_answer_from_counts_is_the_answer_from_rows(
    case: Case, shift: int, tags: set[int], match: Literal["any", "all"], data: st.DataObject
) -> None:
    kept = [
        row(
            created - 60 * shift,
            id=at,
            tags=data.draw(st.sampled_from([(), (7,), (8, 7)])),
            status=data.draw(st.sampled_from(["active", "closed", "spam"])),
            state=data.draw(st.sampled_from(["published", "published", "draft"])),
        )
        for at, created in enumerate(case.instants)
    ]
    conventions = Conventions(
        clock_shift_minutes=shift,
        month_step=case.month_step,
        end_included=case.end_included,
        tags_match=match,
    )
    asked = query(case.start, case.end, view_by=case.view_by, tags=tuple(tags))
    counted, brought = answers(asked, conventions, *kept)
    assert counted == brought

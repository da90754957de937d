"""The engine that counts: it asks the report, then the source, then the report again."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from compat.config.conventions import Conventions
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Document,
    ListItem,
    ListItems,
    ListQuery,
    Progress,
    Row,
    RowSet,
)
from compat.engines.computed import ComputedEngine, load_report
from compat.v1.models import Envelope, NewConversations
from compat.v1.query import ListPageQuery
from compat.v1.routes import LOCAL_ROUTES, ROUTES, Route, find_route, route_of_report
from tests.unit.reports.samples import DAY, FIRST, query, row

ROUTE = find_route("GET", "/v1/reports/conversations/new.json")
PLAIN = Conventions()


class Hand:
    """A source that notes what it is asked and gives what it has."""

    ready = True

    def __init__(self, *rows: Row) -> None:
        self.found = RowSet(rows, FIRST + 5, 77.0)
        self.asked: list[tuple[ConversationQuery, Progress]] = []
        self.activity_queries: list[tuple[ActivityQuery, Progress]] = []
        self.list_queries: list[ListQuery] = []
        self.shown: list[tuple[list[int], Progress]] = []

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        self.asked.append((need, progress))
        return self.found

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        self.activity_queries.append((query, progress))
        return ActivitySet((), FIRST + 7, 79.0)

    def list_items(self, query: ListQuery) -> ListItems:
        self.list_queries.append(query)
        return ListItems((), FIRST + 6, 78.0)

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        self.shown.append((list(ids), progress))
        return ()

    def seconds_for(self, _pages: float, _others: float = 0.0) -> float:
        return 0.0

    def close(self) -> None:
        pass


def test_the_source_is_asked_once_for_what_the_report_needs() -> None:
    source, progress = Hand(), Progress()
    ComputedEngine(source).answer(ROUTE, query(mailboxes=(3,)), PLAIN, progress)
    ((need, handed_on),) = source.asked
    assert need.mailboxes == frozenset({3})
    assert handed_on is progress


def test_the_body_is_the_answer_as_json() -> None:
    asked = query(FIRST, FIRST + 2 * DAY - 1, view_by="day")
    computed = ComputedEngine(Hand(row(FIRST))).answer(ROUTE, asked, PLAIN, Progress())
    assert isinstance(computed.answer, NewConversations)
    assert json.loads(computed.body) == {
        "current": [
            {"start": "2015-01-01T00:00:00Z", "count": 1},
            {"start": "2015-01-02T00:00:00Z", "count": 0},
        ]
    }
    assert computed.body == computed.answer.model_dump_json().encode()


def test_an_answer_is_as_old_as_what_it_was_counted_from() -> None:
    computed = ComputedEngine(Hand()).answer(ROUTE, query(), PLAIN, Progress())
    assert (computed.as_of, computed.fresh_until) == (FIRST + 5, 77.0)
    assert computed.engine == "computed"


def test_conventions_reach_the_report() -> None:
    conventions = Conventions(counted_states=frozenset({"draft"}))
    computed = ComputedEngine(Hand(row(state="draft"), row())).answer(
        ROUTE, query(), conventions, Progress()
    )
    assert json.loads(computed.body)["current"][0]["count"] == 1


def test_a_menu_is_asked_of_the_source_as_one() -> None:
    source = Hand()
    computed = ComputedEngine(source).answer(
        route_of_report("folders"), ListPageQuery(mailbox=3), PLAIN, Progress()
    )
    assert (source.list_queries, source.asked) == ([ListQuery("folders", 3)], [])
    assert computed.answer == Envelope(page=1, pages=0, count=0, items=())
    assert (computed.as_of, computed.fresh_until) == (FIRST + 6, 78.0)


def test_conversations_with_threads_are_asked_of_the_source_as_such() -> None:
    source, progress = Hand(), Progress()
    computed = ComputedEngine(source).answer(
        route_of_report("received_messages"), query(mailboxes=(3,)), PLAIN, progress
    )
    ((needed, handed_on),) = source.activity_queries
    assert (needed.mailboxes, source.asked) == (frozenset({3}), [])
    assert handed_on is progress
    assert (computed.as_of, computed.fresh_until) == (FIRST + 7, 79.0)


def test_an_answer_of_two_lists_is_as_old_as_the_older_one() -> None:
    class Lists(Hand):
        def list_items(self, query: ListQuery) -> ListItems:
            is_first = query.kind == "mailboxes"
            return ListItems([ListItem(3, "")], FIRST + is_first, 78.0 - is_first)

    computed = ComputedEngine(Lists()).answer(
        route_of_report("one_mailbox"), ListPageQuery(mailbox=3), PLAIN, Progress()
    )
    assert (computed.as_of, computed.fresh_until) == (FIRST, 77.0)


def test_what_is_shown_in_full_is_asked_for_after_the_counting() -> None:
    source, progress = Hand(row(FIRST), row(FIRST + 1, id=2)), Progress()
    computed = ComputedEngine(source).answer(
        route_of_report("new_drilldown"), query(), PLAIN, progress
    )
    ((ids, handed_on),) = source.shown
    assert len(ids) == 2
    assert handed_on is progress
    assert json.loads(computed.body)["conversations"]["count"] == 2
    assert (computed.as_of, computed.fresh_until) == (FIRST + 5, 77.0)


@pytest.mark.parametrize("route", [*ROUTES, *LOCAL_ROUTES], ids=lambda route: route.report)
def test_every_route_leads_to_a_report(route: Route) -> None:
    report = load_report(route)
    assert callable(report.required_data)
    assert callable(report.answer)

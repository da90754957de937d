"""The database counts the same messages as the rules for one conversation do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat.archive.database import Archive
from compat.archive.records import ConversationRecord, ShownThreads
from compat.core.activity import customer_messages
from compat.core.counting import CountQuery, Filter
from compat.core.intervals import Interval
from compat.core.models import Activity, ConversationQuery, Row, Thread, UnknownValue
from tests.unit.archive.count_queries import filters, rows
from tests.unit.archive.samples import CREATED

EXAMPLES = settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
COUNTED = Filter(frozenset({"published"}), frozenset({"spam"}))
EDGES = (CREATED, CREATED + 10, CREATED + 20, CREATED + 30)
TYPES = ("customer", "customer", "message", "chat", "beaconchat", "phone", "note", "lineitem")
ACTIONS = ("default", "default", "imported", "imported-external", "importedExternal", "workflow")


@st.composite
def threads(draw: st.DrawFn, id_: int, *, unknown: bool) -> Thread:
    nothing = [""] if unknown else []
    type_ = draw(st.sampled_from((*TYPES, *nothing)))
    none = [""] if unknown or type_ == "lineitem" else []
    return Thread(
        CREATED + draw(st.integers(-5, 35)),
        id_,
        type_,
        draw(st.sampled_from(["published", "published", "draft", "hidden", *none])),
        by=draw(st.sampled_from(["customer", "user", "team", *nothing])),
        action=draw(st.sampled_from(ACTIONS)),
    )


@st.composite
def activities(draw: st.DrawFn, *, unknown: bool = False) -> list[Activity]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        row = draw(rows(CREATED + draw(st.integers(-50, 30)), 100 + number))
        fields: dict[str, Any] = {}
        if unknown:
            names = st.sampled_from(["mailbox", "folder", "type", "tags"])
            fields = dict.fromkeys(draw(st.sets(names, max_size=1)))
        ids = range(10 * number, 10 * number + draw(st.integers(0, 5)))
        own = sorted(draw(threads(id_, unknown=unknown)) for id_ in ids)
        found.append(Activity(row._replace(**fields), tuple(own)))
    return found


@st.composite
def queries(draw: st.DrawFn) -> CountQuery:
    needed = ConversationQuery(
        (Interval(EDGES[0], EDGES[-1] - 1),),
        draw(st.sampled_from([frozenset(), frozenset({1}), frozenset({2, 9})])),
        draw(st.sampled_from([frozenset(), frozenset({10, 21})])),
    )
    return CountQuery(needed, draw(filters()), (EDGES, EDGES[1:3]), "messages")


@pytest.fixture
def kept(archive: Archive) -> Archive:
    """An archive that keeps threads."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.keep_threads(kept=True)
    return archive


def refill(archive: Archive, held: list[Activity]) -> None:
    """Put these conversations in place of all others."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        writer.remove(range(100, 110), 0)
        writer.save(
            ConversationRecord(each.row, 0, shown=ShownThreads(each.threads, complete=True, seen=0))
            for each in held
        )


def counted(archive: Archive, query: CountQuery) -> list[list[int]] | None:
    with archive.reading() as snapshot:
        return snapshot.count_messages(query)


def loop(held: list[Activity], query: CountQuery) -> list[list[int]]:
    """The same by the rules for one conversation.

    Raises:
        UnknownValue: They depend on a value that is unknown.
    """
    seconds = [
        message.created
        for each in held
        for message in customer_messages(_within(each, query))
        if query.matches(each.row)
    ]
    return [
        [sum(first <= second < after for second in seconds) for first, after in pairwise(edges)]
        for edges in query.ranges
    ]


def _within(activity: Activity, query: CountQuery) -> Activity:
    """The conversation with the threads of the query's ranges alone."""
    threads = [
        thread
        for thread in activity.threads
        if any(edges[0] <= thread.created < edges[-1] for edges in query.ranges)
    ]
    return activity._replace(threads=tuple(threads))


@EXAMPLES
@given(held=activities(), query=queries())
def test_the_database_counts_the_messages_that_a_loop_counts(
    kept: Archive, held: list[Activity], query: CountQuery
) -> None:
    refill(kept, held)
    assert counted(kept, query) == loop(held, query)


@EXAMPLES
@given(held=activities(unknown=True), query=queries())
def test_the_database_counts_nothing_that_depends_on_an_unknown_value(
    kept: Archive, held: list[Activity], query: CountQuery
) -> None:
    refill(kept, held)
    try:
        expected = [loop(held, query), None]
    except UnknownValue:
        expected = [None]
    assert counted(kept, query) in expected


def test_conversations_of_any_age_have_messages(kept: Archive) -> None:
    old = Row(CREATED - 10**8, 101, 1, 10, "email", "active", "published", ())
    message = Thread(CREATED + 15, 1, "customer")
    refill(kept, [Activity(old, (message,))])
    query = CountQuery(ConversationQuery((Interval(*EDGES[:2]),)), COUNTED, (EDGES,), "messages")
    assert counted(kept, query) == [[0, 1, 0]]


@pytest.mark.parametrize(
    ("second", "counts"), [(5, None), (25, None), (-1, [[0] * 3]), (30, [[0] * 3])]
)
@pytest.mark.parametrize(
    "unknown", [{"type": "chat"}, {"type": ""}, {"type": "customer", "state": ""}], ids=repr
)
def test_what_is_unknown_of_a_thread_matters_in_each_bucket_and_nowhere_else(
    kept: Archive, second: int, counts: list[list[int]] | None, unknown: dict[str, Any]
) -> None:
    row = Row(CREATED, 101, 1, 10, "email", "active", "published", ())
    refill(kept, [Activity(row, (Thread(CREATED + second, 1, **unknown),))])
    query = CountQuery(ConversationQuery((Interval(*EDGES[:2]),)), COUNTED, (EDGES,), "messages")
    assert counted(kept, query) == counts

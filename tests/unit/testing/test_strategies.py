"""What the strategies draw: accounts and queries that meet at edges."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from compat.parity.captures.models import OldQuestion
from compat.simulator import Account
from compat.testing import REPORTS, Reference, accounts, cases, old_queries, payloads
from compat.testing.strategies import ANCHORS, Case, Sketch, refused_query
from tests.unit.core import naive
from tests.unit.testing.candidate import text

FAULTS = 6
SPAN = 100 * 86_400
T = TypeVar("T")
UNITS: tuple[Any, ...] = ("day", "week", "month")


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with Reference() as made:
        yield made


def drawn(strategy: st.SearchStrategy[T], fits: Callable[[T], bool]) -> bool:
    """Whether something is drawn that fits; hypothesis complains if nothing is."""
    one = settings(max_examples=3000, database=None, derandomize=True, phases=(Phase.generate,))
    return fits(find(strategy, fits, settings=one))


@given(account=accounts(most=4))
def test_an_account_has_no_more_conversations_than_asked_for(account: Account) -> None:
    assert len(account.conversations()) <= 4


@given(account=accounts())
def test_conversations_begin_within_a_second_of_an_edge(account: Account) -> None:
    edges = {
        edge
        for anchor in ANCHORS
        for unit in UNITS
        for edge in naive.starts(anchor, anchor + SPAN, unit)
    }
    near = {edge + off for edge in edges for off in (-1, 0, 1)}
    assert all(row.created in near for row in account.conversations())


@pytest.mark.parametrize(
    "fits",
    [
        lambda row: row.status == "spam",
        lambda row: row.state == "draft",
        lambda row: row.type == "phone",
        lambda row: len(row.tag_ids) == 2,
        lambda row: row.assignee_id,
    ],
    ids=["spam", "draft", "phone", "tags", "assigned"],
)
def test_conversations_of_every_kind_are_drawn(fits: Callable[[Any], bool]) -> None:
    assert drawn(accounts(), lambda account: any(map(fits, account.conversations())))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=old_queries(reports=REPORTS, refusals=False))
def test_every_query_is_understood(reference: Reference, query: str) -> None:
    assert reference.answer(query, ()).status == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=old_queries())
def test_every_query_is_understood_or_refused(reference: Reference, query: str) -> None:
    assert reference.answer(query, ()).status in {200, 400}


def test_some_queries_are_refused_unless_refusals_are_off(reference: Reference) -> None:
    assert drawn(old_queries(), lambda query: reference.answer(query, ()).status == 400)


@pytest.mark.parametrize("fault", range(FAULTS))
@pytest.mark.parametrize("report", REPORTS)
def test_a_refused_query_is_refused(reference: Reference, report: str, fault: int) -> None:
    start = ANCHORS[0] - ANCHORS[0] % FAULTS
    query = refused_query(OldQuestion(report, start, start + fault))
    assert reference.answer(query, ()).status == 400


def test_all_faults_are_different() -> None:
    start = ANCHORS[0] - ANCHORS[0] % FAULTS
    queries = [
        refused_query(OldQuestion(REPORTS[0], start, start + fault)) for fault in range(FAULTS)
    ]
    assert (
        len({re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "an instant", each) for each in queries}) == FAULTS
    )


@pytest.mark.parametrize(
    "sign",
    ["tags[0]=", "%3A", "%2B01%3A00", "previousStart=", "viewBy=month", "folders=", "&mailboxes="],
)
def test_queries_are_written_in_every_style(sign: str) -> None:
    assert drawn(old_queries(), lambda query: sign in query.replace("%5B", "[").replace("%5D", "]"))


@pytest.mark.parametrize("beside", [-1, 0, 1])
@pytest.mark.parametrize("edge", ["start", "end"])
def test_conversations_and_queries_meet_at_the_range_s_ends(edge: str, beside: int) -> None:
    def meet(case: Case) -> bool:
        return any(
            f"{edge}={text(row.created - beside)}" in unquote(case.query) for row in case.sketches
        )

    assert drawn(cases(refusals=False), meet)


def test_a_simpler_case_has_less_and_the_simplest_case_has_no_simpler_one() -> None:
    case = Case((Sketch(1, status="spam", tags=(1,)), Sketch(2)), "/v1/x")
    made = list(case.simpler())
    assert made == [
        Case((Sketch(2),), "/v1/x"),
        Case((Sketch(1, tags=(1,)), Sketch(2)), "/v1/x"),
        Case((Sketch(1, status="spam"), Sketch(2)), "/v1/x"),
        Case((Sketch(1, status="spam", tags=(1,)),), "/v1/x"),
    ]
    assert list(Case((), "/v1/x").simpler()) == []


@given(case=cases())
def test_an_account_is_a_new_object_each_time_with_the_same_conversations(case: Case) -> None:
    assert case.account is not case.account
    assert payloads(case.account) == payloads(case.account)

"""Whether the successor counts the second of `end` is found out from conversations, or unknown."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.engines.relay_client import EndProbe
from compat.simulator import Account, Behaviour, Simulator
from compat.v2.client import Client
from compat.v2.errors import Cancelled, ReportsRefused
from tests.unit.engines.successor import Secretive
from tests.unit.v2.upstream import FIRST, Stage, staged

MANNERS: Sequence[Literal["included", "excluded"]] = ("included", "excluded")
REPORT = "/v2/reports/conversations/new"


def calm() -> None:
    """Nothing is called off."""


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, Client]]:
    with staged() as both:
        yield both


def playing(
    stage: tuple[Stage, Client], account: Account, manner: Literal["included", "excluded"]
) -> tuple[Simulator, EndProbe]:
    simulator = Simulator(account, Behaviour(rate_limit=None, report_end=manner), plan="plus")
    stage[0].playing = simulator
    return simulator, EndProbe(stage[1])


def with_rows(*moments: int, **others: object) -> Account:
    account = Account()
    for moment in moments:
        account.add(FIRST + moment, **others)  # type: ignore[arg-type]
    return account


@pytest.mark.parametrize("manner", MANNERS)
def test_one_conversation_shows_it(
    stage: tuple[Stage, Client], manner: Literal["included", "excluded"]
) -> None:
    simulator, probe = playing(stage, with_rows(0), manner)
    assert probe.end_included(calm) is (manner == "included")
    assert simulator.requests[REPORT] == 2


def test_it_is_found_out_once(stage: tuple[Stage, Client]) -> None:
    simulator, probe = playing(stage, with_rows(0), "excluded")
    assert [probe.end_included(calm) for _ in range(3)] == [False, False, False]
    assert simulator.requests[REPORT] == 2


@pytest.mark.parametrize(
    "account",
    [
        Account(),
        with_rows(0, status="spam"),
        with_rows(0, state="draft"),
        with_rows(*(int(time.time()) - FIRST - each for each in range(4))),
    ],
    ids=["empty", "spam alone", "a draft alone", "a row of seconds just now"],
)
@pytest.mark.parametrize("manner", MANNERS)
def test_without_a_conversation_that_shows_it_it_is_unknown(
    stage: tuple[Stage, Client], account: Account, manner: Literal["included", "excluded"]
) -> None:
    _, probe = playing(stage, account, manner)
    assert probe.end_included(calm) is None


@pytest.mark.parametrize("moments", [(0, 1), (0, 1, 2, 3), range(40), (*range(40), 86_400 * 900)])
@pytest.mark.parametrize("manner", MANNERS)
def test_where_none_stands_alone_the_last_of_a_row_is_searched_for(
    stage: tuple[Stage, Client],
    moments: Sequence[int],
    manner: Literal["included", "excluded"],
) -> None:
    simulator, probe = playing(stage, with_rows(*moments), manner)
    assert probe.end_included(calm) is (manner == "included")
    assert simulator.requests[REPORT] < 40


@pytest.mark.parametrize("manner", MANNERS)
def test_reports_alone_can_show_it(
    stage: tuple[Stage, Client], manner: Literal["included", "excluded"]
) -> None:
    behaviour = Behaviour(rate_limit=None, report_end=manner)
    stage[0].playing = Secretive(with_rows(0, 7, 90), behaviour, plan="plus")
    assert EndProbe(stage[1]).end_included(calm) is (manner == "included")


def test_once_something_shows_it_it_is_known(stage: tuple[Stage, Client]) -> None:
    account = Account()
    _, probe = playing(stage, account, "excluded")
    assert probe.end_included(calm) is None
    account.add(FIRST)
    assert probe.end_included(calm) is False


class Forgetful(Simulator):
    """Its reports do not know the newest conversations yet."""

    def respond(self, request):  # type: ignore[no-untyped-def]
        if "reports" not in request.path:
            return super().respond(request)
        newest = self.account.conversations()[-1]
        self.account.spam(newest.id)
        answered = super().respond(request)
        self.account.unspam(newest.id)
        return answered


@pytest.mark.parametrize("manner", MANNERS)
def test_a_conversation_that_reports_do_not_know_shows_nothing(
    stage: tuple[Stage, Client], manner: Literal["included", "excluded"]
) -> None:
    behaviour = Behaviour(rate_limit=None, report_end=manner)
    stage[0].playing = Forgetful(with_rows(0), behaviour, plan="plus")
    assert EndProbe(stage[1]).end_included(calm) is None
    stage[0].playing = Forgetful(with_rows(0, 90), behaviour, plan="plus")
    assert EndProbe(stage[1]).end_included(calm) is (manner == "included")


MOMENTS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 12), st.integers(0, 4000)),
        st.sampled_from(["active", "closed", "spam"]),
        st.sampled_from(["published", "published", "draft"]),
    ),
    max_size=60,
)


@settings(max_examples=min(settings().max_examples, 400))
@given(moments=MOMENTS, manner=st.sampled_from(MANNERS))
def test_the_result_is_right_for_any_account(
    stage: tuple[Stage, Client],
    moments: list[tuple[int, str, str]],
    manner: Literal["included", "excluded"],
) -> None:
    account = Account()
    for moment, status, state in moments:
        account.add(FIRST + moment, status=status, state=state)
    _, probe = playing(stage, account, manner)
    anything = any(row.counts for row in account.conversations())
    assert probe.end_included(calm) is ((manner == "included") if anything else None)


def test_an_account_without_reports_is_an_error(stage: tuple[Stage, Client]) -> None:
    stage[0].playing = Simulator(with_rows(0), Behaviour(rate_limit=None))
    with pytest.raises(ReportsRefused):
        EndProbe(stage[1]).end_included(calm)


def test_the_probe_can_be_cancelled(stage: tuple[Stage, Client]) -> None:
    def stop() -> None:
        raise Cancelled("enough")

    _, probe = playing(stage, with_rows(0), "included")
    with pytest.raises(Cancelled):
        probe.end_included(stop)


@pytest.mark.parametrize("lie", [{"empty_page_rate": 1.0}, {"repeat_rate": 1.0}])
def test_an_empty_or_repeating_list_does_not_mislead_the_probe(
    stage: tuple[Stage, Client], lie: dict[str, float]
) -> None:
    behaviour = Behaviour(rate_limit=None, **lie)  # type: ignore[arg-type]
    stage[0].playing = Simulator(with_rows(*range(0, 90, 3)), behaviour, plan="plus")
    assert EndProbe(stage[1]).end_included(calm) is True

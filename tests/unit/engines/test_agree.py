"""Relayed, computed and the oracle say the same, whatever the successor's manners."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.config.conventions import Conventions
from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import any_folders, questions
from tests.integration.exactness.simulated_upstream import busy_account, upstream
from tests.unit.service.doubles import LONG, basic

EXAMPLES = min(settings().max_examples // 2, 120)
ACCOUNT = busy_account(160, 40)
QUESTIONS = questions(ACCOUNT, any_folders(ACCOUNT)).map(
    lambda asked: replace(asked, states=Asked.states, not_counted=Asked.not_counted)
)
NEW, LIST, HOURS = (
    f"/v1/reports/conversations/{name}.json" for name in ("new", "new-drilldown", "busy-times")
)
MESSAGES = NEW.replace("new", "received-messages")
MANNERS = ("included", "excluded")
ZONE = "Australia/Adelaide"
RULES = [
    Conventions(company_time_zone=ZONE),
    Conventions(company_time_zone=ZONE, end_included=False),
    Conventions(month_step="drifting", default_view_by="month"),
    Conventions(month_step="thirty-days", end_included=False, default_view_by="month"),
    Conventions(empty_buckets_listed=False, default_view_by="day"),
    Conventions(company_time_zone=ZONE, start_snapped="monday", default_view_by="day"),
]


@dataclass
class Pair:
    """Both engines in front of one account."""

    computed: LegacyReports
    relayed: LegacyReports


@pytest.fixture(scope="module")
def pairs() -> Iterator[dict[tuple[str, int], Pair]]:
    """For each manner of the successor and each set of rules."""
    with ExitStack() as stack:
        made = {}
        for manner in MANNERS:
            upstream_server = stack.enter_context(upstream())
            behaviour = Behaviour(
                rate_limit=None,
                index_fractions=True,
                report_end=manner,  # type: ignore[arg-type]
                company_zone=ZONE,
            )
            reach = upstream_server.show(Simulator(busy_account(160, 40), behaviour, plan="plus"))
            for number, rules in enumerate(RULES):
                both = [
                    stack.enter_context(
                        LegacyReports(
                            reach.model_copy(update={"engine": engine, "conventions": rules})
                        )
                    )
                    for engine in ("computed", "relayed")
                ]
                made[manner, number] = Pair(*both)
        yield made


def content(reports: LegacyReports, target: str) -> Any:
    answered = reports.answer(target, authorization=basic(), patience=LONG)
    assert answered.status == 200, answered
    return json.loads(answered.body)


@pytest.mark.parametrize("manner", MANNERS)
@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS)
def test_relayed_counts_are_those_of_the_oracle(
    pairs: dict[tuple[str, int], Pair], manner: str, asked: Asked
) -> None:
    relayed = pairs[manner, 0].relayed
    assert content(relayed, asked.target()) == oracle.answer(asked, ACCOUNT)


@pytest.mark.parametrize("manner", MANNERS)
@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS)
def test_relayed_messages_are_those_of_the_oracle(
    pairs: dict[tuple[str, int], Pair], manner: str, asked: Asked
) -> None:
    relayed = pairs[manner, 0].relayed
    target = asked.target().replace(NEW, MESSAGES)
    assert content(relayed, target) == oracle.received(asked, ACCOUNT)


@pytest.mark.parametrize("manner", MANNERS)
@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS, rules=st.integers(0, len(RULES) - 1))
def test_both_engines_count_alike_by_every_rule_that_may_be_set(
    pairs: dict[tuple[str, int], Pair], manner: str, asked: Asked, rules: int
) -> None:
    pair = pairs[manner, rules]
    assert content(pair.relayed, asked.target()) == content(pair.computed, asked.target())


@pytest.mark.parametrize("manner", MANNERS)
@settings(max_examples=EXAMPLES // 2)
@given(asked=QUESTIONS, rules=st.integers(0, 1))
def test_both_engines_return_the_same_hours(
    pairs: dict[tuple[str, int], Pair], manner: str, asked: Asked, rules: int
) -> None:
    pair, target = pairs[manner, rules], asked.target().replace(NEW, HOURS)
    assert content(pair.relayed, target) == content(pair.computed, target)


APPROXIMATE = {"attachments", "modifiedAt", "waitingSince", "waitingSinceType"}
"""Keys that the list of conversations tells otherwise than a report, or not at all."""


@pytest.mark.parametrize("manner", MANNERS)
@settings(max_examples=max(EXAMPLES // 10, 10))
@given(
    asked=QUESTIONS,
    rules=st.integers(0, 1),
    paging=st.sampled_from(["page=1&rows=1", "page=2&rows=7", "rows=3", "page=3"]),
)
def test_both_engines_list_the_same_conversations(
    pairs: dict[tuple[str, int], Pair], manner: str, asked: Asked, rules: int, paging: str
) -> None:
    target = asked.target().replace(NEW, LIST) + paging
    ours, theirs = (
        content(reports, target)["conversations"]
        for reports in (pairs[manner, rules].computed, pairs[manner, rules].relayed)
    )
    for row in (*ours["results"], *theirs["results"]):
        for key in APPROXIMATE:
            row.pop(key, None)
    assert theirs == ours


@pytest.fixture(scope="module")
def tried() -> Iterator[LegacyReports]:
    """A service that relays from an upstream with every fault there is."""
    behaviour = Behaviour(
        rate_limit=None,
        report_end="excluded",
        fail_rate=0.1,
        drop_rate=0.05,
        cut_rate=0.05,
        truncate_rate=0.05,
        garble_rate=0.05,
    )
    with upstream() as upstream_server:
        reach = upstream_server.show(Simulator(busy_account(160, 40), behaviour, plan="pro"))
        with LegacyReports(
            reach.model_copy(update={"engine": "relayed", "recent_age": 0})
        ) as reports:
            yield reports


@settings(max_examples=EXAMPLES // 2)
@given(asked=QUESTIONS)
def test_from_an_upstream_in_trouble_comes_the_right_number_or_none(
    tried: LegacyReports, asked: Asked
) -> None:
    answered = tried.answer(asked.target(), authorization=basic(), patience=LONG)
    if answered.status == 200:
        assert json.loads(answered.body) == oracle.answer(asked, ACCOUNT)
    else:
        assert answered.status == 503

"""Anything may happen: to the account, to the answers of upstream, to the clock. Each answer is
within what existed, or an honest error; and once the trouble is over, exact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import get_args

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Behaviour
from compat.simulator.behaviour import ChangeKind
from compat.simulator.churn import apply_random_change
from compat.v1.errors import Unavailable
from compat.v1.http import LegacyResponse, error_response
from tests.integration.exactness import changing_account, oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import homes_and_one_view, questions
from tests.integration.exactness.simulated_upstream import (
    BURST,
    NOW,
    Upstream,
    busy_account,
    judged_by,
)
from tests.profiles import THOROUGH
from tests.unit.service.doubles import LONG, ManualClock, basic, only_account, use_manual_clock

EXAMPLES, STEPS = (40, 25) if THOROUGH else (6, 8)
SIZE = {"conversations": 70, "burst": 40}
ACCOUNT = busy_account(**SIZE)
"""What every account of these tests is before anything happens; questions are drawn for it."""

FIRST = ACCOUNT.conversations()[0].created
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)
CALM = Behaviour(rate_limit=None)


def mostly_none(*rates: float) -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 0.0, 0.0, *rates])


BEHAVIOURS = st.builds(
    Behaviour,
    page_size=st.sampled_from([25, 50]),
    empty=st.sampled_from(["array", "absent"]),
    past_end=st.sampled_from(["empty", "not_found"]),
    all_lists_spam=st.booleans(),
    index_fractions=st.booleans(),
    index_lag=mostly_none(1, 30),
    index_lag_lists=st.sampled_from([0, 0, 1, 4]),
    token_lifetime=st.sampled_from([1, 20, 172_800]),
    revoke_rate=mostly_none(0.05, 0.3),
    rate_limit=st.sampled_from([None, None, 400, 12]),
    limit_rate=mostly_none(0.1, 0.5),
    limit_headers=st.sampled_from(["both", "vendor", "standard", "none"]),
    limit_wait=st.sampled_from([None, 0, 3]),
    empty_page_rate=mostly_none(0.2),
    repeat_rate=mostly_none(0.3),
    fail_rate=mostly_none(0.1, 0.4, 1.0),
    drop_rate=mostly_none(0.05, 0.3),
    cut_rate=mostly_none(0.05, 0.3),
    truncate_rate=mostly_none(0.05, 0.3),
    garble_rate=mostly_none(0.05, 0.3),
    latency_spread=st.sampled_from([0.0, 0.0, 0.003]),
    churn=mostly_none(0.3, 1, 3),
    churn_of=st.sampled_from(
        [KINDS, KINDS, ("vanish",), ("arrive",), ("assign", "close", "move", "reopen")]
    ),
    seed=st.integers(0, 9),
)


@contextmanager
def judged(reports: LegacyReports, asked: Asked) -> Iterator[LegacyReports]:
    """The same service by the conventions of a question."""
    judging = judged_by(reports, asked)
    try:
        yield judging
    finally:
        only_account(judging)._calls.close()


def ages(reports: LegacyReports) -> Settings:
    """The settings that say how old what is known may be."""
    return only_account(reports).settings


class HostileLife(RuleBasedStateMachine):
    """One account, one upstream, two services: one that remembers, and one that does not."""

    upstream_server: Upstream
    manual_clock: ManualClock

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.asked = Asked(FIRST, int(NOW.timestamp()))

    @initialize(behaviour=BEHAVIOURS)
    def begins(self, behaviour: Behaviour) -> None:
        self.manual_clock.now = NOW.timestamp()
        account = busy_account(**SIZE)
        account.clock = lambda: self.manual_clock.now
        self.simulator = changing_account.Watched(account, behaviour)
        reach = self.upstream_server.show(self.simulator)
        self.services = [
            changing_account.with_manual_clock(
                self.stack.enter_context(LegacyReports(each)), self.manual_clock
            )
            for each in (reach.model_copy(update={"recent_age": 0, "max_age": 0}), reach)
        ]

    @rule(kind=st.sampled_from(KINDS), times=st.integers(1, 5), seed=st.integers(0, 10**6))
    def something_happens(self, kind: ChangeKind, times: int, seed: int) -> None:
        rng = Random(seed)
        for _ in range(times):
            apply_random_change(self.simulator.account, rng, (kind,))

    @rule(behaviour=BEHAVIOURS)
    def upstream_changes_its_manners(self, behaviour: Behaviour) -> None:
        self.simulator.behaviour = behaviour

    @rule(seconds=st.sampled_from([20, 61, 3_600, 7 * 3_600, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.manual_clock.now += seconds

    @rule(
        asked=questions(ACCOUNT, homes_and_one_view(ACCOUNT)),
        style=st.sampled_from(["raw", "encoded", "php"]),
        until_now=st.booleans(),
    )
    def a_question_is_asked(self, asked: Asked, style: str, until_now: bool) -> None:
        if until_now:
            asked = replace(asked, end=int(self.manual_clock.now))
        self.asked = asked
        for reports in self.services:
            self.manual_clock.now += 5  # what happened before is over
            began = self.manual_clock.now
            answer = self._answer(reports, asked, style)
            event(f"answered {answer.status}")
            if answer.status == 200:
                content, as_of = json.loads(answer.body), dict(answer.headers)["Compat-As-Of"]
                since = datetime.fromisoformat(as_of).timestamp()
                bounds = changing_account.bounds(asked, self.simulator, ages(reports), began, since)
                changing_account.check(content, asked, self.simulator.account, *bounds)
            else:
                self._check_honest(answer)

    @rule(asked=questions(ACCOUNT, homes_and_one_view(ACCOUNT)), everything=st.booleans())
    def the_conversations_behind_the_counts_are_asked_for(
        self, asked: Asked, everything: bool
    ) -> None:
        self.asked = asked = Asked(FIRST, int(self.manual_clock.now)) if everything else asked
        for reports in self.services:
            self.manual_clock.now += 5
            began = self.manual_clock.now
            try:
                with judged(reports, asked) as judging:
                    found = judging.compute("new_ids", asked.pairs())
            except Unavailable as error:
                self._check_honest(error_response(error))
                continue
            bounds = changing_account.bounds(
                asked, self.simulator, ages(reports), began, found.as_of
            )
            changing_account.check_ids(
                json.loads(found.body), asked, self.simulator.account, *bounds
            )

    @rule()
    def the_same_is_asked_again(self) -> None:
        self.a_question_is_asked(self.asked, "raw", until_now=False)

    @rule()
    def all_is_quiet(self) -> None:
        self.simulator.behaviour = CALM
        self.manual_clock.now += 7 * 3_600
        for reports in self.services:
            answer = self._answer(reports, self.asked, "raw")
            assert answer.status == 200, answer
            assert json.loads(answer.body) == oracle.answer(self.asked, self.simulator.account)

    def teardown(self) -> None:
        if hasattr(self, "services"):
            try:
                self.all_is_quiet()
            finally:
                self.stack.close()

    def _answer(self, reports: LegacyReports, asked: Asked, style: str) -> LegacyResponse:
        with judged(reports, asked) as judging:
            return judging.answer(asked.target(style), authorization=basic(), patience=LONG)

    def _check_honest(self, answer: LegacyResponse) -> None:
        content = json.loads(answer.body)
        assert (answer.status, content["code"]) == (503, 503), answer
        assert int(dict(answer.headers)["Retry-After"]) >= 1
        assert self.simulator.behaviour != CALM, answer


def test_every_answer_is_within_what_existed_and_exact_once_all_is_quiet(
    upstream_server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Machine(HostileLife):
        pass

    Machine.upstream_server = upstream_server
    Machine.manual_clock = use_manual_clock(monkeypatch)
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS),
    )


HARD = {
    "rows vanish between pages": Behaviour(churn=2, churn_of=("vanish", "merge")),
    "rows arrive between pages": Behaviour(churn=1, churn_of=("arrive",)),
    "rows move between pages": Behaviour(churn=2, churn_of=("assign", "close", "move", "reopen")),
    "pages come empty": Behaviour(empty_page_rate=0.4),
    "the index keeps fractions": Behaviour(index_fractions=True),
    "the index lags": Behaviour(churn=1, index_lag_lists=3),
}
"""The worst faults for each part of fetching, each alone and all the time."""


@pytest.mark.parametrize("trouble", HARD)
def test_no_conversation_is_lost_or_made_up(
    upstream_server: Upstream, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    manual_clock = use_manual_clock(monkeypatch)
    answered = 0
    for seed in range(5):
        manual_clock.now = NOW.timestamp()
        account = busy_account(**SIZE)
        account.clock = lambda: manual_clock.now
        behaviour = replace(HARD[trouble], seed=seed, rate_limit=None)
        simulator = changing_account.Watched(account, behaviour)
        asked = Asked(FIRST, BURST)
        with LegacyReports(upstream_server.show(simulator)) as reports:
            try:
                found = reports.compute("new_ids", asked.pairs())
            except Unavailable:
                continue
            answered += 1
            bounds = changing_account.bounds(
                asked, simulator, ages(reports), manual_clock.now, found.as_of
            )
        changing_account.check_ids(json.loads(found.body), asked, account, *bounds)
    assert answered >= 3


def test_most_questions_are_answered_in_spite_of_it(
    upstream_server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual_clock = use_manual_clock(monkeypatch)
    manual_clock.now = NOW.timestamp()
    account = busy_account(**SIZE)
    account.clock = lambda: manual_clock.now
    bad = Behaviour(
        rate_limit=60,
        limit_rate=0.05,
        revoke_rate=0.05,
        fail_rate=0.1,
        drop_rate=0.03,
        cut_rate=0.03,
        truncate_rate=0.03,
        garble_rate=0.03,
        empty_page_rate=0.05,
        repeat_rate=0.1,
        churn=0.3,
        index_lag_lists=2,
    )
    reach = upstream_server.show(changing_account.Watched(account, bad))
    forgetful = reach.model_copy(update={"recent_age": 0, "max_age": 0})
    asked = Asked(account.conversations()[0].created, int(manual_clock.now), view_by="month")
    with LegacyReports(forgetful) as reports:
        changing_account.with_manual_clock(reports, manual_clock)
        answers = [reports.answer(asked.target(), authorization=basic()) for _ in range(10)]
    assert [answer.status for answer in answers].count(200) >= 8

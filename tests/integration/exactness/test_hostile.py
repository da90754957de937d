"""Exact or not at all: any question, however badly upstream behaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import any_folders, questions
from tests.integration.exactness.simulated_upstream import busy_account, judged_by, upstream
from tests.unit.service.doubles import LONG, basic, only_account

EXAMPLES = min(settings().max_examples // 2, 300)

HOSTILE = {
    "as it is today": Behaviour(rate_limit=None, index_fractions=True),
    "failing": Behaviour(
        rate_limit=None,
        empty="absent",
        past_end="not_found",
        repeat_rate=0.3,
        all_lists_spam=False,
        index_fractions=True,
        token_lifetime=2,
        fail_rate=0.15,
        drop_rate=0.03,
        cut_rate=0.03,
        truncate_rate=0.03,
        garble_rate=0.03,
    ),
    "lying": Behaviour(
        rate_limit=None,
        page_size=50,
        repeat_rate=0.3,
        index_fractions=True,
        empty_page_rate=0.1,
        fail_rate=0.15,
        truncate_rate=0.05,
        seed=2,
    ),
}


@dataclass(frozen=True)
class Scene:
    """An account behind a hostile server, and two services that ask it.

    Attributes:
        account: Which does not change.
        fresh: Fetches everything anew.
        keeping: Remembers what it saw, from question to question.
    """

    account: Account
    fresh: LegacyReports
    keeping: LegacyReports


@pytest.fixture(scope="module", params=HOSTILE)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    account = busy_account()
    with ExitStack() as stack:
        upstream_server = stack.enter_context(upstream())
        settings = upstream_server.show(Simulator(account, HOSTILE[request.param]))
        forgetful = settings.model_copy(update={"recent_age": 0, "max_age": 0})
        yield Scene(
            account,
            stack.enter_context(LegacyReports(forgetful)),
            stack.enter_context(LegacyReports(settings)),
        )


ACCOUNT = busy_account()
"""Equal to that of every scene; questions are drawn before there is one."""


@settings(max_examples=EXAMPLES)
@given(
    asked=questions(ACCOUNT, any_folders(ACCOUNT)),
    style=st.sampled_from(["raw", "encoded", "php"]),
)
def test_every_report_is_exact(scene: Scene, asked: Asked, style: str) -> None:
    expected = oracle.answer(asked, scene.account)
    for reports in (scene.fresh, scene.keeping):
        judging = judged_by(reports, asked)
        answer = judging.answer(asked.target(style), authorization=basic(), patience=LONG)
        only_account(judging)._calls.close()
        assert answer.status in {200, 503}, answer
        if answer.status == 200:
            assert json.loads(answer.body) == expected


def test_a_plain_question_is_answered_all_the_same(scene: Scene) -> None:
    created = [row.created for row in scene.account.conversations()]
    asked = Asked(min(created), max(created), view_by="day")
    answers = [
        scene.fresh.answer(asked.target(), authorization=basic(), patience=LONG) for _ in range(3)
    ]
    content = [json.loads(answer.body) for answer in answers if answer.status == 200]
    assert content
    assert all(each == oracle.answer(asked, scene.account) for each in content)

"""Received messages, exact or not at all: any question, however badly upstream behaves."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from compat.simulator.behaviour import ChangeKind
from compat.simulator.churn import apply_random_change
from compat.simulator.thread import Thread
from compat.v1.http import LegacyResponse
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import any_folders, homes, questions
from tests.integration.exactness.simulated_upstream import (
    Upstream,
    busy_account,
    judged_by,
    upstream,
)
from tests.integration.exactness.test_hostile import HOSTILE
from tests.unit.service.doubles import LONG, basic, only_account

EXAMPLES = max(min(settings().max_examples // 12, 200), 5)
SIZE = {"conversations": 60, "burst": 30}
ACCOUNT = busy_account(**SIZE)
"""Equal to that of every scene before it changes."""

UPSTREAMS = {
    **HOSTILE,
    "cutting chats": Behaviour(rate_limit=None, embedded_chats="bodies", embedded_threads=2),
    "limited": replace(HOSTILE["failing"], limit_rate=0.2, limit_wait=0, embedded_threads=3),
}

SEEN_AT_ONCE: Final = tuple(kind for kind in get_args(ChangeKind) if kind != "vanish")
"""What was deleted may be counted as long as older data may be kept."""


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


@pytest.fixture(scope="module", params=UPSTREAMS)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    account = busy_account(**SIZE)
    with ExitStack() as stack:
        upstream_server = stack.enter_context(upstream())
        settings = upstream_server.show(Simulator(account, UPSTREAMS[request.param]))
        forgetful = settings.model_copy(update={"recent_age": 0, "max_age": 0})
        yield Scene(
            account,
            stack.enter_context(LegacyReports(forgetful)),
            stack.enter_context(LegacyReports(settings)),
        )


def ask(reports: LegacyReports, asked: Asked, style: str = "raw") -> LegacyResponse:
    """The answer about received messages, by the conventions of the question."""
    judging = judged_by(reports, asked)
    target = asked.target(style, path=oracle.MESSAGES)
    answer = judging.answer(target, authorization=basic(), patience=LONG)
    only_account(judging)._calls.close()
    assert answer.status in {200, 503}, answer
    return answer


@settings(max_examples=EXAMPLES)
@given(
    asked=questions(ACCOUNT, any_folders(ACCOUNT)),
    style=st.sampled_from(["raw", "encoded", "php"]),
)
def test_every_answer_is_exact(scene: Scene, asked: Asked, style: str) -> None:
    for reports in (scene.fresh, scene.keeping):
        answer = ask(reports, asked, style)
        if answer.status == 200:
            assert json.loads(answer.body) == oracle.received(asked, scene.account)


def test_a_plain_question_is_answered_all_the_same(scene: Scene) -> None:
    asked = Asked(ACCOUNT.conversations()[0].created, int(ACCOUNT.clock()), view_by="day")
    statuses: list[int] = []
    while 200 not in statuses and len(statuses) < 10:
        statuses.append(ask(scene.fresh, asked).status)
    assert 200 in statuses


@settings(max_examples=EXAMPLES)
@given(
    asked=st.lists(questions(ACCOUNT, any_folders(ACCOUNT)), min_size=2, max_size=4),
    behaviour=st.sampled_from(list(UPSTREAMS.values())),
    seed=st.integers(0, 10**6),
    pace=st.integers(1, 12),
)
def test_changes_between_questions_are_seen_at_once_if_recent_data_may_not_be_old(
    upstream_server: Upstream, asked: list[Asked], behaviour: Behaviour, seed: int, pace: int
) -> None:
    account, rng = busy_account(**SIZE), random.Random(seed)
    reach = upstream_server.show(Simulator(account, behaviour))
    # Whole readings stay, and are brought up to date for each question.
    with LegacyReports(reach.model_copy(update={"recent_age": 0})) as reports:
        for each in asked:
            answer = ask(reports, each)
            if answer.status == 200:
                assert json.loads(answer.body) == oracle.received(each, account)
            for _ in range(pace):
                apply_random_change(account, rng, SEEN_AT_ONCE)


@settings(max_examples=EXAMPLES)
@given(
    asked=questions(ACCOUNT, homes(ACCOUNT)),
    behaviour=st.sampled_from(list(UPSTREAMS.values())),
    seed=st.integers(0, 10**6),
    pace=st.integers(1, 3),
)
def test_every_count_lies_between_what_was_there_throughout_and_what_ever_was(
    upstream_server: Upstream, asked: Asked, behaviour: Behaviour, seed: int, pace: int
) -> None:
    account, rng = busy_account(**SIZE), random.Random(seed)
    ever = _messages(asked, account)
    throughout = set(ever)

    def goes_on(account: Account, _target: str) -> None:
        for _ in range(pace):
            apply_random_change(account, rng)
            now = _messages(asked, account)
            throughout.intersection_update(now)
            ever.update(now)

    reach = upstream_server.show(Simulator(account, behaviour, before_request=goes_on))
    with LegacyReports(reach) as reports:
        answer = ask(reports, asked)
    if answer.status == 503:
        return
    spans = {"current": (asked.start, asked.end)}
    if asked.previous:
        spans["previous"] = asked.previous
    content = json.loads(answer.body)
    assert set(content) == set(spans)
    for name, span in spans.items():
        least = oracle.counted([ever[each] for each in throughout], *span, asked.view_by)
        most = oracle.counted(ever.values(), *span, asked.view_by)
        found = [(bucket["date"], bucket["messages"]) for bucket in content[name]]
        assert [date for date, _ in found] == [date for date, _ in least]
        counts = zip(least, found, most, strict=True)
        assert all(low <= count <= high for (_, low), (_, count), (_, high) in counts)


def _messages(asked: Asked, account: Account) -> dict[int, Thread]:
    """The received messages that are asked for, by their ids."""
    return {each.id: each for each in oracle.messages(asked, account)}

"""Ratings, exact or not at all: any question, however badly upstream behaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.service import LegacyReports
from compat.simulator import Account, Simulator
from compat.v1.http import LegacyResponse
from tests.integration.exactness import rating_oracle as oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import any_folders, questions
from tests.integration.exactness.simulated_upstream import busy_account, judged_by, upstream
from tests.integration.exactness.test_messages import SIZE, UPSTREAMS, Scene
from tests.unit.service.doubles import LONG, basic, only_account

EXAMPLES = max(min(settings().max_examples // 12, 200), 5)
ACCOUNT = busy_account(**SIZE)
"""Equal to that of every scene."""

NOBODY = 4_999
WHO = st.sampled_from(
    [
        *(user.id for user in ACCOUNT.layout.users),
        *(team.id for team in ACCOUNT.layout.teams),
        NOBODY,
    ]
)
QUESTIONS = questions(ACCOUNT, any_folders(ACCOUNT))


@pytest.fixture(scope="module", params=["failing", "cutting chats", "limited"])
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


def ask(reports: LegacyReports, asked: Asked, path: str, others: str = "") -> LegacyResponse:
    """The answer of a report, by the conventions of the question."""
    judging = judged_by(reports, asked)
    target = asked.target(path=path) + others
    answer = judging.answer(target, authorization=basic(), patience=LONG)
    only_account(judging)._calls.close()
    return answer


def assert_happiness(answer: LegacyResponse, expected: oracle.Json) -> None:
    content = json.loads(answer.body)
    content.pop("filterTags", None)
    deltas = content.pop("deltas", None)
    assert (deltas is None) == ("previous" not in expected)
    assert content == {
        name: {key: pytest.approx(float(each)) for key, each in figures.items()}
        for name, figures in expected.items()
    }


@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS)
def test_every_answer_on_happiness_is_exact(scene: Scene, asked: Asked) -> None:
    for reports in (scene.fresh, scene.keeping):
        answer = ask(reports, asked, oracle.HAPPINESS)
        assert answer.status in {200, 503}, answer
        if answer.status == 200:
            assert_happiness(answer, oracle.happiness(asked, scene.account))


@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS, rating=st.integers(0, 3), page=st.integers(1, 3))
def test_every_page_of_ratings_is_exact(scene: Scene, asked: Asked, rating: int, page: int) -> None:
    for reports in (scene.fresh, scene.keeping):
        answer = ask(reports, asked, oracle.RATINGS, f"rating={rating}&page={page}")
        assert answer.status in {200, 503}, answer
        if answer.status == 200:
            expected = oracle.ratings(asked, scene.account, rating=rating, page=page)
            assert json.loads(answer.body) == expected


@settings(max_examples=EXAMPLES)
@given(asked=QUESTIONS, who=WHO)
def test_every_answer_about_a_user_or_a_team_is_exact(scene: Scene, asked: Asked, who: int) -> None:
    users = oracle.users_of(who, scene.account)
    found, listed = (
        ask(scene.keeping, asked, path, f"user={who}&rating=0")
        for path in (oracle.USER_HAPPINESS, oracle.USER_RATINGS)
    )
    assert {found.status, listed.status} <= {200, 503}
    if found.status == 200:
        assert_happiness(found, oracle.happiness(asked, scene.account, users))
        assert _tags(found) == _tags_of(scene.account)
    if listed.status == 200:
        assert json.loads(listed.body) == oracle.ratings(asked, scene.account, users)


def test_plain_questions_are_answered_all_the_same(scene: Scene) -> None:
    asked = Asked(ACCOUNT.conversations()[0].created, int(ACCOUNT.clock()))
    expected = oracle.happiness(asked, scene.account)["current"]
    assert min(expected[f"{word}Count"] for word in ("great", "okay", "notGood")) > 0
    for path in (oracle.HAPPINESS, oracle.RATINGS):
        statuses: list[int] = []
        while 200 not in statuses and len(statuses) < 10:
            statuses.append(ask(scene.fresh, asked, path, "rating=0").status)
        assert 200 in statuses


def _tags(answer: LegacyResponse) -> list[tuple[int, str]]:
    return [(each["id"], each["name"]) for each in json.loads(answer.body)["filterTags"]]


def _tags_of(account: Account) -> list[tuple[int, str]]:
    return [(1, ""), *((tag.id, tag.name) for tag in account.layout.tags)]

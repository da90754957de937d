"""Reports on users and teams, exact or not at all: any question, however badly upstream behaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from hypothesis import given, settings

from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from tests.integration.exactness import user_oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import any_folders, questions
from tests.integration.exactness.simulated_upstream import NOW, busy_account, upstream
from tests.integration.exactness.test_messages import UPSTREAMS
from tests.integration.exactness.user_checks import (
    EMPTY_TEAM,
    allowed,
    ask,
    check_all,
    staff,
    with_empty_team,
)

EXAMPLES = max(min(settings().max_examples // 12, 100), 4)
SIZE = {"conversations": 60, "burst": 30}
ACCOUNT = with_empty_team(busy_account(**SIZE))
"""Equal to that of every scene."""

DAY = 86_400
FIRST = ACCOUNT.conversations()[0].created
ALL = Asked(FIRST, int(NOW.timestamp()), (FIRST - 90 * DAY, FIRST + 30 * DAY), "week")
"""Everything, compared with the beginning of it."""


@dataclass(frozen=True)
class Scene:
    """An account behind a server, and a service that remembers what it saw."""

    account: Account
    reports: LegacyReports


@pytest.fixture(scope="module", params=["plain", "cutting chats", "limited"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    account = with_empty_team(busy_account(**SIZE))
    behaviour = UPSTREAMS.get(request.param, Behaviour(rate_limit=None))
    with ExitStack() as stack:
        server = stack.enter_context(upstream())
        settings_ = server.show(Simulator(account, behaviour))
        yield Scene(account, stack.enter_context(LegacyReports(settings_)))


@settings(max_examples=EXAMPLES)
@given(asked=questions(ACCOUNT, any_folders(ACCOUNT)), user=staff(ACCOUNT))
def test_every_answer_is_exact(scene: Scene, asked: Asked, user: int) -> None:
    check_all(scene.reports, allowed(asked), user, scene.account)


@pytest.mark.parametrize("user", [4101, 4901, EMPTY_TEAM])
def test_the_whole_account_is_answered_all_the_same(scene: Scene, user: int) -> None:
    answered = 0
    for _ in range(10):
        answered = max(answered, check_all(scene.reports, ALL, user, scene.account))
        if answered == 6:
            return
    pytest.fail(f"only {answered} of the answers came")


def test_there_is_something_to_count() -> None:
    each = [user_oracle.report(ALL, user.id, ACCOUNT)["current"] for user in ACCOUNT.layout.users]
    zeros = {name for name in each[0] if not any(figures[name] for figures in each)}
    assert zeros == {"handleTime"}


def test_without_an_archive_customers_ever_helped_are_those_of_the_ranges(scene: Scene) -> None:
    content = None
    while content is None:
        content = ask(scene.reports, ALL, 4101, f"{user_oracle.ROOT}.json")
    assert content["user"]["totalCustomersHelped"] == user_oracle.customers_ever(
        4101, scene.account
    )


def test_who_does_not_exist_has_zeros(scene: Scene) -> None:
    content = None
    while content is None:
        content = ask(scene.reports, ALL, 999_999, f"{user_oracle.ROOT}.json")
    figures = content["current"]
    assert not any(figures[name] for name in ("totalReplies", "resolved", "totalConversations"))
    assert (content["user"]["id"], content["user"]["name"]) == (999_999, "")

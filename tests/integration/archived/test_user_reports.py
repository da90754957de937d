"""Reports on users and teams from an archive: offline, and completed with what changed since."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest

from compat.archive.records import INDEX_LAG
from compat.service import LegacyReports
from compat.simulator.churn import apply_random_change
from tests.integration.archived.offline_service import ask as request
from tests.integration.archived.offline_service import service
from tests.integration.exactness import user_oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.test_messages import SEEN_AT_ONCE
from tests.integration.exactness.user_checks import EMPTY_TEAM, ask, check_all, with_empty_team
from tests.unit.archive.sync.synced_account import DAY, Staged

ANSWERS = 6
"""How many answers there are to one question."""

USER = 4101
TEAM = 4901
START = int(datetime(2014, 9, 1, 12, tzinfo=UTC).timestamp())
END = int(datetime(2015, 6, 14, 23, 59, 59, tzinfo=UTC).timestamp())
QUESTIONS = (
    Asked(START, END, (START - 200 * DAY, START - 1), "week"),
    Asked(START, END, view_by="month", filters={"types": ("email", "phone"), "tags": (1,)}),
    Asked(END - 90 * DAY, END, (END - 181 * DAY, END - 90 * DAY - 1), "day"),
)


@pytest.fixture
def kept(stage: Staged) -> Staged:
    """The sample account with a team without members, and an archive that keeps threads."""
    with_empty_team(stage.account)
    stage.sync(threads=True)
    stage.clock.advance(INDEX_LAG + 60)
    stage.sync(threads=True)
    return stage


def check(reports: LegacyReports, stage: Staged) -> None:
    for asked in QUESTIONS:
        for user in (USER, TEAM, EMPTY_TEAM):
            assert check_all(reports, asked, user, stage.account) == ANSWERS


def test_without_help_scout_the_answers_are_those_of_the_account(kept: Staged) -> None:
    with service(kept, offline=True) as offline:
        check(offline, kept)


def test_an_archive_knows_all_customers_who_were_ever_helped(kept: Staged) -> None:
    asked = Asked(END - DAY, END)
    with service(kept, offline=True) as offline:
        for user in (USER, TEAM, EMPTY_TEAM):
            content = ask(offline, asked, user, f"{user_oracle.ROOT}.json")
            assert content is not None
            ever = user_oracle.customers_ever(user, kept.account)
            assert content["user"]["totalCustomersHelped"] == ever
            assert bool(ever) == (user != EMPTY_TEAM)


def test_what_has_changed_since_is_read_from_help_scout(kept: Staged) -> None:
    rng = random.Random(7)
    with service(kept, recent_age=0, max_age=0) as online:
        check(online, kept)
        for _ in range(40):
            kept.clock.advance(rng.choice((0, 1, 60)))
            apply_random_change(kept.account, rng, SEEN_AT_ONCE)
        check(online, kept)


def test_who_does_not_exist_has_zeros_without_help_scout(kept: Staged) -> None:
    with service(kept, offline=True) as offline:
        target = QUESTIONS[0].target(path=f"{user_oracle.ROOT}.json")
        answered = request(offline, f"{target}user=999")
    assert (answered.status, json.loads(answered.body)["current"]["totalReplies"]) == (200, 0)

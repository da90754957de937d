"""Ratings from an archive that keeps threads: counted there, offline, and brought up to date."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compat.engines.computed import ComputedEngine
from compat.service import LegacyReports
from tests.integration.archived.offline_service import ask, service
from tests.integration.exactness import rating_oracle as oracle
from tests.integration.exactness.oracle import Asked
from tests.unit.archive.sync.synced_account import DAY, SINCE, Staged
from tests.unit.archive.sync.true_threads import known_until

FIRST = int(SINCE.timestamp())


@pytest.fixture
def threaded(stage: Staged) -> Staged:
    stage.sync(threads=True)
    stage.simulator.reset()
    return stage


def questions(stage: Staged) -> list[Asked]:
    last = known_until(stage)
    assert last is not None
    tag = stage.account.layout.tags[0].id
    return [
        Asked(FIRST, last),
        Asked(last - 40 * DAY, last, (last - 90 * DAY, last - 40 * DAY)),
        Asked(FIRST, last, filters={"types": ("email",)}),
        Asked(FIRST, last, filters={"tags": (1, tag)}),
        Asked(FIRST, last, filters={"mailboxes": (stage.account.layout.mailboxes[0].id,)}),
    ]


def content(reports: LegacyReports, asked: Asked, path: str, others: str = "") -> Any:
    answer = ask(reports, asked.target(path=path) + others)
    assert answer.status == 200, answer
    return json.loads(answer.body)


def assert_all_answers(stage: Staged, reports: LegacyReports, asked: Asked) -> None:
    """Compare the answers of all four reports with the account as it is now."""
    _assert_figures(content(reports, asked, oracle.HAPPINESS), asked, stage, None)
    listed = content(reports, asked, oracle.RATINGS, "rating=0")
    assert listed == oracle.ratings(asked, stage.account)
    layout = stage.account.layout
    for who in (layout.users[0].id, layout.teams[0].id):
        users = oracle.users_of(who, stage.account)
        found = content(reports, asked, oracle.USER_HAPPINESS, f"user={who}")
        assert [each["id"] for each in found.pop("filterTags")] == [
            1,
            *(tag.id for tag in layout.tags),
        ]
        _assert_figures(found, asked, stage, users)
        listed = content(reports, asked, oracle.USER_RATINGS, f"user={who}&rating=0")
        assert listed == oracle.ratings(asked, stage.account, users)


def _assert_figures(found: Any, asked: Asked, stage: Staged, users: set[int] | None) -> None:
    found.pop("deltas", None)
    assert found == {
        name: {key: pytest.approx(float(each)) for key, each in figures.items()}
        for name, figures in oracle.happiness(asked, stage.account, users).items()
    }


def test_offline_all_reports_are_answered_without_a_request(threaded: Staged) -> None:
    plain = questions(threaded)[0]
    assert oracle.ratings(plain, threaded.account)["count"] > oracle.PAGE
    with service(threaded, offline=True) as reports:
        for asked in questions(threaded):
            assert_all_answers(threaded, reports, asked)
    assert not threaded.simulator.requests


def test_figures_are_counted_in_the_archive(
    threaded: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_conversations(*_: object) -> None:
        raise AssertionError("conversations were loaded")

    monkeypatch.setattr(ComputedEngine, "_load", no_conversations)
    asked = questions(threaded)[1]
    with service(threaded, offline=True) as reports:
        _assert_figures(content(reports, asked, oracle.HAPPINESS), asked, threaded, None)


def test_what_changed_since_is_counted_as_well(threaded: Staged) -> None:
    layout = threaded.account.layout
    threaded.clock.advance(3600)
    rated = [
        row
        for row in threaded.account.conversations()
        if row.listed and row.status != "spam" and row.type == "email"
    ]
    threaded.account.spam(rated[0].id)
    threaded.account.delete(rated[1].id)
    threaded.account.retag(rated[2].id, [layout.tags[0].id])
    threaded.clock.advance(3600)
    with service(threaded, recent_age=0, max_age=0) as reports:
        for asked in questions(threaded):
            assert_all_answers(threaded, reports, asked)


@pytest.mark.parametrize("path", [oracle.HAPPINESS, oracle.RATINGS])
def test_offline_without_threads_the_answer_says_what_to_do(stage: Staged, path: str) -> None:
    with service(stage, offline=True) as reports:
        answer = ask(reports, Asked(FIRST, FIRST + DAY).target(path=path) + "rating=0")
    (fault,) = json.loads(answer.body)["validationErrors"]
    assert (answer.status, fault["property"]) == (400, "start")
    assert "run `helpscout-v1 sync --threads`" in fault["message"]

"""Answers from an archive: offline as of its synchronisation, else completed to the present."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat.archive.records import INDEX_LAG
from compat.simulator import Behaviour, Simulator
from tests.integration.archived.offline_service import (
    LISTS,
    answer_of,
    ask,
    change_account,
    expected_answer,
    service,
)
from tests.integration.exactness.oracle import Asked, text
from tests.integration.exactness.questions import homes_and_one_view, questions, some
from tests.integration.exactness.simulated_upstream import judged_by
from tests.unit.archive.sync.synced_account import DAY, NOW, SINCE, Clock, Staged, sample_account

FIRST = int(SINCE.timestamp())
LAST = int(NOW.timestamp())
DRAWN_FOR = sample_account(Clock())
"""Equal to the account of each stage. Questions are drawn before a stage exists."""

HOMES = some(
    [each.id for each in DRAWN_FOR.layout.folders if not each.user_id and each.type != "needs_attn"]
)
each_stage = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def everything(**others: Any) -> Asked:
    return Asked(FIRST, LAST - DAY, view_by="month", **others)


def test_what_is_covered_is_answered_without_a_request(stage: Staged) -> None:
    with service(stage) as reports:
        for view_by in ("day", "week", "month"):
            asked = Asked(FIRST, LAST - DAY, view_by=view_by)
            assert answer_of(reports, asked) == expected_answer(stage.account, asked)
    assert not stage.simulator.requests


@each_stage
@given(asked=questions(DRAWN_FOR, HOMES))
def test_offline_every_answer_is_that_of_the_synchronisation(stage: Staged, asked: Asked) -> None:
    with service(stage, offline=True) as reports:
        answer = ask(judged_by(reports, asked), asked.target())
    ends = [asked.end, *([asked.previous[1]] if asked.previous else [])]
    if max(ends) > stage.coverage()[-1].interval.last:
        assert answer.status == 400
        return
    assert answer.status == 200
    assert json.loads(answer.body) == expected_answer(stage.account, asked)


def test_offline_later_changes_do_not_show(stage: Staged) -> None:
    before = copy.deepcopy([expected_answer(stage.account, everything())])
    change_account(stage.account, random.Random(1), 30)
    with service(stage, offline=True) as reports:
        assert [answer_of(reports, everything())] == before
    assert not stage.simulator.requests


@pytest.mark.parametrize("seed", range(6))
def test_what_is_too_old_is_completed_to_the_present(stage: Staged, seed: int) -> None:
    rng = random.Random(seed)
    stage.clock.advance(3 * DAY)
    change_account(stage.account, rng, rng.choice([0, 1, 5, 30]))
    stage.clock.advance(60)
    now = int(stage.clock())
    with service(stage, recent_age=0, max_age=0) as reports:
        for asked in (
            Asked(FIRST, now, view_by="week"),
            Asked(FIRST, now, view_by="month", filters={"tags": (1, 6001)}),
            Asked(LAST - 9 * DAY, now + DAY, (FIRST, LAST), "day", {"types": ("email",)}),
            Asked(FIRST, now, filters={"mailboxes": (stage.account.layout.mailboxes[0].id,)}),
        ):
            assert answer_of(reports, asked) == expected_answer(stage.account, asked)


def test_what_was_modified_is_fetched_and_not_the_rest(stage: Staged) -> None:
    stage.clock.advance(DAY)
    row = next(each for each in stage.account.conversations() if each.counts)
    stage.account.spam(row.id)
    with service(stage, recent_age=0, max_age=0) as reports:
        asked = Asked(FIRST, LAST - DAY)
        assert answer_of(reports, asked) == expected_answer(stage.account, asked)
    assert stage.simulator.requests[LISTS] <= 5


def test_a_deletion_shows_by_the_total(stage: Staged) -> None:
    row = next(each for each in stage.account.conversations() if each.counts)
    stage.account.delete(row.id)
    with service(stage, recent_age=0, max_age=0) as reports:
        assert answer_of(reports, everything()) == expected_answer(stage.account, everything())


@pytest.mark.parametrize("lists_spam", [True, False])
def test_a_deletion_shows_whether_or_not_all_lists_spam(stage: Staged, lists_spam: bool) -> None:
    behaviour = Behaviour(rate_limit=None, all_lists_spam=lists_spam)
    stage.upstream_server.show(Simulator(stage.account, behaviour))
    stage.account.delete(next(e for e in stage.account.conversations() if e.counts).id)
    with service(stage, recent_age=0, max_age=0) as reports:
        assert answer_of(reports, everything()) == expected_answer(stage.account, everything())


def test_the_rest_of_a_range_is_fetched(stage: Staged) -> None:
    stage.account.add(None)
    stage.clock.advance(5)
    asked = Asked(FIRST, int(stage.clock()), view_by="week")
    with service(stage) as reports:
        assert answer_of(reports, asked) == expected_answer(stage.account, asked)
    assert 1 <= stage.simulator.requests[LISTS] <= 2


def test_an_answer_is_as_of_its_oldest_part(stage: Staged) -> None:
    synchronised = min(known.as_of for known in stage.coverage())
    stage.clock.advance(1000)
    with service(stage) as reports:
        local = dict(ask(reports, everything().target()).headers)["Compat-As-Of"]
        mixed = dict(ask(reports, Asked(FIRST, int(stage.clock())).target()).headers)
    assert local == mixed["Compat-As-Of"] == text(synchronised)


def test_views_are_asked_for_upstream(stage: Staged) -> None:
    for view in stage.account.layout.folders:
        if view.type in {"mytickets", "needs_attn", "team"}:
            asked = everything(filters={"folders": (view.id,)})
            with service(stage) as reports:
                assert answer_of(reports, asked) == expected_answer(stage.account, asked)
            assert stage.simulator.requests[LISTS]
            return


@each_stage
@given(data=st.data())
def test_homes_and_views_together_are_exact(stage: Staged, data: st.DataObject) -> None:
    folders = data.draw(homes_and_one_view(DRAWN_FOR))
    asked = everything(filters={"folders": folders})
    with service(stage) as reports:
        assert answer_of(reports, asked) == expected_answer(stage.account, asked)


def test_offline_a_view_is_refused(stage: Staged) -> None:
    view = next(each for each in stage.account.layout.folders if each.type == "team")
    with service(stage, offline=True) as reports:
        answer = ask(reports, everything(filters={"folders": (view.id,)}).target())
    fault = refused(answer)
    assert fault["property"] == "folders"
    assert fault["value"] == str(view.id)


def test_offline_a_range_that_goes_on_is_refused_with_what_is_covered(stage: Staged) -> None:
    until = int(stage.clock()) - INDEX_LAG
    with service(stage, offline=True) as reports:
        within = ask(reports, Asked(FIRST, until - 60).target())
        beyond = ask(reports, Asked(FIRST, until + 60, view_by="day").target())
    assert within.status == 200
    fault = refused(beyond)
    assert (fault["property"], fault["value"]) == ("end", text(until + 60))
    assert "covers 0001-01-01T00:00:00Z to 2015-06-16T" in fault["message"]


def test_offline_a_report_on_threads_is_refused_since_there_are_none(stage: Staged) -> None:
    target = Asked(FIRST, LAST - DAY).target().replace("/new.json", "/received-messages.json")
    with service(stage, offline=True) as reports:
        fault = refused(ask(reports, target))
    assert (fault["property"], fault["value"]) == ("start", text(FIRST))
    assert "run `helpscout-v1 sync --threads`" in fault["message"]


def test_offline_the_previous_range_is_named_if_it_is_that(stage: Staged) -> None:
    future = int(stage.clock()) + DAY
    with service(stage, offline=True) as reports:
        fault = refused(ask(reports, Asked(FIRST, LAST - DAY, (future, future)).target()))
    assert fault["property"] == "previousStart"


def refused(answer: Any) -> dict[str, str]:
    """The one fault that a 400 names."""
    assert answer.status == 400, answer
    (fault,) = json.loads(answer.body)["validationErrors"]
    return dict(fault)

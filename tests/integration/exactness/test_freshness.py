"""Nothing is fetched twice: a query fetches only what is new, or too old to be used again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import DAY
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.service.doubles import LONG, ManualClock, basic, use_manual_clock

HOUR = 3_600
SLACK = 5
"""Seconds by which knowledge may count as older than it is."""
NOW = int(datetime.fromisoformat("2019-06-15T12:30:45Z").timestamp())
WINDOW = re.compile(r"createdAt:\[(\S+) TO (\S+)\]")


@dataclass
class Scene:
    """One account, one service, and a clock for both that is moved by hand."""

    account: Account
    simulator: Simulator
    reports: LegacyReports
    manual_clock: ManualClock

    @property
    def now(self) -> int:
        return int(self.manual_clock.now)

    def ask(self, asked: Asked) -> int:
        """The number of requests upstream that an answer took; the answer is checked."""
        self.simulator.reset()
        answer = self.reports.answer(asked.target(), authorization=basic(), patience=LONG)
        assert answer.status == 200
        assert json.loads(answer.body) == oracle.answer(asked, self.account)
        return self.simulator.requests["/v2/conversations"]

    def fetched(self) -> list[tuple[int, int]]:
        """The windows of creation time that were asked for since the last question."""
        found = [WINDOW.search(target) for target in self.simulator.targets]
        return [(_seconds(window[1]), _seconds(window[2])) for window in found if window]


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@contextmanager
def scene_on(upstream_server: Upstream, manual_clock: ManualClock) -> Iterator[Scene]:
    account = Account(clock=lambda: manual_clock.now)
    for hour in range(40 * 24):
        account.add(NOW - hour * HOUR, tags=[["vip"], [], ["bug"]][hour % 3])
    simulator = Simulator(account, Behaviour(rate_limit=None))
    with LegacyReports(upstream_server.show(simulator)) as reports:
        yield Scene(account, simulator, reports, manual_clock)


@pytest.fixture
def scene(upstream_server: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    manual_clock = use_manual_clock(monkeypatch)
    manual_clock.now = float(NOW)
    with scene_on(upstream_server, manual_clock) as made:
        yield made


def month(now: int) -> Asked:
    """The question of a program that runs every hour: the last thirty days."""
    return Asked(now - 30 * DAY, now, view_by="day")


def test_an_hourly_question_fetches_the_month_once_and_then_only_what_may_have_changed(
    scene: Scene,
) -> None:
    assert scene.ask(month(scene.now)) >= 30 * 24 / 25
    for _ in range(3):
        scene.manual_clock.now += HOUR
        scene.account.add(scene.now - 5)
        assert scene.ask(month(scene.now)) <= 3
        assert min(first for first, _ in scene.fetched()) >= scene.now - HOUR - DAY - SLACK


def test_what_is_too_old_is_fetched_again(scene: Scene) -> None:
    whole = scene.ask(month(scene.now))
    scene.manual_clock.now += 7 * HOUR
    assert scene.ask(month(scene.now)) >= whole - 1


def test_what_was_known_for_a_minute_is_used_for_a_minute(scene: Scene) -> None:
    asked = month(scene.now)
    scene.ask(asked)
    scene.manual_clock.now += 30
    assert scene.ask(Asked(asked.start, asked.end, view_by="week")) == 0
    scene.manual_clock.now += 31
    assert scene.ask(Asked(asked.start, asked.end, view_by="month")) in {1, 2}


@pytest.mark.parametrize(
    ("view_by", "filters"),
    [
        ("week", {}),
        ("month", {}),
        ("day", {"tags": (1,)}),
        ("day", {"tags": (6001, 6078)}),
        ("day", {"types": ("chat", "phone")}),
        ("day", {"mailboxes": (8501,)}),
    ],
)
def test_another_view_tag_type_or_mailbox_of_the_same_past_costs_nothing(
    scene: Scene, view_by: str, filters: dict[str, tuple[int | str, ...]]
) -> None:
    start, end = scene.now - 30 * DAY, scene.now - 2 * DAY
    assert scene.ask(Asked(start, end, view_by="day")) > 10
    scene.manual_clock.now += HOUR
    asked = Asked(start, end, view_by=view_by, filters=filters)  # type: ignore[arg-type]
    assert scene.ask(asked) == 0


def test_a_part_of_what_is_known_costs_nothing(scene: Scene) -> None:
    scene.ask(month(scene.now))
    inside = Asked(scene.now - 20 * DAY, scene.now - 10 * DAY, view_by="day")
    assert scene.ask(inside) == 0


def test_ranges_that_overlap_are_fetched_once(scene: Scene) -> None:
    current, previous = (NOW - 10 * DAY, NOW - 2 * DAY), (NOW - 18 * DAY, NOW - 4 * DAY)
    both = scene.ask(Asked(*current, previous=previous))
    assert both <= 16 * 24 / 24 + 2


def test_a_previous_range_that_was_the_current_one_costs_nothing(scene: Scene) -> None:
    scene.ask(Asked(NOW - 20 * DAY, NOW - 10 * DAY))
    asked = Asked(NOW - 9 * DAY, NOW - 2 * DAY, previous=(NOW - 20 * DAY, NOW - 10 * DAY))
    scene.ask(asked)
    assert min(first for first, _ in scene.fetched()) == NOW - 9 * DAY


def test_the_answer_says_as_of_when_its_oldest_part_is(scene: Scene) -> None:
    scene.ask(month(scene.now))
    scene.manual_clock.now += HOUR
    answer = scene.reports.answer(month(scene.now).target(), authorization=basic(), patience=LONG)
    content = dict(answer.headers)["Compat-As-Of"]
    assert 0 <= NOW - datetime.fromisoformat(content).timestamp() <= SLACK

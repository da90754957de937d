"""`helpscout-v1 parity live`: both engines asked the same about an account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from compat.cli import main
from compat.simulator import Account, Behaviour, Simulator, running

LIVE = ("parity", "live", "--from", "2015-01")
FIRST = 1_420_070_400
DAY = 86_400
Printed = pytest.CaptureFixture[str]


class FaultyReports(Simulator):
    """Its reports do not see what was created in the first second of a day; or fail after a while.

    Attributes:
        lasts: Requests for reports that are answered.
    """

    bent = False
    lasts = 10**6

    def respond(self, request: Any) -> Any:
        if "reports" not in request.path:
            return super().respond(request)
        self.lasts -= 1
        self.behaviour = Behaviour(rate_limit=None, fail_rate=float(self.lasts < 0))
        hidden = [row.id for row in self.account.conversations() if row.created % DAY == 0]
        for each in hidden if self.bent else ():
            self.account.spam(each)
        answered = super().respond(request)
        for each in hidden if self.bent else ():
            self.account.unspam(each)
        return answered


@pytest.fixture(autouse=True)
def retries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def simulator(settings: pytest.MonkeyPatch) -> Iterator[FaultyReports]:
    account = Account()
    for moment in (0, 5 * DAY, 7 * DAY + 1, 9 * DAY - 1, 20 * DAY + 4000, 20 * DAY + 4001):
        account.add(FIRST + moment)
    made = FaultyReports(account, Behaviour(rate_limit=None), plan="plus")
    with running(made) as url:
        settings.setenv("HELPSCOUT_BASE_URL", url)
        yield made


def test_engines_that_agree_exit_with_0(simulator: FaultyReports, capsys: Printed) -> None:
    assert main([*LIVE, "--requests", "60"]) == 0
    shown = capsys.readouterr()
    assert "All answers are equal." in shown.out
    assert "requests were made" in shown.err
    assert sum(simulator.requests.values()) <= 60


def test_engines_that_differ_exit_with_1_and_say_where(
    simulator: FaultyReports, capsys: Printed, tmp_path: Path
) -> None:
    simulator.bent = True
    assert main([*LIVE, "--requests", "60", "--json", str(tmp_path / "verdicts.json")]) == 1
    assert "current[0].count: value" in capsys.readouterr().out
    shown = json.loads((tmp_path / "verdicts.json").read_text("utf-8"))
    assert shown["summary"]["outcomes"]["different"] > 0
    assert all(each["place"].startswith("grid:") for each in shown["verdicts"])


def test_equal_seeds_ask_the_same(simulator: FaultyReports, capsys: Printed) -> None:
    asked = []
    for seed in ("1", "1", "2"):
        simulator.reset()
        assert main([*LIVE, "--requests", "40", "--seed", seed]) == 0
        asked.append([each for each in simulator.targets if "reports" in each])
    capsys.readouterr()
    assert asked[0] == asked[1] != asked[2]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--from", "someday"), "--start: 'someday' is none of 2015, "),
        (("--from", "2015-02", "--to", "2015-01"), "--end must not be before --start"),
        (("--from", "2015-01", "--account", "nobody"), "say which account"),
    ],
)
def test_misuse_exits_with_2(
    simulator: FaultyReports, capsys: Printed, arguments: tuple[str, ...], part: str
) -> None:
    assert main(["parity", "live", *arguments]) == 2
    assert part in capsys.readouterr().err
    assert not simulator.requests


@pytest.mark.parametrize("number", ["19", "-1", "many"])
def test_too_few_requests_are_refused_at_once(capsys: Printed, number: str) -> None:
    assert main([*LIVE, "--requests", number]) == 2
    assert "--requests" in capsys.readouterr().err


def test_a_range_that_takes_more_requests_than_allowed_exits_with_2(
    simulator: FaultyReports, capsys: Printed
) -> None:
    for second in range(1000):
        simulator.account.add(FIRST + 30 * DAY + 2 * second)
    assert main([*LIVE, "--requests", "40"]) == 2
    assert "raise --requests" in capsys.readouterr().err


def test_a_plan_without_reports_exits_with_3(settings: pytest.MonkeyPatch, capsys: Printed) -> None:
    with running(Simulator(Account(), Behaviour(rate_limit=None))) as url:
        settings.setenv("HELPSCOUT_BASE_URL", url)
        assert main(LIVE) == 3
    assert "Plus and Pro plans" in capsys.readouterr().err


def test_trouble_on_the_way_exits_with_3_and_with_1_if_something_differed(
    simulator: FaultyReports, capsys: Printed
) -> None:
    simulator.lasts = 12
    assert main([*LIVE, "--requests", "80"]) == 3
    shown = capsys.readouterr()
    assert "equal" in shown.out
    assert "cannot be fetched" in shown.err
    simulator.lasts, simulator.bent = 12, True
    simulator.behaviour = Behaviour(rate_limit=None)
    assert main([*LIVE, "--requests", "80"]) == 1


def test_only_part_of_a_range_may_be_affordable(simulator: FaultyReports, capsys: Printed) -> None:
    for second in range(300):
        simulator.account.add(FIRST + 2 * DAY + 2 * second)
    assert main([*LIVE, "--requests", "50"]) == 0
    assert "reach no further back than 2015-01-04T00:00:00Z" in capsys.readouterr().err

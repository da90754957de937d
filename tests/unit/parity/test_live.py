"""Both engines, asked the same about a simulated account, within a number of requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compat.config.settings import Settings, SettingsError
from compat.core.calendar import DAY
from compat.core.intervals import Interval
from compat.parity.compare import differences
from compat.parity.live import Both, Sight, Spent
from compat.simulator import Account, Behaviour, Simulator
from compat.v1.errors import Forbidden
from tests.integration.exactness.staging import Upstream, busy_account, upstream
from tests.unit.v2.upstream import FIRST

QUIET = Behaviour(rate_limit=None)


@pytest.fixture(scope="module")
def far_side() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


def shown(
    far_side: Upstream, account: Account, plan: Any = "plus", **manners: Any
) -> tuple[Simulator, Settings]:
    simulator = Simulator(account, Behaviour(rate_limit=None, **manners), plan=plan)
    return simulator, far_side.show(simulator)


def whole(account: Account) -> Interval:
    created = [row.created for row in account.conversations()]
    return Interval(min(created), max(created))


def made(simulator: Simulator) -> int:
    return sum(simulator.requests.values())


def answers(both: Both, sight: Sight) -> list[tuple[str, int]]:
    """The target of each capture, and in how many places the computed answer differs."""
    found = []
    for capture in both.captures(sight):
        path, _, query = capture.target.partition("?")
        pairs = [tuple(pair.split("=")) for pair in query.split("&")]
        told = both.computed.compute("new_conversations", pairs)  # type: ignore[arg-type]
        found.append((path, len(differences(capture.body, told.body))))
    return found


@pytest.mark.parametrize("manner", ["included", "excluded"])
def test_engines_that_agree_differ_nowhere(far_side: Upstream, manner: str) -> None:
    account = busy_account(150, 30)
    simulator, settings = shown(far_side, account, report_end=manner)
    with Both(settings, most=150) as both:
        found = answers(both, both.look(whole(account)))
        assert both.used == made(simulator) <= 150
    assert len(found) > 60
    assert {places for _, places in found} == {0}


class Miscounting(Simulator):
    """Its reports do not see what was created in the first second of a day."""

    def respond(self, request: Any) -> Any:
        hidden = [row.id for row in self.account.conversations() if row.created % DAY == 0]
        if "reports" not in request.path:
            return super().respond(request)
        for each in hidden:
            self.account.spam(each)
        answered = super().respond(request)
        for each in hidden:
            self.account.unspam(each)
        return answered


def test_engines_that_differ_at_an_edge_are_found_out(far_side: Upstream) -> None:
    account = Account()
    for moment in (0, 5 * DAY, 7 * DAY + 1, 9 * DAY - 1, 20 * DAY + 4000):
        account.add(FIRST + moment)
    settings = far_side.show(Miscounting(account, QUIET, plan="pro"))
    with Both(settings, most=100) as both:
        found = answers(both, both.look(Interval(FIRST, FIRST + 30 * DAY)))
    assert any(places for _, places in found)


def test_where_all_would_take_too_much_the_last_days_are_looked_at(far_side: Upstream) -> None:
    account = Account()
    for day in range(40):
        for second in range(25):
            account.add(FIRST + day * DAY + 2 * second)
    simulator, settings = shown(far_side, account)
    wanted = Interval(FIRST, FIRST + 40 * DAY - 1)
    with Both(settings, most=80) as both:
        sight = both.look(wanted)
        assert sight.window.last == wanted.last
        assert FIRST < sight.window.first < wanted.last
        assert (sight.window.first - FIRST) % DAY == 0
        assert len(sight.rows) == 25 * ((wanted.last + 1 - sight.window.first) // DAY)
        assert list(both.captures(sight))
        assert made(simulator) <= 80


def test_a_day_that_is_too_much_is_told(far_side: Upstream) -> None:
    account = Account()
    for second in range(600):
        account.add(FIRST + 2 * second)
    simulator, settings = shown(far_side, account)
    with Both(settings, most=40) as both, pytest.raises(Spent):
        both.look(Interval(FIRST, FIRST + DAY - 1))
    assert made(simulator) <= 40


def test_a_walk_that_takes_more_than_expected_ends_where_requests_do(far_side: Upstream) -> None:
    account = Account()
    account.add(FIRST)
    for second in range(1, 2000):
        account.add(FIRST + 2 * second, status="spam")
    simulator, settings = shown(far_side, account)
    with Both(settings, most=40) as both, pytest.raises(Spent):
        both.look(Interval(FIRST, FIRST + DAY - 1))
    assert made(simulator) <= 45  # requests of one walk that were under way at once


def test_an_account_without_reports_is_told(far_side: Upstream) -> None:
    account = busy_account(20, 0)
    _, settings = shown(far_side, account, plan="standard")
    with Both(settings, most=40) as both, pytest.raises(Forbidden, match="COMPAT_ENGINE"):
        both.look(whole(account))


def test_conventions_that_cannot_be_relayed_are_told_at_the_start(far_side: Upstream) -> None:
    _, settings = shown(far_side, Account())
    rules = settings.conventions.model_copy(update={"clock_shift_minutes": 60})
    with pytest.raises(SettingsError, match="COMPAT_CLOCK_SHIFT_MINUTES"):
        Both(settings.model_copy(update={"conventions": rules}), most=40)

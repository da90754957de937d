"""Both engines answer equal questions about a simulated account, within a limit on requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compat.config.settings import Settings, SettingsError
from compat.core.calendar import DAY
from compat.core.intervals import Interval
from compat.parity.compare import differences
from compat.parity.live import EngineComparison, LiveSample, TooFewRequests
from compat.simulator import Account, Behaviour, Simulator
from compat.v1.errors import Forbidden
from tests.integration.exactness.simulated_upstream import Upstream, busy_account, upstream
from tests.unit.v2.upstream import FIRST

QUIET = Behaviour(rate_limit=None)


@pytest.fixture(scope="module")
def upstream_server() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


def simulated(
    upstream_server: Upstream, account: Account, plan: Any = "plus", **manners: Any
) -> tuple[Simulator, Settings]:
    simulator = Simulator(account, Behaviour(rate_limit=None, **manners), plan=plan)
    return simulator, upstream_server.show(simulator)


def whole(account: Account) -> Interval:
    created = [row.created for row in account.conversations()]
    return Interval(min(created), max(created))


def made(simulator: Simulator) -> int:
    return sum(simulator.requests.values())


def answers(engines: EngineComparison, sample: LiveSample) -> list[tuple[str, int]]:
    """The target of each capture, and in how many places the computed answer differs."""
    found = []
    for capture in engines.captures(sample):
        path, _, query = capture.target.partition("?")
        pairs = [tuple(pair.split("=")) for pair in query.split("&")]
        answer = engines.computed.compute("new_conversations", pairs)  # type: ignore[arg-type]
        found.append((path, len(differences(capture.body, answer.body))))
    return found


@pytest.mark.parametrize("manner", ["included", "excluded"])
def test_engines_that_agree_have_no_differences(upstream_server: Upstream, manner: str) -> None:
    account = busy_account(150, 30)
    simulator, settings = simulated(upstream_server, account, report_end=manner)
    with EngineComparison(settings, max_requests=150) as engines:
        found = answers(engines, engines.fetch_sample(whole(account)))
        assert engines.requests == made(simulator) <= 150
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


def test_engines_that_differ_at_an_edge_are_found(upstream_server: Upstream) -> None:
    account = Account()
    for moment in (0, 5 * DAY, 7 * DAY + 1, 9 * DAY - 1, 20 * DAY + 4000):
        account.add(FIRST + moment)
    settings = upstream_server.show(Miscounting(account, QUIET, plan="pro"))
    with EngineComparison(settings, max_requests=100) as engines:
        found = answers(engines, engines.fetch_sample(Interval(FIRST, FIRST + 30 * DAY)))
    assert any(places for _, places in found)


def test_a_range_that_takes_too_many_requests_is_cut_to_its_last_days(
    upstream_server: Upstream,
) -> None:
    account = Account()
    for day in range(40):
        for second in range(25):
            account.add(FIRST + day * DAY + 2 * second)
    simulator, settings = simulated(upstream_server, account)
    wanted = Interval(FIRST, FIRST + 40 * DAY - 1)
    with EngineComparison(settings, max_requests=80) as engines:
        sample = engines.fetch_sample(wanted)
        assert sample.window.last == wanted.last
        assert FIRST < sample.window.first < wanted.last
        assert (sample.window.first - FIRST) % DAY == 0
        assert len(sample.rows) == 25 * ((wanted.last + 1 - sample.window.first) // DAY)
        assert list(engines.captures(sample))
        assert made(simulator) <= 80


def test_a_day_that_takes_too_many_requests_is_an_error(upstream_server: Upstream) -> None:
    account = Account()
    for second in range(600):
        account.add(FIRST + 2 * second)
    simulator, settings = simulated(upstream_server, account)
    with EngineComparison(settings, max_requests=40) as engines, pytest.raises(TooFewRequests):
        engines.fetch_sample(Interval(FIRST, FIRST + DAY - 1))
    assert made(simulator) <= 40


def test_fetching_that_takes_more_than_expected_ends_at_the_limit(
    upstream_server: Upstream,
) -> None:
    account = Account()
    account.add(FIRST)
    for second in range(1, 2000):
        account.add(FIRST + 2 * second, status="spam")
    simulator, settings = simulated(upstream_server, account)
    with EngineComparison(settings, max_requests=40) as engines, pytest.raises(TooFewRequests):
        engines.fetch_sample(Interval(FIRST, FIRST + DAY - 1))
    assert made(simulator) <= 45  # pages are requested side by side


def test_an_account_without_reports_is_an_error(upstream_server: Upstream) -> None:
    account = busy_account(20, 0)
    _, settings = simulated(upstream_server, account, plan="standard")
    with (
        EngineComparison(settings, max_requests=40) as engines,
        pytest.raises(Forbidden, match="COMPAT_ENGINE"),
    ):
        engines.fetch_sample(whole(account))


def test_conventions_that_cannot_be_relayed_are_an_error_at_the_start(
    upstream_server: Upstream,
) -> None:
    _, settings = simulated(upstream_server, Account())
    rules = settings.conventions.model_copy(update={"clock_shift_minutes": 60})
    with pytest.raises(SettingsError, match="COMPAT_CLOCK_SHIFT_MINUTES"):
        EngineComparison(settings.model_copy(update={"conventions": rules}), max_requests=40)

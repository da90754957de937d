"""A simulated account for the command, and an environment that leads to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from compat.simulator import Account, Behaviour, Simulator, make_account, running
from tests.unit.server.commands import OURS

SINCE = datetime(2015, 1, 1, tzinfo=UTC)
NOW = datetime(2015, 1, 31, tzinfo=UTC)


@pytest.fixture(autouse=True)
def signal_handlers() -> Iterator[None]:
    """Handlers as they were: `sync` leaves its own, which later processes would inherit."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture(scope="package")
def account() -> Account:
    return make_account(120, now=NOW, since=SINCE)


@pytest.fixture(scope="package")
def base_url(account: Account) -> Iterator[str]:
    with running(Simulator(account, Behaviour(rate_limit=None), plan="plus")) as url:
        yield url


@pytest.fixture(scope="package")
def reach(base_url: str) -> dict[str, str]:
    """The settings that lead to the account."""
    return {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "HELPSCOUT_BASE_URL": base_url,
    }


@pytest.fixture
def settings(reach: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This process's environment with those settings; a test may change it."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    for name, value in reach.items():
        monkeypatch.setenv(name, value)
    return monkeypatch

"""A simulated account whose last conversations are new, and its examination."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stamina
from pydantic import SecretStr

from compat.config.settings import Settings
from compat.doctor.examination import Examination, examine
from compat.simulator import Account, Behaviour, Simulator, make_account
from compat.simulator.behaviour import Plan
from tests.integration.exactness.simulated_upstream import Upstream, upstream
from tests.unit.v2.upstream import one_tls_context


@pytest.fixture(scope="package", autouse=True)
def without_waiting_for_retries() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2), one_tls_context():
        yield


@pytest.fixture(scope="package")
def served() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


def account_of(conversations: int = 400, clock: Callable[[], float] = time.time) -> Account:
    """An account whose conversations end now; its clock may differ from this machine's."""
    now = datetime.now(UTC)
    since = now - timedelta(days=900)
    return make_account(conversations, 5, now, since, clock)


class Examiner:
    """Serves accounts and examines them.

    Attributes:
        settings: The settings for the account that is served.
        simulator: The API that serves it.
    """

    settings: Settings
    simulator: Simulator

    def __init__(self, served: Upstream) -> None:
        self._far_side = served

    def show(
        self, account: Account | None = None, plan: Plan = "standard", **behaviour: Any
    ) -> Settings:
        """Serve an account; returns the settings for it."""
        self.simulator = Simulator(account or account_of(), Behaviour(**behaviour), plan=plan)
        settings = self._far_side.show(self.simulator)
        self.settings = settings.model_copy(update={"api_keys": (SecretStr("old-key"),)})
        return self.settings

    def examine(self, **settings: Any) -> Examination:
        """Examine it, with some settings changed."""
        return examine(self.settings.model_copy(update=settings))


@pytest.fixture
def examiner(served: Upstream) -> Examiner:
    examiner = Examiner(served)
    examiner.show()
    return examiner

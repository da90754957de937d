"""A simulated account that lives now, and what the doctor says of it."""

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
from tests.integration.exactness.staging import Upstream, upstream
from tests.unit.v2.upstream import one_tls_context


@pytest.fixture(scope="package", autouse=True)
def asking_again_at_once() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2), one_tls_context():
        yield


@pytest.fixture(scope="package")
def far_side() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


def account_of(conversations: int = 400, clock: Callable[[], float] = time.time) -> Account:
    """An account whose last years end now, by a clock that may differ from this machine's."""
    now = datetime.now(UTC)
    since = now - timedelta(days=900)
    return make_account(conversations, 5, now, since, clock)


class Ward:
    """Where accounts are examined.

    Attributes:
        settings: Those that lead to the account that was shown last.
        simulator: The API that shows it.
    """

    settings: Settings
    simulator: Simulator

    def __init__(self, far_side: Upstream) -> None:
        self._far_side = far_side

    def show(
        self, account: Account | None = None, plan: Plan = "standard", **behaviour: Any
    ) -> Settings:
        """Show an account; the settings that lead to it."""
        self.simulator = Simulator(account or account_of(), Behaviour(**behaviour), plan=plan)
        settings = self._far_side.show(self.simulator)
        self.settings = settings.model_copy(update={"api_keys": (SecretStr("old-key"),)})
        return self.settings

    def examine(self, **settings: Any) -> Examination:
        """Examine it, with some settings changed."""
        return examine(self.settings.model_copy(update=settings))


@pytest.fixture
def ward(far_side: Upstream) -> Ward:
    ward = Ward(far_side)
    ward.show()
    return ward

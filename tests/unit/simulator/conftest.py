"""One simulator without faults, for tests that change nothing."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from compat.simulator import Account, Behaviour, Simulator
from tests.unit.simulator.clients import signed_in, small_account


@pytest.fixture(scope="session")
def account() -> Account:
    return small_account()


@pytest.fixture(scope="session")
def client(account: Account) -> Iterator[httpx.Client]:
    with signed_in(Simulator(account, Behaviour(rate_limit=None), plan="plus")) as client:
        yield client

"""Servers for simulated accounts; retries do not wait in tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from tests.integration.exactness.simulated_upstream import Upstream, upstream


@pytest.fixture(scope="package", autouse=True)
def retries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=8):
        yield


@pytest.fixture(scope="package")
def upstream_server() -> Iterator[Upstream]:
    with upstream() as made:
        yield made

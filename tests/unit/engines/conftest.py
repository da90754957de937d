"""Servers for simulated accounts and scripted ones; retries do not wait in tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.exactness.conftest import retries_without_waiting, upstream_server
from tests.unit.v2.upstream import Upstream, scripted

__all__ = ["retries_without_waiting", "upstream_server"]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted() as made:
        yield made

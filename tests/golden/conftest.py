"""The simulator and one server in front of it, for all tests of this package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.golden import stage


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Where the simulated Mailbox API 2.0 is."""
    with stage.upstream() as url:
        yield url


@pytest.fixture(scope="session")
def server(base_url: str) -> Iterator[stage.Running]:
    """The server, run by its command."""
    with stage.started("serve", "--port", "0", variables=stage.settings(base_url)) as running:
        yield running

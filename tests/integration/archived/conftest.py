"""An account, an archive of it, and a service whose clock is the account's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.conftest import (  # noqa: F401 - fixtures, used by their names
    any_url,
    retries_without_waiting,
    upstream_server,
    url,
)
from tests.unit.archive.sync.synced_account import Clock, Staged, sample_account, staged


@pytest.fixture
def stage(upstream_server: Upstream, any_url: str, monkeypatch: pytest.MonkeyPatch) -> Staged:  # noqa: F811
    """A sample account and an archive that was synchronised a moment ago."""
    clock = Clock()
    monkeypatch.setattr("compat.sources.archive.time", SimpleNamespace(time=clock))
    made = staged(upstream_server, any_url, sample_account(clock), clock)
    made.sync()
    made.simulator.reset()
    return made

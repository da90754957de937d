"""An account, an archive of it, and a service whose clock is the account's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.integration.exactness.staging import Upstream
from tests.unit.archive.sync.conftest import (  # noqa: F401 - fixtures, used by their names
    any_url,
    far_side,
    retries_without_waiting,
    url,
)
from tests.unit.archive.sync.staging import Clock, Staged, sample_account, staged


@pytest.fixture
def stage(far_side: Upstream, any_url: str, monkeypatch: pytest.MonkeyPatch) -> Staged:  # noqa: F811
    """A sample account and an archive that was synchronised a moment ago."""
    clock = Clock()
    monkeypatch.setattr("compat.sources.archive.time", SimpleNamespace(time=clock))
    made = staged(far_side, any_url, sample_account(clock), clock)
    made.sync()
    made.simulator.reset()
    return made

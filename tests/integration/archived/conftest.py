"""An account, an archive of it, and a service whose clock is the account's."""

from __future__ import annotations

import pytest

from tests.integration.archived.offline_service import staged_with_one_clock
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.archive.sync.conftest import (  # noqa: F401 - fixtures, used by their names
    any_url,
    retries_without_waiting,
    upstream_server,
    url,
)
from tests.unit.archive.sync.synced_account import Staged


@pytest.fixture
def stage(upstream_server: Upstream, any_url: str, monkeypatch: pytest.MonkeyPatch) -> Staged:  # noqa: F811
    """A sample account and an archive that was synchronised a moment ago."""
    made = staged_with_one_clock(upstream_server, any_url, monkeypatch)
    made.sync()
    made.simulator.reset()
    return made

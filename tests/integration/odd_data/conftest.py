"""A server for accounts that Mailbox API 2.0 shows in odd ways, and a place for an archive."""

from __future__ import annotations

import pytest

from tests.integration.exactness.simulated_upstream import Upstream
from tests.integration.odd_data.odd_api import OddApi
from tests.unit.archive.sync.conftest import (
    any_url,
    retries_without_waiting,
    upstream_server,
    url,
)

__all__ = ["any_url", "retries_without_waiting", "upstream_server", "url"]


@pytest.fixture
def api(upstream_server: Upstream, any_url: str) -> OddApi:
    """Six conversations, and a place for an archive in SQLite or PostgreSQL."""
    return OddApi.shown(upstream_server, any_url)

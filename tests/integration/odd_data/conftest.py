"""A server for accounts that Mailbox API 2.0 shows in odd ways, and a place for an archive."""

from __future__ import annotations

from tests.unit.archive.sync.conftest import (
    any_url,
    retries_without_waiting,
    upstream_server,
    url,
)

__all__ = ["any_url", "retries_without_waiting", "upstream_server", "url"]

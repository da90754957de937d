"""A server for accounts that Mailbox API 2.0 shows in odd ways, and a place for an archive."""

from __future__ import annotations

from tests.unit.archive.sync.conftest import (
    any_url,
    far_side,
    retries_without_waiting,
    url,
)

__all__ = ["any_url", "far_side", "retries_without_waiting", "url"]

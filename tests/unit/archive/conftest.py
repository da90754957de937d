"""An archive in SQLite and in PostgreSQL: the same tests on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.archive.database import Archive, open_archive
from tests.unit.archive.databases import place


@pytest.fixture(params=["sqlite", "postgresql"])
def archive_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A URL where there is no archive yet."""
    with place(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def archive(archive_url: str) -> Iterator[Archive]:
    """An empty archive."""
    with open_archive(archive_url, create=True) as opened:
        yield opened

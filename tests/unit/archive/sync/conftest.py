"""A server for simulated accounts, and a place for an archive; retries do not wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from tests.integration.exactness.simulated_upstream import Upstream, upstream
from tests.unit.archive.databases import place
from tests.unit.archive.sync.synced_account import Clock, Staged, sample_account, staged
from tests.unit.v2.upstream import one_tls_context


@pytest.fixture(scope="package", autouse=True)
def retries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=8), one_tls_context():
        yield


@pytest.fixture(scope="package")
def upstream_server() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A place for an archive in SQLite."""
    return f"sqlite:///{tmp_path}/archive.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place for an archive, in SQLite and in PostgreSQL."""
    with place(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def stage(upstream_server: Upstream, url: str) -> Staged:
    """A sample account and an empty archive."""
    clock = Clock()
    return staged(upstream_server, url, sample_account(clock), clock)

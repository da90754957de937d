"""Retries without waiting, servers and clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from compat.v2.client import Client
from tests.unit.v2.upstream import Stage, Upstream, client_of, one_tls_context, scripted, staged


@pytest.fixture(autouse=True, scope="session")
def retries_without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True), one_tls_context():
        yield


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted() as upstream:
        yield upstream


@pytest.fixture
def client(upstream: Upstream) -> Iterator[Client]:
    with client_of(upstream.url) as client:
        yield client


@pytest.fixture(scope="session")
def stage_and_client() -> Iterator[tuple[Stage, Client]]:
    with staged() as both:
        yield both

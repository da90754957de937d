"""One server for all tests of this package, and a service of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.asgi import create_app
from compat.service import LegacyReports
from tests.unit.server.threaded_server import Stage, serving
from tests.unit.service.doubles import FIRST, FakeSource, reports_on, row


@pytest.fixture(scope="package")
def stage() -> Iterator[tuple[Stage, int]]:
    empty = Stage()
    with serving(empty, lifespan="off") as port:
        yield empty, port


@pytest.fixture
def fake_source() -> Iterator[FakeSource]:
    made = FakeSource([row(FIRST)])
    yield made
    made.gate.set()


@pytest.fixture
def reports(fake_source: FakeSource) -> Iterator[LegacyReports]:
    with reports_on(fake_source) as made:
        yield made


@pytest.fixture
def port(stage: tuple[Stage, int], reports: LegacyReports) -> int:
    stage[0].app = create_app(reports)
    return stage[1]

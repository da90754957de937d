"""One server for all tests of this package, and a service of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.asgi import create_app
from compat.service import LegacyReports
from tests.unit.server.serving import Stage, serving
from tests.unit.service.doubles import FIRST, Shelf, reports_on, row


@pytest.fixture(scope="package")
def stage() -> Iterator[tuple[Stage, int]]:
    empty = Stage()
    with serving(empty, lifespan="off") as port:
        yield empty, port


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf([row(FIRST)])
    yield made
    made.gate.set()


@pytest.fixture
def reports(shelf: Shelf) -> Iterator[LegacyReports]:
    with reports_on(shelf) as made:
        yield made


@pytest.fixture
def port(stage: tuple[Stage, int], reports: LegacyReports) -> int:
    stage[0].app = create_app(reports)
    return stage[1]

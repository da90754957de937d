"""The service on a source double that answers at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.service import LegacyReports
from tests.unit.service.doubles import FIRST, Hands, Shelf, hold_the_clock, reports_on, row


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return hold_the_clock(monkeypatch)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf([row(FIRST), row(FIRST + 8 * 86_400, id=2)])
    yield made
    made.gate.set()


@pytest.fixture
def reports(shelf: Shelf) -> Iterator[LegacyReports]:
    with reports_on(shelf) as made:
        yield made

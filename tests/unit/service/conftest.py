"""The service on a source double that answers at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.service import LegacyReports
from tests.unit.service.doubles import (
    FIRST,
    FakeSource,
    ManualClock,
    reports_on,
    row,
    use_manual_clock,
)


@pytest.fixture
def manual_clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    return use_manual_clock(monkeypatch)


@pytest.fixture
def fake_source() -> Iterator[FakeSource]:
    made = FakeSource([row(FIRST), row(FIRST + 8 * 86_400, id=2)])
    yield made
    made.gate.set()


@pytest.fixture
def reports(fake_source: FakeSource) -> Iterator[LegacyReports]:
    with reports_on(fake_source) as made:
        yield made

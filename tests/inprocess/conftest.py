"""A service on a source double, for what needs no account behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.service import LegacyReports
from tests.service.doubles import FIRST, Shelf, reports_on, row


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf([row(FIRST)])
    yield made
    made.gate.set()


@pytest.fixture
def reports(shelf: Shelf) -> Iterator[LegacyReports]:
    with reports_on(shelf) as made:
        yield made

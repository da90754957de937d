"""Strangers' clients take a minute to install: they belong to the thorough half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing of this folder runs in the quick half."""
    skipped = pytest.mark.skip(reason="in the thorough half: HYPOTHESIS_PROFILE=thorough")
    for item in items:
        if not THOROUGH and HERE in item.path.parents:
            item.add_marker(skipped)

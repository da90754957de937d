"""A simulated account and a server, for the commands and programs in the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.asgi import create_app
from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Behaviour, Simulator, make_account, running
from tests.integration.docs.block_runner import Reader
from tests.unit.server.threaded_server import LOOPBACK, serving

OLD_KEY = "YOUR_OLD_KEY"


@pytest.fixture(scope="package")
def settings() -> Iterator[dict[str, str]]:
    simulator = Simulator(make_account(500, seed=1), Behaviour(rate_limit=None), plan="plus")
    with running(simulator) as base_url:
        yield {
            "HELPSCOUT_APP_ID": "demo-app",
            "HELPSCOUT_APP_SECRET": "demo-secret",
            "HELPSCOUT_BASE_URL": base_url,
            "COMPAT_API_KEYS": OLD_KEY,
        }


@pytest.fixture(scope="package")
def server(settings: dict[str, str]) -> Iterator[str]:
    with (
        LegacyReports(Settings.from_env(settings)) as reports,
        serving(create_app(reports), lifespan="off") as port,
    ):
        yield f"{LOOPBACK}:{port}"


@pytest.fixture
def reader(settings: dict[str, str], server: str, tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path, settings, server)
    yield reader
    reader.close()

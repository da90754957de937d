"""Fixtures for pytest: `pytest_plugins = ["compat.testing.plugin"]` in conftest.py asks for them.

They are not registered for every project where the package is installed: pytest would then import
`compat` at its start, and fail in a project that has a module of that name. Imports are inside the
fixtures, so that test runs without them do not become slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from compat.extras import missing

try:
    import pytest
except ImportError as error:
    raise missing("compat.testing", "pytest", "testing") from error

if TYPE_CHECKING:
    import httpx

    from compat.testing.stage import Stage


@pytest.fixture
def helpscout_simulator() -> Iterator[Stage]:
    """A simulated Mailbox API 2.0 on a free port, with an empty account to fill.

    `base_url` ends in `/v2`; sign in as `demo-app` with the secret `demo-secret`.
    """
    from compat.testing.stage import simulator_stage  # noqa: PLC0415

    with simulator_stage() as stage:
        yield stage


@pytest.fixture
def helpscout_v1_url(helpscout_simulator: Stage) -> Iterator[str]:
    """The base address of the old API in front of the simulator, ending in `/v1/`.

    Any API key is accepted.
    """
    from compat.testing.stage import server_stage  # noqa: PLC0415

    with server_stage(helpscout_simulator) as url:
        yield url


@pytest.fixture
def helpscout_v1_client(helpscout_simulator: Stage) -> Iterator[httpx.Client]:
    """An httpx client for which `https://api.helpscout.net/v1/…` answers as it did."""
    import httpx  # noqa: PLC0415

    from compat.httpx import LegacyTransport  # noqa: PLC0415
    from compat.service import LegacyReports  # noqa: PLC0415

    with LegacyReports(helpscout_simulator.settings) as reports:
        mounts = {"https://api.helpscout.net": LegacyTransport(reports)}
        with httpx.Client(
            base_url="https://api.helpscout.net/v1/", mounts=mounts, auth=("any-key", "X")
        ) as client:
            yield client

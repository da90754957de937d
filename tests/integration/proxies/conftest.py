"""A simulated Help Scout, our server, and each proxy in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from compat.simulator import Behaviour, Simulator, make_account, running
from tests.integration.proxies.started_proxies import PROXIES, Proxy
from tests.unit.server.commands import Running, started
from tests.unit.server.threaded_server import LOOPBACK, free_port
from tests.unit.service.doubles import LONG

ACCOUNTS = """
[acme]
app_id = "demo-app"
app_secret = "demo-secret"
api_keys = ["an-old-key"]

[globex]
app_id = "demo-app"
app_secret = "demo-secret"
api_keys = ["a-key-without-answers"]
base_url = "http://{nobody}/v2"
patience = 0.2
"""
"""Two accounts; Help Scout cannot be reached for the second one."""


@pytest.fixture(scope="package")
def upstream() -> Iterator[str]:
    simulator = Simulator(make_account(2000, seed=1), Behaviour(rate_limit=None), plan="plus")
    with running(simulator) as base_url:
        yield base_url


@pytest.fixture(scope="package")
def settings(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    file = tmp_path_factory.mktemp("accounts") / "accounts.toml"
    file.touch(0o600)
    file.write_text(ACCOUNTS.format(nobody=f"{LOOPBACK}:{free_port()}"), "utf-8")
    return {
        "HELPSCOUT_BASE_URL": upstream,
        "COMPAT_ACCOUNTS": str(file),
        "COMPAT_METRICS": "true",
        "COMPAT_PASS_V2": "true",
    }


@pytest.fixture(scope="package")
def server(settings: dict[str, str]) -> Iterator[Running]:
    with started("serve", "--port", "0", **settings) as running_server:
        # Its log is more than a pipe takes, and a server that cannot log does not answer.
        reader = Thread(target=running_server.said, daemon=True)
        reader.start()
        yield running_server
        running_server.process.kill()
        reader.join(LONG)


@pytest.fixture(scope="package", params=PROXIES)
def proxy(
    request: pytest.FixtureRequest, server: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp(request.param)
    with PROXIES[request.param](folder, [server.port]) as running_proxy:
        yield running_proxy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path

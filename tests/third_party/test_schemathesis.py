"""Schemathesis, which nobody here wrote, asks the running server by the published description.

`schemathesis_checks` adds what OpenAPI cannot express. Two of its checks do not apply: a method
other than GET is 404, as the old API was observed to answer, and `schemathesis_checks` replaces
the check that all that the description allows is accepted.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from compat.simulator import Behaviour, Simulator, make_account, running
from tests.third_party.environments import environment
from tests.unit.server.commands import Running, started

pytestmark = pytest.mark.thorough  # installing the clients takes a minute

KEY = "an-old-key"
ACCOUNT = make_account(300)
VALUES = {
    "path.mailbox": [each.id for each in ACCOUNT.layout.mailboxes],
    "path.user": [each.id for each in ACCOUNT.layout.users],
    "path.team": [each.id for each in ACCOUNT.layout.teams],
    "query.user": [
        *(each.id for each in ACCOUNT.layout.users),
        *(each.id for each in ACCOUNT.layout.teams),
    ],
    "query.start": ["2015-01-01", "2015-01-05T00:00:00Z"],
    "query.end": ["2015-02-28", "2015-03-31T23:59:59Z"],
}
"""What half of the requests have in place of values that are made up."""


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with running(Simulator(ACCOUNT, Behaviour(rate_limit=None))) as base_url:
        settings = {
            "HELPSCOUT_APP_ID": "demo-app",
            "HELPSCOUT_APP_SECRET": "demo-secret",
            "HELPSCOUT_BASE_URL": base_url,
            "COMPAT_API_KEYS": KEY,
            "COMPAT_RECENT_AGE": "86400",
            "COMPAT_MAX_AGE": "86400",
        }
        with started("serve", "--port", "0", **settings) as server:
            # Nobody reads the log, and a full pipe would hold the server up.
            Thread(target=server.said, daemon=True).start()
            yield server


def config(tmp_path: Path) -> Path:
    """The tool's settings; a security header of its own making would replace the key."""
    written = tmp_path / "schemathesis.toml"
    lines = ["[generation]", "with-security-parameters = false", "[dictionaries]"]
    lines += [f'"{name}" = {{ values = {json.dumps(each)} }}' for name, each in VALUES.items()]
    lines += ["[parameters]"]
    lines += [f'"{name}" = {{ dictionary = "{name}", probability = 0.5 }}' for name in VALUES]
    written.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written


@pytest.mark.timeout(600)
def test_whatever_it_asks_the_answer_is_as_described(served: Running, tmp_path: Path) -> None:
    command = [
        str(environment("schemathesis").with_name("schemathesis")),
        f"--config-file={config(tmp_path)}",
        *("run", f"{served.address}/openapi.json", f"--auth={KEY}:X", "--mode=all"),
        *("--phases=examples,coverage,fuzzing", "--max-examples=40", "--seed=1"),
        "--exclude-checks=unsupported_method,positive_data_acceptance",
        *("--continue-on-failure", "--request-timeout=30", "--no-color"),
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "schemathesis_checks",
            "PYTHONPATH": str(Path(__file__).parent / "programs"),
        },
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "Missing test data" not in done.stdout, done.stdout[-20_000:]

"""Schemathesis, which nobody here wrote, asks the running server by the published description.

`schemathesis_checks` adds what OpenAPI cannot express. Two of its checks do not apply: a method
other than GET is 404, as the old API was observed to answer, and `schemathesis_checks` replaces
the check that all that the description allows is accepted.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from compat.simulator import Behaviour, Simulator, make_account, running
from tests.third_party.environments import environment
from tests.unit.server.commands import Running, started
from tests.unit.server.threaded_server import ask
from tests.unit.service.doubles import basic

pytestmark = pytest.mark.thorough  # installing the clients takes a minute

KEY = "an-old-key"


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with running(Simulator(make_account(300), Behaviour(rate_limit=None))) as base_url:
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


def a_mailbox(server: Running) -> int:
    answer = ask(server.port, "/v1/mailboxes.json", headers={"Authorization": basic(KEY)})
    return int(answer.json["items"][0]["id"])


def config(server: Running, tmp_path: Path, mailbox: int | None) -> Path:
    """The tool's settings; a security header of its own making would replace the key."""
    written = tmp_path / "schemathesis.toml"
    lines = ["[generation]", "with-security-parameters = false"]
    if mailbox is not None:
        lines += ["[parameters]", f'"path.mailbox" = {mailbox}']
    written.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("which", "examples"), [("all", 40), ("folders", 20)], ids=["all", "folders of a mailbox"]
)
def test_whatever_it_asks_the_answer_is_as_described(
    served: Running, tmp_path: Path, which: str, examples: int
) -> None:
    mailbox = a_mailbox(served) if which == "folders" else None
    command = [
        str(environment("schemathesis").with_name("schemathesis")),
        f"--config-file={config(served, tmp_path, mailbox)}",
        *("run", f"{served.address}/openapi.json", f"--auth={KEY}:X", "--mode=all"),
        *("--phases=examples,coverage,fuzzing", f"--max-examples={examples}", "--seed=1"),
        "--exclude-checks=unsupported_method,positive_data_acceptance",
        *("--continue-on-failure", "--request-timeout=30", "--no-color"),
        *(("--include-operation-id=folders",) if mailbox is not None else ()),
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
    assert "No issues found" in done.stdout or "warning" in done.stdout

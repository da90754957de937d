"""Runs tap-helpscout, a Singer tap, in an environment of its own, and collects what it fetches.

The versions that it needs conflict with this project's. So `environment` creates another virtual
environment. This file is then run there with an address, and prints what the tap fetches.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from importlib import import_module
from pathlib import Path

REQUIREMENT = "tap-helpscout==1.2.2"
ENVIRONMENT = Path(__file__).resolve().parent.parent / ".venv-tap"
START_DATE = "2000-01-01T00:00:00Z"


def environment() -> Path | None:
    """The path of the Python that has the tap; None if it cannot be installed."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [python, "-m", "pip", "install", *quiet, REQUIREMENT], capture_output=True, check=False
        )
    found = subprocess.run([python, "-c", "import tap_helpscout"], capture_output=True, check=False)
    return None if found.returncode else python


def fetched_ids(python: Path, base_url: str, token: str) -> set[int]:
    """The ids of the conversations that the tap fetches."""
    done = subprocess.run(
        [python, __file__, base_url, token], capture_output=True, text=True, check=True
    )
    messages = map(json.loads, done.stdout.splitlines())
    return {each["record"]["id"] for each in messages if each["type"] == "RECORD"}


def main(base_url: str, token: str) -> None:
    """Fetch all conversations; runs in the tap's own environment."""
    modules = (import_module(f"tap_helpscout.{name}") for name in ("client", "discover", "sync"))
    client_of, discover_of, sync_of = modules
    config = {
        "client_id": "",
        "client_secret": "",
        "refresh_token": "",
        "user_agent": "benchmark",
        "access_token": token,
    }
    client = client_of.HelpScoutClient("", config, dev_mode=True)
    client._HelpScoutClient__base_url = base_url  # noqa: SLF001 - it has no option for the address
    catalog = discover_of.discover()
    for stream in catalog.streams:
        for each in stream.metadata:
            each["metadata"]["selected"] = stream.tap_stream_id == "conversations"
    sync_of.sync(client, catalog, {}, START_DATE)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Send the request of an old program to a server, and show the answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("helpscout-v1"))
API_KEY = "60783dd23ef"
TARGET = (
    "/v1/reports/conversations/new.json"
    "?start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
    "&previousStart=2014-01-01T00:00:00Z&previousEnd=2014-01-31T23:59:59Z"
    "&viewBy=week"
)
BAR = 40


def main() -> int:
    """Start both servers, send the request, show the answer, and return the exit status."""
    with running("simulate", {}) as upstream:
        settings = {
            "HELPSCOUT_APP_ID": "demo-app",
            "HELPSCOUT_APP_SECRET": "demo-secret",
            "HELPSCOUT_BASE_URL": f"{upstream}/v2",
            "COMPAT_API_KEYS": API_KEY,
        }
        with running("serve", settings) as server:
            body = ask(server + TARGET)
    log("")
    for name, series in json.loads(body).items():
        chart(name, series)
    print(body, flush=True)
    log("\nTo look around in a browser: .venv/bin/helpscout-v1 serve --demo")
    return 0


@contextmanager
def running(command: str, settings: dict[str, str]) -> Iterator[str]:
    """Run a command of this project on a free port; yields the address that it prints."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COMPAT_", "HELPSCOUT_"))
    }
    arguments = [COMMAND, command, "--port", "0"]
    with subprocess.Popen(
        arguments, env=environment | settings, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            for line in process.stderr:
                log(line.rstrip())
                if found := re.search(r"https?://\S+", line):
                    yield found[0]
                    break
            else:
                raise SystemExit(f"demo: {command} did not start")
        finally:
            process.terminate()


def ask(url: str) -> str:
    """Send a request as an old program does, with the API key as the user name."""
    key = b64encode(f"{API_KEY}:X".encode()).decode()
    log(f"\nGET {url}\nAuthorization: Basic {key}")
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            for name in ("Content-Type", "Compat-As-Of"):
                log(f"{name}: {response.headers[name]}")
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        raise SystemExit(f"demo: {error}: {error.read().decode()}") from None


def chart(name: str, series: list[dict[str, str | int]]) -> None:
    """Print one series as bars."""
    most = max(int(bucket["count"]) for bucket in series) or 1
    log(name)
    for bucket in series:
        count = int(bucket["count"])
        log(f"  {str(bucket['start'])[:10]} {count:>4} {'#' * round(BAR * count / most)}")


def log(line: str) -> None:
    """Print a line to standard error; only the answer goes to standard output."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

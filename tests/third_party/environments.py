"""Each public client in a virtual environment of its own, made once and kept below `.venv`."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
KEPT = ROOT / ".venv" / "strangers"
CONSTRAINTS = (ROOT / "scripts" / "constraints.txt", HERE / "constraints.txt")
TOOLS = ("setuptools", "setuptools-scm", "wheel")
"""Some clients come as source only; what builds them is pinned as well.

Of setuptools-scm, one of them would fetch the newest version while it is built.
"""

INSIST = "CI"
"""Where this is set, a client that cannot be installed is a failure instead of a skipped test."""

PATIENCE = 300


def run(client: str, program: str, asked: dict[str, Any]) -> Any:
    """What a program prints, run as it is in its client's environment.

    Args:
        client: The name of the distribution, as pip takes it.
        program: The name of a module in `programs`.
        asked: Its standard input.
    """
    python = environment(client)
    done = subprocess.run(
        [python, "-I", HERE / "programs" / f"{program}.py"],
        input=json.dumps(asked),
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def environment(client: str) -> Path:
    """The Python that has this client; made now unless it is there already."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{client}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers may want the same
        return _made(client)


def _made(client: str) -> Path:
    place = KEPT / client
    python = place / "bin" / "python"
    stamp = place / "made-from"
    made_from = _fingerprint(client)
    if not stamp.is_file() or stamp.read_text() != made_from:
        trouble = _make(place, python, client)
        if trouble:
            _complain(f"{client} cannot be installed: {trouble}")
        stamp.write_text(made_from)
    return python


def _fingerprint(client: str) -> str:
    parts = [client, sys.version, *(path.read_text(encoding="utf-8") for path in CONSTRAINTS)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _constraints() -> dict[str, str]:
    """The constraint of each distribution; that of the clients wins over that of the project.

    A client may demand an older version of something than the project works with.
    """
    lines = [line for path in CONSTRAINTS for line in path.read_text(encoding="utf-8").split()]
    return {line.partition("==")[0].lower(): line for line in lines if "==" in line}


def _make(place: Path, python: Path, client: str) -> str:
    """Make the environment; what went wrong, or nothing."""
    venv.create(place, clear=True, with_pip=True)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
    ]
    constraints = place / "constraints.txt"
    constraints.write_text("\n".join(_constraints().values()), encoding="utf-8")
    pinned: list[str | Path] = ["--constraint", constraints]
    for wanted in (TOOLS, ("--no-build-isolation", client)):
        done = subprocess.run(
            [*pip, *pinned, *wanted],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            complaints = [line for line in done.stderr.splitlines() if "ERROR" in line]
            return next(iter(complaints), "pip failed")
    return ""


def _complain(trouble: str) -> None:
    if os.environ.get(INSIST):
        pytest.fail(trouble)
    pytest.skip(f"{trouble} (with {INSIST} set this is a failure)")

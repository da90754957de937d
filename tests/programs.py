"""Programs that tests need and that Python does not bring."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

_TO_JSON = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"


def find_program(name: str, package: str) -> str:
    """The path of a program; where all tests must run, a missing one is a failure.

    Args:
        name: The program.
        package: What Debian and Ubuntu call the package that has it.
    """
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path:
        return path
    reason = f"there is no {name} on this machine (apt-get install {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def parse_yaml(text: str) -> Any:
    """A document in YAML, as the parser reads it that Docker Compose brings to Debian's Python."""
    find_program("docker-compose", "docker-compose")
    command = ["/usr/bin/python3", "-c", _TO_JSON]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)

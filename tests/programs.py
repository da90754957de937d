"""Programs that tests need and that Python does not bring."""

from __future__ import annotations

import os
import shutil

import pytest


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

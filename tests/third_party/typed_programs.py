"""Programs with static types, in Java and C#: how each is started, and what it needs for that."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).resolve().parent / "programs"
GSON = Path("/usr/share/java/gson.jar")
NEWTONSOFT = Path("/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll")
PATIENCE = 240
"""Seconds; a compiler may be slow where other tests run as well."""

Command = list[str | Path]


@dataclass(frozen=True)
class Language:
    """A language and the library for JSON that its programs used.

    Attributes:
        packages: What Debian and Ubuntu call all it needs.
        programs: What must be on the path.
        library: The file of the library for JSON.
        command: Makes what starts the program; it may leave files in the directory it is given.
    """

    packages: str
    programs: tuple[str, ...]
    library: Path
    command: Callable[[Path], Command]


def _java(_: Path) -> Command:
    return ["java", "-cp", GSON, PROGRAMS / "StrictClient.java"]


def _csharp(directory: Path) -> Command:
    made = directory / "StrictClient.exe"
    source = PROGRAMS / "StrictClient.cs"
    _output(["mcs", "-langversion:6", f"-r:{NEWTONSOFT}", f"-out:{made}", source], "")
    return ["mono", made]


LANGUAGES = {
    "java": Language("default-jdk-headless libgoogle-gson-java", ("java", "javac"), GSON, _java),
    "csharp": Language(
        "mono-mcs mono-runtime libnewtonsoft-json5.0-cil", ("mcs", "mono"), NEWTONSOFT, _csharp
    ),
}


def skip_unless_installed(name: str) -> None:
    """Skips the test, and says what to install, where programs in this language cannot run."""
    language = LANGUAGES[name]
    missing = [program for program in language.programs if shutil.which(program) is None]
    if not language.library.is_file():
        missing.append(language.library.name)
    if missing:
        install = f"apt-get install --no-install-recommends {language.packages}"
        pytest.skip(f"not installed: {', '.join(missing)} ({install})")


def run(name: str, asked: dict[str, Any], directory: Path) -> Any:
    """What the program in this language prints.

    Args:
        name: A key of `LANGUAGES`.
        asked: Its standard input.
        directory: An empty one, for what is compiled.
    """
    return json.loads(_output(LANGUAGES[name].command(directory), json.dumps(asked)))


def _output(command: Command, given: str) -> str:
    done = subprocess.run(
        command,
        input=given,
        env={"PATH": os.environ["PATH"], "MONO_PATH": str(NEWTONSOFT.parent), "LANG": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

"""Syntax checks of snippets in other languages, where the language is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.unit.service.doubles import LONG

_PARSER = Path(__file__).parent / "Parse.java"


@dataclass(frozen=True)
class Tool:
    """A program that checks syntax.

    Attributes:
        command: The command that checks a file; its first word must be installed.
        suffix: The suffix of the file's name.
    """

    command: tuple[str, ...]
    suffix: str


TOOLS = {
    "php": Tool(("php", "-l"), ".php"),
    "ruby": Tool(("ruby", "-c"), ".rb"),
    "js": Tool(("node", "--check"), ".js"),
    "java": Tool(("java", str(_PARSER)), ".java"),
}


def missing(language: str) -> str | None:
    """A sentence that says what is not installed, or None."""
    program = TOOLS[language].command[0]
    return None if shutil.which(program) else f"{program} is not installed"


def syntax_error(language: str, text: str, directory: Path) -> str:
    """The error messages for a snippet; empty if its syntax is correct."""
    tool = TOOLS[language]
    path = directory / f"Snippet{tool.suffix}"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*tool.command, str(path)], capture_output=True, text=True, timeout=LONG, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""

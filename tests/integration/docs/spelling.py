"""Whether a snippet in another language can be read by that language, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.unit.service.doubles import LONG

_PARSER = Path(__file__).parent / "Parse.java"


@dataclass(frozen=True)
class Tool:
    """A checker.

    Attributes:
        command: What is run on a file; its first word must be installed.
        suffix: The file's ending.
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
    """What is not installed here, if so."""
    program = TOOLS[language].command[0]
    return None if shutil.which(program) else f"{program} is not installed"


def fault(language: str, text: str, place: Path) -> str:
    """What the language has against a snippet; empty if nothing."""
    tool = TOOLS[language]
    path = place / f"Snippet{tool.suffix}"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*tool.command, str(path)], capture_output=True, text=True, timeout=LONG, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""

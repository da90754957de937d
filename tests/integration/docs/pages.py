"""The documentation as data: pages and their fenced blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"

_FENCE = re.compile(
    r"^(?:[ ]*<!-- not run: (?P<reason>.+?) -->\s*?\n\s*)?"
    r"^(?P<indent>[ ]*)(?P<marks>`{3,})(?P<language>[\w-]*)[^\n`]*\n"
    r"(?P<text>.*?)^(?P=indent)(?P=marks)[ ]*$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: The line of its opening fence.
        exempt: The reason that the page gives for not running it, or None.
    """

    page: Path
    line: int
    language: str
    text: str
    exempt: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line} ({self.language})"


def pages() -> list[Path]:
    """README.md, those beside it that name commands, and everything under docs."""
    top = (README, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md")
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start("marks")) + 1,
            found["language"],
            dedent(found["text"]),
            found["reason"],
        )
        for found in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))

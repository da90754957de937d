"""The README as the description of the package, where links into the repository lead nowhere.

hatchling runs this while it builds. `Documentation` in `[project.urls]` of pyproject.toml is the
address below which the files of the repository can be read; links become addresses there. While
there is none, the path of the page takes the link's place, and `helpscout-v1 docs` prints the page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>(?!#|\w+:)[^)\s]+)\)")
"""A link to a file of the repository; its text may go over two lines."""

NOTE = (
    "What is `in this form` in parentheses is a page that comes with the package: "
    "`helpscout-v1 docs PAGE` prints it.\n"
)


class PackageReadme(MetadataHookInterface):
    """Sets the description, as the project declares it to be dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the description to the metadata."""
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        base = metadata.get("urls", {}).get("Documentation")
        text = with_addresses(readme, base) if base else with_pages(readme)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def with_addresses(readme: str, base: str) -> str:
    """A README whose links are absolute."""
    below = base.rstrip("/") + "/"
    return LINK.sub(lambda link: f"[{link['text']}]({urljoin(below, link['target'])})", readme)


def with_pages(readme: str) -> str:
    """A README without links into the repository, with a note after the first paragraph."""
    title, first, rest = LINK.sub(_page, readme).split("\n\n", 2)
    return "\n\n".join([title, first, NOTE + "\n" + rest])


def _page(link: re.Match[str]) -> str:
    """The text of a link, with the page that it leads to if that comes with the package."""
    path = link["target"].partition("#")[0]
    if not re.match(r"docs/|\w+\.md$", path):
        return link["text"]
    page = path.removeprefix("docs/").removesuffix(".md")
    return f"`{page}`" if link["text"] == path else f"{link['text']} (`{page}`)"

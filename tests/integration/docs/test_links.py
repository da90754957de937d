"""Links, images and anchors of all Markdown files lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.docs.links import link_errors, read_page
from tests.integration.docs.pages import ROOT, name_of

DOCS = ROOT / "docs"


def markdown_files() -> list[Path]:
    """All Markdown files of the repository, without hidden directories and copies below build."""
    folders = [
        path
        for path in ROOT.iterdir()
        if path.is_dir() and path.name[0] != "." and path.name != "build"
    ]
    return sorted([*ROOT.glob("*.md"), *(page for each in folders for page in each.rglob("*.md"))])


FILES = markdown_files()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_link_and_image_leads_to_a_file_and_an_anchor_that_exist(path: Path) -> None:
    assert link_errors(path, ROOT) == []


def test_the_files_at_the_top_are_checked_and_those_below_docs() -> None:
    names = {name_of(path) for path in FILES}
    top = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md"}
    assert top <= names
    assert {name_of(path) for path in DOCS.rglob("*.md")} <= names
    assert sum(len(read_page(path).targets) for path in FILES) > 200


def reached_from(start: Path) -> set[Path]:
    """The Markdown files that links lead to, from page to page."""
    reached, pending = set[Path](), [start]
    while pending:
        page = pending.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            paths = (link.partition("#")[0] for link in read_page(page).targets)
            pending += [(page.parent / path).resolve() for path in paths if ":" not in path]
    return reached


@pytest.mark.parametrize("start", ["README.md", "docs/README.md"])
def test_every_page_can_be_reached_from_the_beginning(start: str) -> None:
    missing = set(DOCS.rglob("*.md")) - reached_from(ROOT / start)
    assert sorted(map(name_of, missing)) == []


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_the_readme_leads_to_the_files_beside_it(name: str) -> None:
    assert name in read_page(ROOT / "README.md").targets


GOOD = """# One `code` & more

[other](sub/other.md#two-1), [this](#one-code--more), ![image](sub/image.png), [by name][name],
[address](https://docs.example.com/a?b#c), <https://example.com>, [with blank](<sub/a b.md>),
[html](#by-hand) <a id="by-hand"></a> and `[code](nowhere.md)`

    [code](nowhere.md)

```text
[code](nowhere.md)
# no-heading
```

[name]: sub/other.md
"""

FAULTS = {
    "[gone](sub/gone.md)": "sub/gone.md: does not exist",
    "![gone](sub/gone.png)": "sub/gone.png: does not exist",
    "[anchor](sub/other.md#three)": "sub/other.md#three: the page has no such anchor",
    "[anchor](#three)": "#three: the page has no such anchor",
    "[anchor](#no-heading)": "#no-heading: the page has no such anchor",
    "[anchor](#One-code--more)": "#One-code--more: the page has no such anchor",
    "[anchor](sub/other.md#two-2)": "sub/other.md#two-2: the page has no such anchor",
    "[anchor](sub/image.png#two)": "sub/image.png#two: only pages have anchors",
    "[out](../outside.md)": "../outside.md: is outside the repository",
    "[root](/sub/other.md)": "/sub/other.md: an absolute path leads elsewhere on a web site",
    "[host](https:///path)": "https:///path: has no host",
    "[host](https://localhost)": "https://localhost: has no host",
    "[scheme](htps://example.com)": "htps://example.com: is neither http nor https",
    "[by name][gone]": "'[by name][gone]' looks like a link and is none",
    "[blank](sub/a b.md)": "'[blank](sub/a b.md)' looks like a link and is none",
    '<a href="sub/gone.md">gone</a>': "sub/gone.md: does not exist",
    "- [in a\n  list](sub/gone.md)": "sub/gone.md: does not exist",
    "| a |\n|---|\n| [cell](sub/gone.md) |": "sub/gone.md: does not exist",
    "## [heading](sub/gone.md)": "sub/gone.md: does not exist",
}
"""Text with one fault, and what the check says of it."""


def repository(folder: Path, text: str) -> Path:
    """A page with this text in a repository with a second page and an image."""
    root = folder / "repository"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "other.md").write_text("# Two\n\n# Two\n", encoding="utf-8")
    (root / "sub" / "a b.md").touch()
    (root / "sub" / "image.png").touch()
    (folder / "outside.md").touch()
    (root / "page.md").write_text(text, encoding="utf-8")
    return root


def test_a_page_with_links_of_every_form_has_no_errors(tmp_path: Path) -> None:
    root = repository(tmp_path, GOOD)
    assert link_errors(root / "page.md", root) == []
    assert len(read_page(root / "page.md").targets) == 8


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    root = repository(tmp_path, f"{GOOD}\n{fault}\n")
    assert link_errors(root / "page.md", root) == [FAULTS[fault]]

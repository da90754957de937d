"""Every command and program in the documentation works, and prints what the page shows."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from compat.config.settings import SettingsError
from tests.integration.docs import syntax
from tests.integration.docs.block_runner import LANGUAGES, Reader
from tests.integration.docs.output import same_but_counts
from tests.integration.docs.pages import ROOT, Block, blocks, name_of, pages

BLOCKS = [block for page in pages() for block in blocks(page)]
RUN_PAGES = [page for page in pages() if any(block.language in LANGUAGES for block in blocks(page))]
CHECKED = [block for block in BLOCKS if block.language in syntax.TOOLS and not block.exempt]
OLD_PACKAGES = {"helpscout"}
"""Packages for the old API; they are not installed in the environment of the tests."""

RUN_ELSEWHERE = {"nginx": "tests/integration/proxies"}
"""Languages of blocks that other tests run."""

MOST_EXEMPTIONS = 17


ELSEWHERE = "tests/e2e/test_installation.py"
"""What runs the blocks that give it as the reason why they are not run here."""


def needs_an_old_package(block: Block) -> bool:
    imported = set(re.findall(r"^(?:import|from) (\w+)", block.text, re.MULTILINE))
    return any(importlib.util.find_spec(name) is None for name in imported & OLD_PACKAGES)


@pytest.mark.parametrize("page", RUN_PAGES, ids=name_of)
def test_the_blocks_of_a_page_work_and_print_what_the_page_shows(
    page: Path, reader: Reader
) -> None:
    for block in blocks(page):
        if block.exempt or block.language not in LANGUAGES:
            continue
        if block.language == "python" and needs_an_old_package(block):
            compile(block.text, str(block), "exec")
            continue
        try:
            reader.run(block)
        except AssertionError as error:
            pytest.fail(f"{block}: {error}")


@pytest.mark.parametrize("block", CHECKED, ids=str)
def test_a_snippet_in_another_language_has_correct_syntax(block: Block, tmp_path: Path) -> None:
    if reason := syntax.missing(block.language):
        pytest.skip(reason)
    assert not syntax.syntax_error(block.language, block.text, tmp_path)


@pytest.mark.parametrize(
    ("language", "text"), [("js", "function {"), ("java", "int a = ;"), ("java", "class A {")]
)
def test_a_snippet_with_a_syntax_error_is_found(language: str, text: str, tmp_path: Path) -> None:
    if reason := syntax.missing(language):
        pytest.skip(reason)
    assert syntax.syntax_error(language, text, tmp_path)


def test_a_block_that_is_not_run_has_a_reason_on_its_page() -> None:
    known = LANGUAGES | syntax.TOOLS.keys() | RUN_ELSEWHERE.keys()
    assert [
        str(block) for block in BLOCKS if block.language not in known and not block.exempt
    ] == []


def test_few_blocks_are_exempt() -> None:
    reasons = {str(block): block.exempt for block in BLOCKS if block.exempt}
    exempt = [f"{block}: {why}" for block, why in reasons.items() if ELSEWHERE not in why]
    print(*exempt, sep="\n")  # noqa: T201 - pytest -s shows what is not run
    assert len(exempt) <= MOST_EXEMPTIONS, exempt


def test_every_reason_for_not_running_is_followed_by_a_block() -> None:
    reasons = sum(page.read_text("utf-8").count("<!-- not run:") for page in pages())
    assert reasons == sum(bool(block.exempt) for block in BLOCKS)


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ('{"start":"2015-01-01","count":7}', '{"start":"2015-01-01","count":12}', True),
        ('{"start":"2015-01-01","count":7}', '{"start":"2015-01-08","count":7}', False),
        ("2015-01-01  7  ███▌", "2015-01-01 12", True),
        ("2015-01-01  7", "2015-01-02  7", False),
        ("on http://127.0.0.1:8080", "on http://127.0.0.1:8081", False),
        ("23 new, +0 against", "19 new, -4 against", True),
        ("23 now, 23 before: +0.0 %", "8 now, 16 before: -50.0 %", True),
        ("23 now", "23 then", False),
    ],
)  # fmt: skip
def test_only_counts_may_differ_from_what_is_shown(printed: str, shown: str, same: bool) -> None:
    assert same_but_counts(printed, shown) is same


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "helpscout-v2 report"),
        ("sh", "python3 -m venv somewhere"),
        ("sh", "echo harmless >/no-such-directory/file"),
        ("sh", "echo harmless >../file"),
        ("sh", "echo harmless; touch file"),
        ("sh", "curl -o /no-such-directory/file http://127.0.0.1:8080/v1/tags.json"),
        ("sh", "scripts/no-such-script"),
        ("sh", "helpscout-v1 serve --no-such-option"),
        ("sh", "curl -u ANOTHER_KEY:X http://127.0.0.1:8080/v1/tags.json"),
        ("console", "$ echo one\ntwo\n"),
        ("python", "import no_such_module"),
        ("toml", "[acme]\napp_id = 'an-id'\napp_secret = 'x'\napi_keys = ['a']\n[b]\nx = 1\n"),
    ],
)
def test_a_block_that_does_not_work_is_an_error(language: str, text: str, reader: Reader) -> None:
    with pytest.raises((AssertionError, SettingsError)):
        reader.run(Block(ROOT / "README.md", 1, language, text, None))


@pytest.mark.parametrize(
    "line", ["touch made", "sh -c 'touch made'", "echo one && touch made", "echo `touch made`"]
)
def test_an_unknown_command_is_never_run(line: str, reader: Reader) -> None:
    with pytest.raises(AssertionError):
        reader.shell(line)
    assert not (reader.directory / "made").exists()


def test_the_readme_and_all_pages_are_run() -> None:
    assert ROOT / "README.md" in RUN_PAGES
    assert ROOT / "docs" / "tutorial.md" in RUN_PAGES
    assert len(BLOCKS) >= 30

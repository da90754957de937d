"""What the documentation tells people to do, done; what it shows them, seen."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from compat.config.settings import SettingsError
from tests.integration.docs import spelling
from tests.integration.docs.pages import ROOT, Block, blocks, name_of, pages
from tests.integration.docs.reader import LANGUAGES, Reader
from tests.integration.docs.telling import alike

BLOCKS = [block for page in pages() for block in blocks(page)]
DONE = [page for page in pages() if any(block.language in LANGUAGES for block in blocks(page))]
READ = [block for block in BLOCKS if block.language in spelling.TOOLS and not block.exempt]
OLD_PACKAGES = {"helpscout"}
"""Packages of the old API's time, which the tests do without."""

MOST_EXEMPTIONS = 9


def needs_an_old_package(block: Block) -> bool:
    imported = set(re.findall(r"^(?:import|from) (\w+)", block.text, re.MULTILINE))
    return any(importlib.util.find_spec(name) is None for name in imported & OLD_PACKAGES)


@pytest.mark.parametrize("page", DONE, ids=name_of)
def test_a_reader_who_does_all_that_a_page_says_gets_what_it_shows(
    page: Path, reader: Reader
) -> None:
    for block in blocks(page):
        if block.exempt or block.language not in LANGUAGES:
            continue
        if block.language == "python" and needs_an_old_package(block):
            compile(block.text, str(block), "exec")
            continue
        try:
            reader.follow(block)
        except AssertionError as error:
            pytest.fail(f"{block}: {error}")


@pytest.mark.parametrize("block", READ, ids=str)
def test_a_snippet_in_another_language_is_well_formed(block: Block, tmp_path: Path) -> None:
    if lack := spelling.missing(block.language):
        pytest.skip(lack)
    assert not spelling.fault(block.language, block.text, tmp_path)


@pytest.mark.parametrize(
    ("language", "text"), [("js", "function {"), ("java", "int a = ;"), ("java", "class A {")]
)
def test_a_snippet_that_is_not_well_formed_would_be_told(
    language: str, text: str, tmp_path: Path
) -> None:
    if lack := spelling.missing(language):
        pytest.skip(lack)
    assert spelling.fault(language, text, tmp_path)


def test_no_block_escapes_but_for_a_reason_that_its_page_gives() -> None:
    known = LANGUAGES | spelling.TOOLS.keys()
    assert [
        str(block) for block in BLOCKS if block.language not in known and not block.exempt
    ] == []


def test_few_blocks_are_exempt() -> None:
    exempt = [f"{block}: {block.exempt}" for block in BLOCKS if block.exempt]
    print(*exempt, sep="\n")  # noqa: T201 - what is not run, for whoever asks with -s
    assert len(exempt) <= MOST_EXEMPTIONS, exempt


def test_every_exemption_stands_before_a_block() -> None:
    told = sum(page.read_text("utf-8").count("<!-- not run:") for page in pages())
    assert told == sum(bool(block.exempt) for block in BLOCKS)


@pytest.mark.parametrize(
    ("said", "shown", "same"),
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
def test_only_counts_may_differ_from_what_is_shown(said: str, shown: str, same: bool) -> None:
    assert alike(said, shown) is same


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
def test_a_reader_who_is_told_what_does_not_work_complains(
    language: str, text: str, reader: Reader
) -> None:
    with pytest.raises((AssertionError, SettingsError)):
        reader.follow(Block(ROOT / "README.md", 1, language, text, None))


@pytest.mark.parametrize(
    "line", ["touch made", "sh -c 'touch made'", "echo one && touch made", "echo `touch made`"]
)
def test_a_command_that_is_not_known_to_be_harmless_is_never_run(line: str, reader: Reader) -> None:
    with pytest.raises(AssertionError):
        reader.shell(line)
    assert not (reader.place / "made").exists()


def test_readme_and_docs_are_all_read() -> None:
    assert ROOT / "README.md" in DONE
    assert ROOT / "docs" / "tutorial.md" in DONE
    assert len(BLOCKS) >= 30

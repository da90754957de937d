"""Commands, options, variables and paths that the documentation names exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from compat.cli.commands import program
from compat.config.accounts import known_variables
from compat.v1.routes import ROUTES
from tests.integration.docs.pages import ROOT, blocks, name_of, pages

PAGES = pytest.mark.parametrize("page", pages(), ids=name_of)
OF_THE_TESTS = "COMPAT_TEST_GOLDEN_WRITE"  # only tests/golden reads it
KNOWN_VARIABLES = {*known_variables(), OF_THE_TESTS}


def commands() -> dict[str, set[str]]:
    """The command lines that exist, each with its options."""
    return dict(options_of(program, "helpscout-v1"))


def options_of(command: click.Command, name: str) -> Iterator[tuple[str, set[str]]]:
    """A command and all below it, each with its options."""
    options = {option for each in command.params for option in each.opts + each.secondary_opts}
    yield name, options | {"-h", "--help"}
    if isinstance(command, click.Group):
        for word, each in command.commands.items():
            yield from options_of(each, f"{name} {word}")


@PAGES
def test_every_variable_named_is_a_setting(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:COMPAT|HELPSCOUT)_[A-Z0-9_]*[A-Z0-9]\b", text))
    assert named <= KNOWN_VARIABLES


@PAGES
def test_every_command_named_exists_with_the_options_named(page: Path) -> None:
    known = commands()
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for words in re.findall(r"(?<![\w-])helpscout-v1((?: +[^\s`|&>]+)*)", text):
        parts = words.split()
        plain = [word for word in parts if re.fullmatch(r"[a-z][a-z-]*", word)]
        options = [word.partition("=")[0] for word in parts if word.startswith("--")]
        name = next(
            (each for each in (" ".join(["helpscout-v1", *plain[:2]]),) if each in known),
            " ".join(["helpscout-v1", *plain[:1]]),
        )
        if not options and name not in known:
            continue
        assert name in known, words
        assert set(options) <= known[name], words


@PAGES
def test_every_script_named_exists(page: Path) -> None:
    for script in re.findall(r"(?<![\w/])scripts/[\w.-]*\w", page.read_text(encoding="utf-8")):
        assert (ROOT / script).exists(), script


@PAGES
def test_every_old_path_in_an_example_has_a_route(page: Path) -> None:
    for block in blocks(page):
        for path in re.findall(
            r"(?<![\w.])(?:/v1)?/?((?:reports|mailboxes)/[\w./-]+\.json)", block.text
        ):
            assert any(route.match(f"/v1/{path}") for route in ROUTES), f"{block}: {path}"

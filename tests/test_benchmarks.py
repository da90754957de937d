"""Benchmarks run, and their peers give the same results; no test depends on time."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.util import find_spec

import pytest

from benchmarks import cases
from benchmarks.__main__ import PAGE, section
from benchmarks.harness import Disagreement, Ratio, Table, agree, duration, ratio, take_turns
from benchmarks.page import with_section

NAMES = sorted(module.name for module in pkgutil.iter_modules(cases.__path__))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_and_its_peers_agree(name: str) -> None:
    case = import_module(f"benchmarks.cases.{name}")
    if missing := [each for each in case.NEEDS if find_spec(each) is None]:
        pytest.skip(f"{', '.join(missing)} is missing; scripts/bench has it")
    table = case.measure("tiny")
    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_says_what_it_compares(name: str) -> None:
    title, _, text = (import_module(f"benchmarks.cases.{name}").__doc__ or "").partition("\n\n")
    assert title.endswith(".")
    assert text.strip()


def test_a_peer_with_another_result_is_named() -> None:
    with pytest.raises(Disagreement, match="theirs gives another result than ours"):
        agree({"ours": lambda: 1, "same": lambda: 1, "theirs": lambda: 2})


def test_a_ratio_is_computed_within_each_round() -> None:
    assert ratio([2.0, 30.0, 4.0], [1.0, 10.0, 1.0]) == Ratio(3.0, 2.5, 3.5)


def test_all_ways_run_equally_often() -> None:
    turns: list[str] = []
    ways = {name: lambda name=name: turns.append(name) for name in ("a", "b")}
    seconds = take_turns(ways, "tiny")
    assert seconds.keys() == ways.keys()
    assert turns.count("a") == turns.count("b")


@pytest.mark.parametrize(
    ("seconds", "text"), [(12.34, "12.3 s"), (0.5, "500 ms"), (2e-5, "20.0 µs"), (1e-7, "0.10 µs")]
)
def test_a_duration_has_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_table_is_markdown_followed_by_its_notes() -> None:
    table = Table(("one", "two"), [["1", "2"]], ["A note."])
    assert str(table) == "| one | two |\n| --- | --- |\n| 1 | 2 |\n\nA note."


def test_a_section_is_added_once_and_then_replaced() -> None:
    page = "Before\n<!-- measured -->\n<!-- /measured -->\nAfter\n"
    once = with_section(with_section(page, "a", "first"), "b", "other")
    again = with_section(once, "a", r"second \1")
    assert again == once.replace("first", r"second \1")
    assert again.index("second") < again.index("other") < again.index("After")


def test_a_page_without_a_mark_for_sections_is_an_error() -> None:
    with pytest.raises(ValueError, match="no <!-- /measured -->"):
        with_section("", "a", "text")


def test_the_page_has_a_mark_for_sections() -> None:
    assert "text" in with_section(PAGE.read_text("utf-8"), "another", "text")


def test_a_section_says_on_which_machine_it_was_measured() -> None:
    text = section(import_module("benchmarks.cases.upstream_requests"), "tiny")
    assert text.startswith("### Requests that a cold report costs\n\n")
    assert "processors" in text.splitlines()[-1]

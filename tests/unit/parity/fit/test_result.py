"""A rule that is planted in an old server is found again from the answers it gave.

Two of a hundred conversations have gone since, whatever they were.
"""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.parity.fit.result import Fit
from tests.profiles import THOROUGH
from tests.unit.parity.old_server import Rules, requests
from tests.unit.parity.planted_rules import PLANTS, fitted, past, planted

FEW = ("end excluded", "no zeros", "spam", "Monday there")
PAIRS = [
    pair
    for pair in combinations(PLANTS, 2)
    if not PLANTS[pair[0]][1].keys() & PLANTS[pair[1]][1].keys()
]
SAMPLE = random.Random(7).sample(PAIRS, 10)


def holds(found: Fit, wanted: dict[str, Any]) -> None:
    """Assert that the planted rule is in the class, and that nothing else is recommended."""
    truth = Conventions(**wanted)
    assert truth in [member.conventions for member in found.members]
    assert all(getattr(truth, name) == value for name, value in found.recommended.items())


def test_a_server_with_the_default_conventions_leaves_nothing_to_adopt() -> None:
    found = fitted(Rules())
    holds(found, {})
    assert (found.outcome, found.recommended, found.complete) == ("fits", {}, True)
    assert 0.01 < found.gone < 0.03


@pytest.mark.parametrize("name", list(PLANTS) if THOROUGH else FEW)
def test_a_single_rule_is_found_and_nothing_else(name: str) -> None:
    rules, wanted = planted(name)
    found = fitted(rules)
    holds(found, wanted)
    assert found.outcome == "adopt"
    assert found.recommended == wanted


@pytest.mark.parametrize("pair", SAMPLE if THOROUGH else SAMPLE[:1], ids="+".join)
def test_a_pair_of_rules_is_found_or_its_class(pair: tuple[str, str]) -> None:
    rules, wanted = planted(*pair)
    found = fitted(rules)
    holds(found, wanted)
    assert found.outcome == "adopt"


OUTSIDE = {
    "a clock that is 37 minutes ahead": Rules(shift_minutes=37),
    "whole days": Rules(more=lambda created: created - created % 86_400),
    "a clock that is set in summer": Rules(
        more=lambda created: created + 3_600 * (2 < created % 31_556_952 // 2_629_746 < 10)
    ),
    "every other conversation twice": Rules(more=lambda created: created - created % 2 * 40_000),
    "three rules at once": planted("no zeros", "by day", "midnight")[0],
}


@pytest.mark.parametrize("name", list(OUTSIDE) if THOROUGH else list(OUTSIDE)[:1])
def test_a_rule_that_is_not_among_those_tried_is_not_mistaken_for_one(name: str) -> None:
    found = fitted(OUTSIDE[name])
    assert (found.outcome, found.recommended, found.unconfirmed) == ("none", {}, {})
    assert found.nearest[0].refuted_by


def test_a_rule_that_two_others_hide_stays_open() -> None:
    """With the clock ahead no conversation is created in the last second of a range."""
    rules, wanted = planted("spam", "end excluded", "an hour ahead")
    found = fitted(rules)
    holds(found, wanted)
    assert found.recommended == {
        name: value for name, value in wanted.items() if name != "end_included"
    }


@pytest.mark.parametrize("minutes", [7, -95])
@pytest.mark.parametrize("seed", range(8) if THOROUGH else range(1))
def test_few_captures_of_a_rule_that_is_not_tried_recommend_nothing(
    minutes: int, seed: int
) -> None:
    found = fitted(Rules(shift_minutes=minutes), requests(past(), 12, seed=seed))
    assert found.outcome != "adopt"
    assert found.recommended == {}


def test_a_third_rule_that_only_adds_is_found_beside_a_pair() -> None:
    """Without it the pair only misses more conversations, which refutes nothing."""
    rules, wanted = planted("spam", "by day", "midnight")
    assert fitted(rules).recommended == wanted

"""Rules decide which differences are ignored, and give the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat.parity.compare import Difference
from compat.parity.ignore_rules import IgnoreError, Rule, Rules, read_rules
from tests.unit.parity.captured import capture
from tests.unit.service.doubles import JANUARY

COUNT = Difference("current[3].count", "value", 7, 6)


def rule(**matchers: str) -> Rule:
    return Rule.model_validate({"reason": "known", **matchers})


def read(tmp_path: Path, text: str) -> Rules:
    path = tmp_path / "ignore.toml"
    path.write_text(text, "utf-8")
    return read_rules(path)


@pytest.mark.parametrize(
    "matchers",
    [
        {"path": "current[3].count"},
        {"path": "current[*].count"},
        {"path": "*"},
        {"kind": "value"},
        {"place": "old.jsonl:1"},
        {"place": "*.jsonl:*"},
        {"target": JANUARY},
        {"target": "*/new.json?*start=2015-01-01*"},
        {"path": "current*", "kind": "value", "place": "old*", "target": "*new.json*"},
    ],
)
def test_a_rule_matches_if_all_its_fields_match(matchers: dict[str, str]) -> None:
    assert rule(**matchers).matches(capture(), COUNT)


@pytest.mark.parametrize(
    "matchers",
    [
        {"path": "current[4].count"},
        {"path": "current[?].count"},
        {"path": "current"},
        {"path": "*.COUNT"},
        {"kind": "length"},
        {"place": "old.jsonl:11"},
        {"place": "old"},
        {"target": "new.json"},
        {"path": "current*", "kind": "type"},
    ],
)
def test_a_rule_does_not_match_if_one_field_does_not(matchers: dict[str, str]) -> None:
    assert not rule(**matchers).matches(capture(), COUNT)


def test_of_several_rules_the_first_gives_the_reason_and_all_have_matched() -> None:
    rules = Rules([Rule(reason="one", kind="value"), Rule(reason="two", path="*")])
    assert rules.reason(capture(), COUNT) == "one"
    assert [(each.reason, each.matched) for each in rules.used()] == [("one", 1), ("two", 1)]


def test_rules_are_read_from_toml(tmp_path: Path) -> None:
    rules = read(
        tmp_path,
        '[[ignore]]\nreason = "one"\npath = "current[*].count"\nkind = "value"\n'
        '[[ignore]]\nreason = "two"\nplace = "a*"\n',
    )
    assert [(each.reason, each.path, each.place) for each in rules.used()] == [
        ("one", "current[*].count", None),
        ("two", None, "a*"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[ignore]]\npath = "*"\n', "ignore 1 reason: Field required"),
        ('[[ignore]]\nreason = " "\npath = "*"\n', "ignore 1 reason: "),
        ('[[ignore]]\nreason = "why"\n', "ignore 1: it needs one of place, target, path, kind"),
        ('[[ignore]]\nreason = "why"\nkind = "other"\n', "ignore 1 kind: "),
        ('[[ignore]]\nreason = "why"\npaths = "*"\n', "ignore 1 paths: "),
        ('[[ignored]]\nreason = "why"\npath = "*"\n', "ignored: "),
        ("[[ignore]\n", "is not TOML"),
        (f"number = {'9' * 5000}\n", "has a number with too many digits"),
    ],
)
def test_an_invalid_file_is_an_error_that_names_the_fault(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(IgnoreError) as raised:
        read(tmp_path, text)
    assert sentence in str(raised.value)
    assert "ignore.toml" in str(raised.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IgnoreError, match=r"none\.toml cannot be read: No such file or directory"):
        read_rules(tmp_path / "none.toml")


def test_a_byte_order_mark_before_the_rules_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "ignore.toml"
    path.write_text('\ufeff[[ignore]]\nreason = "why"\npath = "*"\n', "utf-8")
    assert len(read_rules(path).used()) == 1

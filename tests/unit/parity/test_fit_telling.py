"""A fit is told as TOML that a server takes, and as JSON; filtered captures give hints alone."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.parity.fit.output import as_json, as_toml
from compat.parity.fit.result import Findings, find
from tests.unit.parity.old_server import PATH, OldServer, Rules, survivors
from tests.unit.parity.planting import past, planted, recorded
from tests.unit.parity.test_fit_cannot_tell import WEEKS

TAGGED = [target + "&tags=7,8" for target in WEEKS[:8]]


@cache
def told(*names: str, tags_all: bool = False) -> Findings:
    """What is found of a server with these plants in it."""
    rules, _ = planted(*names)
    if tags_all:
        rules = Rules(tags_all=True)
    captures = recorded(OldServer(past(), rules), [*WEEKS, *TAGGED])
    rows = survivors(past())
    return find(captures, rows, Conventions(), most_gone=0.2, go_on=lambda: True)


def settings_of(text: str, account: str = "default") -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(text)[account]["conventions"]
    return table


def environment_of(text: str) -> dict[str, str]:
    lines = [
        line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   COMPAT")
    ]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("names", [("spam",), ("no zeros", "five hours behind")], ids="+".join)
def test_what_is_to_adopt_is_a_table_that_the_file_of_accounts_takes(
    names: tuple[str, ...],
) -> None:
    text = as_toml(told(*names), "default")
    assert Conventions.model_validate(settings_of(text)) == Conventions(**planted(*names)[1])


@pytest.mark.parametrize("names", [("spam",), ("no zeros", "five hours behind")], ids="+".join)
def test_the_variables_named_are_read_as_the_same(names: tuple[str, ...]) -> None:
    environment = environment_of(as_toml(told(*names), "default"))
    assert Settings.from_env(environment).conventions == Conventions(**planted(*names)[1])
    assert json.loads(as_json(told(*names)))["environment"] == environment


def test_an_account_with_an_odd_name_keeps_it() -> None:
    assert settings_of(as_toml(told("spam"), 'a "b" c.d'), 'a "b" c.d')


def test_where_nothing_is_recommended_there_are_comments_alone() -> None:
    text = as_toml(told(), "default")
    assert tomllib.loads(text) == {}
    assert text.startswith("# The conventions in force explain the captures")


def test_what_is_open_is_told_with_requests_that_would_tell() -> None:
    text = as_toml(told(), "default")
    assert "#   end_included: true, false" in text
    assert f"#   {PATH}?start=" in text
    requests = json.loads(as_json(told()))["separatingRequests"]
    assert all(len(each["groups"]) > 1 for each in requests)
    assert requests[0]["target"] in text


def test_what_is_filtered_by_tag_is_counted_and_not_fitted() -> None:
    captures = json.loads(as_json(told()))["captures"]
    assert captures["fitted"] + captures["confirming"] == len(WEEKS)
    assert captures["filteredEqual"] + captures["filteredDifferent"] == len(TAGGED)


def test_another_rule_of_tags_is_a_hint_and_no_recommendation() -> None:
    findings = told(tags_all=True)
    assert findings.fit.recommended == {}
    assert [hint[:2] for hint in findings.filtered.hints] == [("tags_match", "all")]
    assert 'A hint, not a finding: tags_match = "all"' in as_toml(findings, "default")


def test_without_cause_there_is_no_hint() -> None:
    assert told().filtered.hints == ()


def test_where_none_fits_the_nearest_is_told_with_what_refutes_it() -> None:
    captures = recorded(OldServer(past(), Rules(shift_minutes=37)), WEEKS)
    rows = survivors(past())
    findings = find(captures, rows, Conventions(), most_gone=0.2, go_on=lambda: True)
    text = as_toml(findings, "default")
    assert "None of the conventions that were tried" in text
    assert "old.jsonl:" in text
    nearest = json.loads(as_json(findings))["nearest"]
    assert nearest[0]["refutedBy"][0]["path"].startswith("current[")
    assert tomllib.loads(text) == {}

"""A fit is written as TOML that a server accepts, and as JSON; filtered captures give hints."""

from __future__ import annotations

import itertools
import json
import tomllib
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.parity.fit.candidates import Candidate
from compat.parity.fit.disambiguate import SeparatingRequest
from compat.parity.fit.inputs import SetAside
from compat.parity.fit.result import Findings, find_conventions
from compat.parity.output.json import fit_as_json
from compat.parity.output.text import fit_as_toml
from tests.unit.parity.fit.test_disambiguate import WEEKS
from tests.unit.parity.old_server import DAY, PATH, SINCE, OldServer, Rules, survivors
from tests.unit.parity.planted_rules import past, planted, recorded

TAGGED = [target + "&tags=7,8" for target in WEEKS[:8]]


@cache
def found(*names: str, tags_all: bool = False) -> Findings:
    """The findings about a server with planted rules."""
    rules, _ = planted(*names)
    if tags_all:
        rules = Rules(tags_all=True)
    captures = recorded(OldServer(past(), rules), [*WEEKS, *TAGGED])
    rows = survivors(past())
    return find_conventions(captures, rows, Conventions(), most_gone=0.2, go_on=lambda: True)


def settings_of(text: str, account: str = "default") -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(text)[account]["conventions"]
    return table


def environment_of(text: str) -> dict[str, str]:
    lines = [
        line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   COMPAT")
    ]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("names", [("spam",), ("no zeros", "five hours behind")], ids="+".join)
def test_the_settings_to_adopt_are_a_table_that_the_file_of_accounts_accepts(
    names: tuple[str, ...],
) -> None:
    text = fit_as_toml(found(*names), "default")
    assert Conventions.model_validate(settings_of(text)) == Conventions(**planted(*names)[1])


@pytest.mark.parametrize("names", [("spam",), ("no zeros", "five hours behind")], ids="+".join)
def test_the_variables_mean_the_same_conventions(names: tuple[str, ...]) -> None:
    environment = environment_of(fit_as_toml(found(*names), "default"))
    assert Settings.from_env(environment).conventions == Conventions(**planted(*names)[1])
    assert json.loads(fit_as_json(found(*names)))["environment"] == environment


def test_the_name_of_an_account_is_quoted_if_needed() -> None:
    assert settings_of(fit_as_toml(found("spam"), 'a "b" c.d'), 'a "b" c.d')


def test_without_a_recommendation_there_are_only_comments() -> None:
    text = fit_as_toml(found(), "default")
    assert tomllib.loads(text) == {}
    assert text.startswith("# The conventions in force explain the captures")


def test_open_rules_are_listed_with_requests_that_would_decide() -> None:
    text = fit_as_toml(found(), "default")
    assert "#   end_included: true, false" in text
    assert f"#   {PATH}?start=" in text
    requests = json.loads(fit_as_json(found()))["separatingRequests"]
    assert all(len(each["groups"]) > 1 for each in requests)
    assert requests[0]["target"] in text


def test_rules_that_were_not_tried_are_named() -> None:
    names = ["date_only_end", "default_view_by", "month_step", "repeated_parameter"]
    text = fit_as_toml(found(), "default")
    assert f"# Not tried, because no request depends on them: {', '.join(names)}." in text
    assert not any(line.startswith("#   default_view_by:") for line in text.splitlines())
    assert json.loads(fit_as_json(found()))["untried"] == names


def below(target: str, text: str) -> list[str]:
    """The lines below a separating request."""
    lines = text.splitlines()
    after = lines[lines.index(f"#   {target}") + 1 :]
    return list(itertools.takewhile(lambda line: line.startswith("#     "), after))


def test_comments_show_only_the_counts_by_which_answers_differ() -> None:
    findings = found()
    text = fit_as_toml(findings, "default")
    assert '"count"' not in text
    for each in findings.separating:
        lines = below(each.target, text)
        excerpts = [line.rpartition(": ")[2] for line in lines]
        assert len(set(excerpts)) == len(lines) == len(each.groups)
        assert all(excerpt.count(",") < len(each.groups) for excerpt in excerpts)


def candidate(*changes: tuple[str, Any]) -> Candidate:
    return Candidate(changes, Conventions(**dict(changes)), len(changes))


AFTER = ("end_included", False)
FILTERED = ("empty_buckets_listed", False)
SEPARATING = SeparatingRequest(
    f"{PATH}?start=2014-01-01&end=2014-01-03&viewBy=day",
    (
        (candidate(), candidate(("default_view_by", "day"))),
        (candidate(AFTER, FILTERED), candidate(FILTERED), *[candidate(AFTER)] * 3),
        (candidate(("max_buckets", 1)),),
    ),
    (
        (("current", ((SINCE, 5), (SINCE + DAY, 0), (SINCE + 2 * DAY, 7))),),
        (("current", ((SINCE, 5), (SINCE + 2 * DAY, 6))),),
        None,
    ),
)


def test_rules_of_a_combination_are_joined_by_and_alternatives_by_semicolons() -> None:
    text = fit_as_toml(replace(found(), separating=(SEPARATING,)), "default")
    first, second, third = below(SEPARATING.target, text)
    assert first == (
        '#     the conventions in force; default_view_by = "day": current 2014-01-02T00:00:00Z 0'
    )
    assert second == (
        "#     end_included = false and empty_buckets_listed = false; "
        "empty_buckets_listed = false; end_included = false; 2 more: "
        "current 2014-01-02T00:00:00Z not listed"
    )
    assert third == "#     max_buckets = 1: refused"


def test_the_name_of_a_file_cannot_end_a_comment() -> None:
    aside = (SetAside("a\n[default.conventions]\nspam = 1:3", "another route"),)
    text = fit_as_toml(replace(found(), aside=aside), "default")
    assert tomllib.loads(text) == {}


def test_captures_filtered_by_tag_are_compared_and_not_fitted() -> None:
    captures = json.loads(fit_as_json(found()))["captures"]
    assert captures["fitted"] + captures["confirming"] == len(WEEKS)
    assert captures["filteredEqual"] + captures["filteredDifferent"] == len(TAGGED)


def test_another_rule_of_tags_is_a_hint_and_no_recommendation() -> None:
    findings = found(tags_all=True)
    assert findings.fit.recommended == {}
    assert [hint[:2] for hint in findings.filtered.hints] == [("tags_match", "all")]
    assert 'A hint, not a finding: tags_match = "all"' in fit_as_toml(findings, "default")


def test_a_rule_that_explains_no_more_is_not_a_hint() -> None:
    assert found().filtered.hints == ()


def test_if_no_candidate_fits_the_nearest_is_named_with_what_refutes_it() -> None:
    captures = recorded(OldServer(past(), Rules(shift_minutes=37)), WEEKS)
    rows = survivors(past())
    findings = find_conventions(captures, rows, Conventions(), most_gone=0.2, go_on=lambda: True)
    text = fit_as_toml(findings, "default")
    assert "None of the conventions that were tried" in text
    assert "old.jsonl:" in text
    nearest = json.loads(fit_as_json(findings))["nearest"]
    assert nearest[0]["refutedBy"][0]["path"].startswith("current[")
    assert tomllib.loads(text) == {}

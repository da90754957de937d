"""The decisions as data agree with the conventions as code."""

from __future__ import annotations

import pytest

from compat.config.conventions import Conventions
from compat.v1.decisions import DECISIONS
from compat.v1.differences import DIFFERENCES

NAMED = [setting for decision in DECISIONS for setting in decision.settings]


def test_every_convention_is_explained_by_a_decision() -> None:
    assert set(Conventions.model_fields) <= set(NAMED)


def test_every_setting_named_exists() -> None:
    assert set(NAMED) <= set(Conventions.model_fields)


@pytest.mark.parametrize("row", [*DECISIONS, *DIFFERENCES], ids=lambda row: row.title)
def test_rows_are_whole_sentences(row: object) -> None:
    texts = [getattr(row, name, "") for name in ("rule", "reason", "what", "consequence")]
    assert all(text.endswith(".") for text in texts if text)
    assert sum(bool(text) for text in texts) == 2


def test_titles_are_there_once_in_each_list() -> None:
    for rows in (DECISIONS, DIFFERENCES):
        assert len({row.title for row in rows}) == len(rows)


def test_the_defaults_in_the_rules_are_the_defaults_in_the_code() -> None:
    rules = {decision.title: decision.rule for decision in DECISIONS}
    assert f"{Conventions().max_buckets:,} buckets" in rules["The highest number of buckets"]
    assert Conventions().default_view_by in rules["No viewBy"]
    assert (
        f"Tag id {Conventions().untagged_tag} "
        in rules["The tag id for conversations without a tag"]
    )

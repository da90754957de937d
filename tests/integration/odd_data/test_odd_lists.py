"""Odd mailboxes, folders, tags, users and teams keep no conversation out of an archive."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import pytest

from compat.archive.sync.run import SyncStopped
from compat.service import LegacyReports
from tests.integration.exactness.simulated_upstream import Upstream
from tests.integration.odd_data.odd_api import OddApi, ask, outcome, question
from tests.unit.service.doubles import LONG, basic

UNREADABLE: Final = {
    "tags": {"tags"},
    "folders": {"folders"},
    "users": {"users", "mailbox_users", "members"},
    "teams": {"teams"},
}
"""The lists that cannot be read if the entries below a key have no id."""


def without_id(key: str) -> Callable[[str], bytes]:
    """Takes the id of the first entry below a key of each answer."""

    def change(text: str) -> bytes:
        value = json.loads(text)
        shown = value.get("_embedded") or {} if isinstance(value, dict) else {}
        for entry in shown.get(key, [])[:1]:
            entry.pop("id")
        return json.dumps(value).encode()

    return change


@pytest.mark.parametrize("key", UNREADABLE)
def test_a_list_with_an_entry_without_an_id_is_named_and_keeps_nothing_else_out(
    api: OddApi, key: str
) -> None:
    api.whole = without_id(key)
    api.sync()
    named = [each.facts for each in api.events if each.name == "list unreadable"]
    assert {each["list"] for each in named} <= UNREADABLE[key]
    assert all(f"{key}.0.id" in str(each["why"]) for each in named)
    assert named
    assert outcome(ask(api.offline(), question())) == 6


@pytest.mark.parametrize("key", UNREADABLE)
def test_a_list_that_is_empty_although_its_total_is_not_is_named_and_keeps_nothing_out(
    upstream_server: Upstream, url: str, key: str
) -> None:
    def change(text: str) -> bytes:
        value = json.loads(text)
        if isinstance(value, dict) and key in (value.get("_embedded") or {}):
            value["_embedded"] = None
            value["page"] = {"size": 50, "totalElements": 3, "totalPages": 1, "number": 1}
        return json.dumps(value).encode()

    api = OddApi.shown(upstream_server, url)
    api.whole = change
    api.sync()
    named = [each.facts for each in api.events if each.name == "list unreadable"]
    assert {each["list"] for each in named} <= UNREADABLE[key]
    assert named
    assert outcome(ask(api.offline(), question())) == 6


def test_what_is_stored_of_a_list_stays_while_it_cannot_be_read(api: OddApi) -> None:
    api.sync()
    api.whole = without_id("tags")
    api.sync()
    with LegacyReports(api.offline()) as reports:
        answer = reports.answer("/v1/tags.json", authorization=basic(), patience=LONG)
    assert json.loads(answer.body)["count"] == len(api.account.layout.tags)


def test_without_the_ids_of_mailboxes_a_run_stops(api: OddApi) -> None:
    api.whole = without_id("mailboxes")
    with pytest.raises(SyncStopped, match=r"mailboxes\.0\.id"):
        api.sync()

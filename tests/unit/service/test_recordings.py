"""Lists, single items and errors are those that the old API was recorded to send.

The recordings are of 2016 and 2017, with names and ids replaced. Their compression, rate limits
and headers of transport security are not imitated.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from compat.config.conventions import Conventions
from compat.core.models import ListItem
from compat.v1.datetimes import parse_instant, to_epoch
from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v1.routes import ROUTES
from tests.unit.service.doubles import FakeSource, basic, reports_on

RECORDINGS = json.loads(
    (Path(__file__).parents[1] / "v1/data/recordings.json").read_text(encoding="utf-8")
)
IMITATED = ("access-control-", "content-type", "www-authenticate", "correlation-id")
ADDED = {"/v1/tags.json": ["name"]}
"""Keys of items that the recordings do not have; `docs/conventions.md` says why."""

ANSWERS = [each for each in RECORDINGS if each["method"] == "GET" and each["status"] == 200]
LISTS = [each for each in ANSWERS if "items" in each["body"]]
ITEMS = [each for each in ANSWERS if "item" in each["body"]]
EARLIER = {("2016", "/v1/mailboxes/{id}.json")}
"""Recordings whose keys have another order than a later recording of the same path."""
NOT_FOUND = [each for each in RECORDINGS if each["method"] != "GET"]
EMPTY = {"page": 1, "pages": 0, "count": 0, "items": []}


def title(recording: dict[str, Any]) -> str:
    return "{recorded} {method} {path} {status}".format(**recording)


def response_to(
    recording: dict[str, Any], fake_source: FakeSource, key: str | None = basic()
) -> LegacyResponse:
    target = recording["path"].replace("{id}", "9")
    with reports_on(fake_source, api_keys=(SecretStr("an-old-key"),)) as reports:
        return reports.handle(LegacyRequest.from_target(target, recording["method"], key))


def imitated(headers: dict[str, str]) -> dict[str, str]:
    """The recorded headers that are imitated; an id differs each time."""
    found = {name.lower(): text for name, text in headers.items()}
    return {
        name: text
        for name, text in found.items()
        if name.startswith(IMITATED) and name != "correlation-id"
    }


def item(recorded: dict[str, Any]) -> ListItem:
    """What Mailbox API 2.0 has of a recorded item."""

    def second(name: str) -> int:
        text = recorded.get(name)
        return to_epoch(parse_instant(text, Conventions(), end=False)) if text else 0

    return ListItem(
        id=recorded["id"],
        name=recorded.get("name") or recorded.get("tag") or recorded["firstName"],
        slug=recorded.get("slug", ""),
        email=recorded.get("email", ""),
        type=recorded.get("type", ""),
        user=recorded.get("userId", 0),
        color=recorded.get("color", ""),
        total=recorded.get("totalCount", recorded.get("count", 0)),
        active=recorded.get("activeCount", 0),
        created=second("createdAt"),
        modified=second("modifiedAt"),
        last=recorded.get("lastName", ""),
        role=recorded.get("role", ""),
        timezone=recorded.get("timezone", ""),
        photo=recorded.get("photoUrl") or "",
        company=recorded.get("companyId", 0),
    )


def source_of(recorded: dict[str, Any]) -> FakeSource:
    """A source of one recorded item, and of its folders."""
    fake_source = FakeSource()
    fake_source.items = [item(recorded)]
    fake_source.items_of = {"folders": [item(each) for each in recorded.get("folders", ())]}
    return fake_source


@pytest.mark.parametrize("recording", LISTS, ids=title)
def test_a_list_has_the_recorded_keys_and_values_in_the_recorded_order(
    recording: dict[str, Any],
) -> None:
    body, fake_source = recording["body"], FakeSource()
    fake_source.items = [item(each) for each in body["items"]]
    response = response_to(recording, fake_source)
    answer = json.loads(response.body)
    added = ADDED.get(recording["path"], [])
    items = [dict(each) for each in answer["items"]]
    assert response.status == 200
    assert list(answer) == list(body)
    for found, recorded in zip(items, body["items"], strict=True):
        assert list(found) == [*recorded, *added]
        assert {name: found[name] for name in recorded} == recorded
    assert {**answer, "items": []} == {**body, "count": len(items), "items": []}


@pytest.mark.parametrize("recording", ITEMS, ids=title)
def test_an_item_has_the_recorded_keys_and_values_in_the_recorded_order(
    recording: dict[str, Any],
) -> None:
    recorded = recording["body"]["item"]
    response = response_to(recording, source_of(recorded))
    answer = json.loads(response.body)
    assert response.status == 200
    assert answer == recording["body"]
    if (recording["recorded"], recording["path"]) not in EARLIER:
        assert list(answer["item"]) == list(recorded)
    for found, folder in zip(
        answer["item"].get("folders", ()), recorded.get("folders", ()), strict=True
    ):
        assert list(found) == list(folder)


@pytest.mark.parametrize("recording", ITEMS, ids=title)
def test_an_item_that_does_not_exist_is_answered_as_one_was_recorded(
    recording: dict[str, Any],
) -> None:
    fake_source = FakeSource()
    fake_source.items = None
    response = response_to(recording, fake_source)
    recorded = next(
        each["body"]
        for each in RECORDINGS
        if (each["method"], each["path"], each["status"])
        == ("GET", "/v1/conversations/{id}.json", 404)
    )
    assert response.status == 404
    assert json.loads(response.body) == recorded


@pytest.mark.parametrize("recording", LISTS, ids=title)
def test_an_empty_list_has_no_pages(recording: dict[str, Any]) -> None:
    fake_source = FakeSource()
    if "{id}" in recording["path"] and "folders" not in recording["path"]:
        fake_source.items_of = {"mailboxes": [ListItem(9, "")], "teams": [ListItem(9, "")]}
    response = response_to(recording, fake_source)
    assert list(json.loads(response.body).items()) == list(EMPTY.items())


def test_every_list_that_is_answered_was_recorded() -> None:
    lists = {
        re.sub(r"{\w+}", "{id}", route.path) for route in ROUTES if "reports" not in route.path
    }
    assert {each["path"] for each in ANSWERS} == lists


@pytest.mark.parametrize("recording", ANSWERS, ids=title)
def test_a_list_has_the_recorded_headers(recording: dict[str, Any]) -> None:
    fake_source = FakeSource()
    fake_source.items = [ListItem(9, "")]
    response = response_to(recording, fake_source)
    assert imitated(dict(response.headers)) == imitated(recording["headers"])


@pytest.mark.parametrize("recording", NOT_FOUND, ids=title)
def test_a_method_that_does_not_exist_is_answered_as_recorded(recording: dict[str, Any]) -> None:
    response = response_to(recording, FakeSource())
    assert response.status == 404
    assert imitated(dict(response.headers)) == imitated(recording["headers"])
    assert response.body.decode().replace("/9.json", "/{id}.json") == json.dumps(
        recording["body"], separators=(",", ":")
    )


@pytest.mark.parametrize("status", [401, 404])
def test_an_error_of_a_known_path_is_answered_as_recorded(status: int) -> None:
    (recording,) = (
        each
        for each in RECORDINGS
        if each["method"] == "GET" and each["status"] == status and each["body"]
    )
    fake_source = FakeSource()
    fake_source.items = None
    folders = {**recording, "path": "/v1/mailboxes/{id}/folders.json"}
    response = response_to(folders, fake_source, basic() if status == 404 else None)
    assert response.status == status
    assert imitated(dict(response.headers)) == imitated(recording["headers"])
    assert response.body == json.dumps(recording["body"], separators=(",", ":")).encode()

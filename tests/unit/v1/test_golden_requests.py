"""Lines that real clients sent, and composed ones, with the query each must become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compat.config.conventions import Conventions
from compat.v1.auth import parse_api_key
from compat.v1.datetimes import format_instant
from compat.v1.errors import ValidationFailed
from compat.v1.http import LegacyRequest
from compat.v1.query import Range, ReportQuery, parse_pairs, parse_query
from compat.v1.routes import find_route

LINES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data/golden-requests.jsonl")
    .read_text("utf-8")
    .split("\n")
    if line
]
READABLE = [line for line in LINES if "query" in line]
REFUSED = [line for line in LINES if "validationErrors" in line]


def name(line: dict[str, Any]) -> str:
    return str(line["name"])


def read(line: dict[str, Any]) -> ReportQuery:
    request = LegacyRequest.from_target(line["target"], authorization=line["authorization"])
    route = find_route(request.method, request.path)
    return parse_query(parse_pairs(request.query), route.parameters, Conventions())


def edges(prefix: str, span: Range | None) -> dict[str, str | None]:
    first, last = ("previousStart", "previousEnd") if prefix else ("start", "end")
    if span is None:
        return {first: None, last: None}
    return {first: format_instant(span.start), last: format_instant(span.end)}


def as_recorded(query: ReportQuery) -> dict[str, object]:
    return {
        **edges("", query.current),
        **edges("previous", query.previous),
        "mailboxes": list(query.mailboxes),
        "tags": list(query.tags),
        "types": list(query.types),
        "folders": list(query.folders),
        "viewBy": query.view_by,
    }


def test_every_line_is_either_read_or_refused() -> None:
    assert len(READABLE) + len(REFUSED) == len(LINES) == 23


@pytest.mark.parametrize("line", READABLE, ids=name)
def test_a_request_becomes_the_recorded_query(line: dict[str, Any]) -> None:
    assert as_recorded(read(line)) == line["query"]


@pytest.mark.parametrize("line", REFUSED, ids=name)
def test_a_bad_request_is_refused_naming_each_bad_parameter(line: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed) as caught:
        read(line)
    entries = [each.as_dict() for each in caught.value.errors]
    assert caught.value.status == line["status"]
    assert [{**each, "message": ""} for each in entries] == [
        {**each, "message": ""} for each in line["validationErrors"]
    ]
    assert all(each["message"] for each in entries)


@pytest.mark.parametrize("line", READABLE, ids=name)
def test_the_api_key_is_the_user_name(line: dict[str, Any]) -> None:
    request = LegacyRequest.from_target(line["target"], authorization=line["authorization"])
    assert parse_api_key(request.authorization) == line["apiKey"].encode()

"""Captures are read from JSON lines, one at a time; unreadable lines are named."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat import json_lines
from compat.parity.captures.models import Capture, Unreadable
from compat.parity.captures.reader import read_json_lines
from compat.server.recorder import Record
from tests.unit.parity.captured import lines, read_lines

RECORD: dict[str, Any] = {"target": "/v1/tags.json?page=1", "status": 200, "body": '{"count":7}'}
NEW_YEAR = 1_420_070_400


def only(*records: object) -> Capture:
    (found,) = read_lines(*records)
    assert isinstance(found, Capture), found
    return found


def refused(record: object) -> str:
    (found,) = read_lines(record)
    assert isinstance(found, Unreadable), found
    assert found.place == "old.jsonl:1"
    return found.reason


def test_a_line_is_a_capture() -> None:
    assert only(RECORD) == Capture("old.jsonl:1", "/v1/tags.json?page=1", 200, b'{"count":7}')


def test_the_method_is_in_capitals() -> None:
    assert only(RECORD | {"method": "get"}).method == "GET"


@pytest.mark.parametrize(
    "text",
    [
        "2015-01-01T00:00:00Z",
        "2015-01-01T01:00:00+01:00",
        "2015-01-01T00:00:00",
        "2015-01-01T00:00:00.9Z",
    ],
)
def test_the_time_of_recording_is_utc_if_it_names_no_zone(text: str) -> None:
    assert only(RECORD | {"taken_at": text}).taken_at == NEW_YEAR


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"b": 7, "a": [1.0, None]}, '{"b":7,"a":[1.0,null]}'),
        ([{"day": 1}], '[{"day":1}]'),
        ('{ "a" : 1 }', '{ "a" : 1 }'),
        ("no JSON at all", "no JSON at all"),
    ],
)
def test_a_body_is_a_text_or_the_json_that_the_text_is(body: object, text: str) -> None:
    assert only(RECORD | {"body": body}).body == text.encode()


def test_only_path_and_query_of_a_url_are_kept() -> None:
    url = "https://a-secret-key:X@api.helpscout.net/v1/tags.json?page=1&key=a-secret-key"
    found = only(RECORD | {"target": url, "headers": {"Authorization": "Basic a-secret-key"}})
    assert found.target == "/v1/tags.json?page=1&REDACTED"
    assert "a-secret-key" not in repr(found)


def test_empty_lines_are_skipped_and_counted() -> None:
    assert [each.place for each in read_lines(b"", RECORD, b"  ", RECORD)] == [
        "old.jsonl:2",
        "old.jsonl:4",
    ]


def test_a_byte_order_mark_and_carriage_returns_are_ignored() -> None:
    text = b"\xef\xbb\xbf" + json.dumps(RECORD).encode() + b"\r"
    assert only(text).body == b'{"count":7}'


def test_a_last_line_needs_no_end() -> None:
    (found,) = read_json_lines(io.BytesIO(json.dumps(RECORD).encode()), "old.jsonl")
    assert isinstance(found, Capture)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"{a-secret-key", "the line is no JSON"),
        (b'"a-secret-key"', "the line is no JSON object"),
        (b"\xff", "the line is no JSON"),
        ({}, "target is missing; status is missing; body is missing"),
        (RECORD | {"status": "a-secret-key"}, "status cannot be used"),
        (RECORD | {"status": 99}, "status cannot be used"),
        (RECORD | {"taken_at": "a-secret-key"}, "taken_at cannot be used"),
        (RECORD | {"taken_at": "9999-12-31T23:59:59-14:00"}, "taken_at cannot be used"),
        (RECORD | {"taken_at": "0001-01-01T00:00:00+14:00"}, "taken_at cannot be used"),
        (RECORD | {"body": 7}, "body cannot be used"),
        (RECORD | {"body": " "}, "the answer's body is empty, or was not saved"),
        (RECORD | {"target": "a-secret-key"}, "the target is neither a path nor a URL"),
    ],
)
def test_an_unreadable_line_is_named_with_its_place_and_not_shown(
    record: object, reason: str
) -> None:
    assert refused(record) == reason


WHOLE = json.dumps(RECORD).encode()
HAR = b'{"log":{"version":"1.2","entries":[]}}'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (WHOLE + WHOLE, "the line goes on after its JSON"),
        (WHOLE + b" a-secret-key", "the line goes on after its JSON"),
        (WHOLE + b"\0", "the line goes on after its JSON"),
        (WHOLE + b"]", "the line goes on after its JSON"),
        (HAR, "a HAR file begins here"),
        (b'{"comment":"","log":{"entries":[]}}', "this looks like HAR"),
        (b"[" + WHOLE + b"," + WHOLE + b"]", "the line is a list"),
        (b"{", "JSON begins here that goes on in the next line"),
        (b"[", "JSON begins here that goes on in the next line"),
        (WHOLE.decode().encode("utf-16"), "the file is in UTF-16"),
        (b"\x1f\x8b\x08\x00", "the file is compressed"),
    ],
)
def test_a_line_that_hides_other_captures_shows_a_damaged_file(line: bytes, reason: str) -> None:
    (found,) = read_lines(line)
    assert isinstance(found, Unreadable)
    assert found.damaged
    assert reason in found.reason
    assert "a-secret-key" not in found.reason


@pytest.mark.parametrize("line", [b"no JSON", b"{}", b"7", WHOLE[:-5]])
def test_a_line_that_is_wrong_in_itself_is_no_damage(line: bytes) -> None:
    (found,) = read_lines(line)
    assert isinstance(found, Unreadable)
    assert not found.damaged


@pytest.mark.parametrize("status", [301, 302, 401, 503])
def test_an_inconclusive_answer_needs_no_body(status: int) -> None:
    assert only(RECORD | {"status": status, "body": ""}).status == status


def test_a_byte_order_mark_before_a_body_is_no_part_of_it() -> None:
    assert only(RECORD | {"body": "\ufeff{}"}).body == b"{}"


def test_a_byte_order_mark_may_stand_before_each_line() -> None:
    mark = b"\xef\xbb\xbf"
    assert [type(each) for each in read_lines(mark + WHOLE, mark + WHOLE)] == [Capture, Capture]


def test_lines_after_an_unreadable_one_are_read() -> None:
    kinds = [type(each) for each in read_lines(RECORD, b"{", RECORD)]
    assert kinds == [Capture, Unreadable, Capture]


def test_a_line_without_an_end_is_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 1024)
    found = read_lines(b"[" * 5000, RECORD)
    assert [each.place for each in found] == ["old.jsonl:1", "old.jsonl:2"]
    assert isinstance(found[0], Unreadable)
    assert isinstance(found[1], Capture)


def test_lines_are_read_one_at_a_time() -> None:
    stream = lines(*[RECORD] * 1000)
    next(read_json_lines(stream, "old.jsonl"))
    assert stream.tell() < 100


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_can_be_read(line: bytes) -> None:
    for found in read_json_lines(io.BytesIO(line), "old.jsonl"):
        assert isinstance(found, Unreadable)


@given(st.text(min_size=1).filter(str.strip), st.integers(100, 599))
def test_a_written_record_can_be_read_again(body: str, status: int) -> None:
    record = Record(target="/v1/tags.json", status=status, body=body)
    found = only(record.model_dump_json().encode())
    assert (found.body, found.status) == (body.encode(), status)

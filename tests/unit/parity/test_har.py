"""Captures are read from HAR files, as browsers and proxies export them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from compat.parity.captures import har
from compat.parity.captures.models import Capture, Unreadable

DATA = Path(__file__).parent / "data"
URL = "https://api.helpscout.net/v1/reports/conversations/new.json?start=2015-01-01"
BODY = b'{"current":[{"start":"2015-01-01T00:00:00Z","count":7}]}'
NINE = 1_551_430_800
"""2019-03-01T09:00:00Z."""


def entry(content: dict[str, Any], *headers: tuple[str, str], **response: Any) -> dict[str, Any]:
    """A minimal entry by the specification, with the fields that are read."""
    return {
        "startedDateTime": "2019-03-01T09:00:00Z",
        "request": {"method": "GET", "url": URL},
        "response": {
            "status": 200,
            "headers": [{"name": name, "value": value} for name, value in headers],
            "content": {"size": 0, "mimeType": "application/json", **content},
            **response,
        },
    }


def file_of(*entries: object) -> io.BytesIO:
    return io.BytesIO(json.dumps({"log": {"version": "1.2", "entries": entries}}).encode())


def read(*entries: object) -> list[Capture | Unreadable]:
    return list(har.read_har(file_of(*entries), "site.har"))


def body_of(found: dict[str, Any]) -> bytes:
    (capture,) = read(found)
    assert isinstance(capture, Capture), capture
    return capture.body


def reason_of(found: object) -> str:
    (unreadable,) = read(found)
    assert isinstance(unreadable, Unreadable), unreadable
    assert unreadable.place == "site.har#1"
    return unreadable.reason


def exported(name: str) -> list[Capture | Unreadable]:
    with (DATA / name).open("rb") as stream:
        return list(har.read_har(stream, name))


def test_an_export_of_one_browser_is_read_without_other_sites() -> None:
    report, other, *rest = exported("chrome.har")
    query = "start=2015-01-01T00:00:00Z&end=2015-01-07T23:59:59Z"
    target = f"/v1/reports/conversations/new.json?{query}"
    assert report == Capture("chrome.har#2", target, 200, BODY, NINE)
    assert isinstance(other, Capture)
    assert other.place == "chrome.har#4"
    assert other.target.startswith("/v1/reports/company.json?")
    assert rest[:2] == [
        Unreadable("chrome.har#5", "the answer's body is empty, or was not saved"),
        Unreadable("chrome.har#6", "there was no answer"),
    ]
    assert isinstance(rest[2], Capture)
    assert rest[2].method == "OPTIONS"


def test_an_export_of_another_browser_is_read_with_base64_and_cached_answers() -> None:
    found = exported("firefox.har")
    assert [(each.body, each.status) for each in found if isinstance(each, Capture)] == [
        (BODY, 200),
        (BODY, 200),
    ]
    assert isinstance(found[0], Capture)
    assert found[0].taken_at == NINE


def test_an_export_of_a_proxy_is_read_with_compression_and_a_byte_order_mark() -> None:
    (found,) = exported("proxy.har")
    assert isinstance(found, Capture)
    assert found.body == BODY
    assert (found.method, found.taken_at) == ("GET", NINE)


@pytest.mark.parametrize("name", ["chrome.har", "firefox.har", "proxy.har"])
def test_captures_contain_no_key_of_an_export(name: str) -> None:
    text = (DATA / name).read_bytes()
    assert b"a-secret-key" in text or b"YS1zZWNyZXQta2V5" in text
    found = repr(exported(name))
    assert "a-secret-key" not in found
    assert "YS1zZWNyZXQta2V5" not in found


def compressed(raw: bytes, encoding: str) -> dict[str, Any]:
    content = {"encoding": "base64", "text": base64.b64encode(raw).decode()}
    return entry(content, ("Content-Encoding", encoding))


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (gzip.compress(BODY, mtime=0), "gzip"),
        (zlib.compress(BODY), "deflate"),
        (zlib.compress(BODY)[2:-4], "deflate"),
        (gzip.compress(zlib.compress(BODY), mtime=0), "deflate, gzip"),
        (BODY, "gzip"),
        (BODY, "br"),
    ],
)
def test_a_body_is_decoded_if_it_still_is_encoded(raw: bytes, encoding: str) -> None:
    assert body_of(compressed(raw, encoding)) == BODY


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (compressed(b"\x1f\x8bbroken", "gzip"), "its body is not what its content encoding says"),
        (compressed(b"\x1b7\x00\xf8", "x-other"), "its content encoding is not read here: x-other"),
        (entry({"text": "%%%", "encoding": "base64"}), "its body is no base64"),
        (entry({}), "the answer's body is empty, or was not saved"),
        (entry({"text": ""}), "the answer's body is empty, or was not saved"),
        (entry({"text": "{}"}, status=0), "there was no answer"),
        (entry({"text": "{}"}, status=-1), "there was no answer"),
        (entry({"text": "{}"}, status="x"), "response.status is missing or cannot be used"),
        (entry({"text": "{}"}, status=None), "response.status is missing or cannot be used"),
        (entry({"text": 7}), "response.content.text is missing or cannot be used"),
        (entry({"text": None}), "the answer's body is empty, or was not saved"),
        ({"request": {"url": URL}}, "response is missing or cannot be used"),
        (7, "the entry is missing or cannot be used"),
    ],
)
def test_an_unreadable_entry_is_named_with_the_reason(found: object, reason: str) -> None:
    assert reason in reason_of(found)


def test_a_body_that_decompresses_to_too_much_is_not_held_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(har, "_MAX_BODY_BYTES", 100_000)
    assert "larger than" in reason_of(compressed(gzip.compress(b"x" * 1_000_000, mtime=0), "gzip"))


def test_a_text_without_an_encoding_is_the_body() -> None:
    assert body_of(entry({"text": '{"name":"é"}'})) == '{"name":"é"}'.encode()


WRONG: list[Any] = [None, {}, {"a": 7}, [], [7], 7, -7.5, True, "", "wrong", "\ud800"]
"""Values that a program may write in a field that it does not understand."""


@pytest.mark.parametrize("value", WRONG)
def test_a_time_that_is_wrong_is_unknown(value: object) -> None:
    (capture,) = read(entry({"text": BODY.decode()}) | {"startedDateTime": value})
    assert isinstance(capture, Capture)
    assert capture.body == BODY


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2015-13-01", "yesterday"]
)
def test_a_time_outside_the_calendar_is_unknown(text: str) -> None:
    (capture,) = read(entry({"text": BODY.decode()}) | {"startedDateTime": text})
    assert isinstance(capture, Capture)
    assert capture.taken_at is None


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("name", ["value", "name", "comment"])
def test_a_header_that_is_wrong_does_not_matter(name: str, value: object) -> None:
    header = {"name": "X-Other", "value": "x"} | {name: value}
    assert body_of(entry({"text": BODY.decode()}, headers=[header])) == BODY


@pytest.mark.parametrize("value", WRONG)
def test_headers_that_are_no_list_do_not_matter(value: object) -> None:
    assert body_of(entry({"text": BODY.decode()}, headers=value)) == BODY


def test_headers_beside_a_wrong_one_are_read() -> None:
    found = compressed(gzip.compress(BODY, mtime=0), "gzip")
    found["response"]["headers"] += [{"name": "Content-Encoding", "value": {}}, 7, {}]
    assert body_of(found) == BODY


@pytest.mark.parametrize("value", [*WRONG, "base64", "BASE64", "utf-8", "gzip"])
def test_an_encoding_that_is_wrong_does_not_matter_if_the_text_is_json(value: object) -> None:
    assert body_of(entry({"text": BODY.decode(), "encoding": value})) == BODY


@pytest.mark.parametrize("value", [None, "", "base-64", "utf-8", " Base64 ", 7])
def test_a_text_in_base64_is_decoded_whatever_its_encoding_is_called(value: object) -> None:
    assert body_of(entry({"text": base64.b64encode(BODY).decode(), "encoding": value})) == BODY


@pytest.mark.parametrize("encoding", ["utf-8", "identity", "gzip", "deflate", "none", "x-other"])
@pytest.mark.parametrize("body", [BODY, b"<html>Sign in</html>", b"Bad gateway"])
def test_a_content_encoding_that_is_wrong_does_not_matter(encoding: str, body: bytes) -> None:
    assert body_of(compressed(body, encoding)) == body
    assert body_of(entry({"text": body.decode()}, ("Content-Encoding", encoding))) == body


@pytest.mark.parametrize("field", ["cache", "timings", "time", "pageref", "serverIPAddress"])
@pytest.mark.parametrize("value", WRONG)
def test_fields_that_are_not_read_may_be_anything(field: str, value: object) -> None:
    assert body_of(entry({"text": BODY.decode()}) | {field: value}) == BODY


@pytest.mark.parametrize("field", ["mimeType", "size", "compression", "comment"])
@pytest.mark.parametrize("value", WRONG)
def test_fields_of_a_body_that_are_not_read_may_be_anything(field: str, value: object) -> None:
    assert body_of(entry({"text": BODY.decode(), field: value})) == BODY


def test_a_content_that_is_null_was_not_saved() -> None:
    found = entry({})
    found["response"]["content"] = None
    assert reason_of(found) == "the answer's body is empty, or was not saved"


def test_a_method_that_is_null_is_get() -> None:
    found = entry({"text": BODY.decode()})
    (capture,) = read(found | {"request": {"method": None, "url": URL}})
    assert isinstance(capture, Capture)
    assert capture.method == "GET"


def test_a_byte_order_mark_before_a_body_is_no_part_of_it() -> None:
    assert body_of(entry({"text": "\ufeff" + BODY.decode()})) == BODY
    assert body_of(compressed(b"\xef\xbb\xbf" + BODY, "gzip")) == BODY


@pytest.mark.parametrize("content", [{}, {"text": ""}, {"text": "<html>"}])
def test_a_redirect_is_a_capture_with_any_body(content: dict[str, Any]) -> None:
    (capture,) = read(entry(content, status=302))
    assert isinstance(capture, Capture)
    assert capture.status == 302


@pytest.mark.parametrize("url", ["https://other.example/v2/reports", "https://[broken", "about:x"])
def test_entries_of_other_sites_are_skipped_by_their_path(url: str) -> None:
    assert read(entry({"text": "{}"}) | {"request": {"method": "GET", "url": url}}) == []


def test_a_file_that_broke_off_is_read_as_far_as_it_goes() -> None:
    text = file_of(*[entry({"text": "{}"})] * 3).getvalue()
    *captures, last = har.read_har(io.BytesIO(text[: text.rindex(b'"request"')]), "site.har")
    assert [each.place for each in captures] == ["site.har#1", "site.har#2"]
    assert isinstance(last, Unreadable)
    assert (last.place, "broken off" in last.reason) == ("site.har#3", True)
    assert last.damaged


@pytest.mark.parametrize(
    "rest",
    [
        b"garbage",
        b"}",
        b"\0",
        b"{}",
        b'\n{"target":"/v1/tags.json","status":200,"body":"{}"}\n',
        file_of(entry({"text": "{}"})).getvalue(),
        b"\n\xef\xbb\xbf" + file_of(entry({"text": "{}"})).getvalue(),
    ],
)
def test_bytes_after_the_end_of_the_json_show_a_damaged_file(rest: bytes) -> None:
    stream = io.BytesIO(file_of(entry({"text": "{}"})).getvalue() + rest)
    capture, last = har.read_har(stream, "site.har")
    assert isinstance(capture, Capture)
    assert isinstance(last, Unreadable)
    assert (last.place, last.damaged) == ("site.har#2", True)


def test_white_space_after_the_end_of_the_json_is_no_damage() -> None:
    stream = io.BytesIO(file_of(entry({"text": "{}"})).getvalue() + b"\r\n\n \t")
    assert [type(each) for each in har.read_har(stream, "site.har")] == [Capture]


def test_entries_are_read_one_at_a_time() -> None:
    stream = file_of(*[entry({"text": json.dumps({"x": "y" * 1000})})] * 1000)
    next(har.read_har(stream, "site.har"))
    assert stream.tell() < len(stream.getvalue()) / 4

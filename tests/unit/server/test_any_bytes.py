"""Whatever stands in a request line, the answer is JSON and no error of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.asgi import create_app
from tests.strategies import query_strings
from tests.unit.server.threaded_server import KEY, raw, serving
from tests.unit.service.doubles import FIRST, JANUARY, PATH, FakeSource, reports_on, row

ALLOWED = bytes(range(0x21, 0x7F)).replace(b"#", b"")
"""What HTTP lets stand in a request line without being encoded; a fragment is never sent."""

plain_bytes = st.lists(st.sampled_from(ALLOWED), max_size=1000).map(bytes)
encoded_bytes = st.binary(max_size=300).map(lambda sent: quote_from_bytes(sent).encode())
sendable_queries = query_strings().map(lambda sent: quote_from_bytes(sent, safe="%&=,:[]").encode())


@pytest.fixture(scope="module")
def open_port() -> Iterator[int]:
    with (
        reports_on(FakeSource([row(FIRST)])) as reports,
        serving(create_app(reports), lifespan="off") as port,
    ):
        yield port


def status_of(port: int, target: bytes, key: str | None = KEY["Authorization"]) -> int:
    """The status of the answer, once it is sure that its body is JSON that says the same."""
    authorization = f"Authorization: {key}\r\n" if key else ""
    request = b"GET %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n"
    answer = raw(port, request % (target, authorization.encode()))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json; charset=utf-8" in head.lower()
    status = int(head.split()[1])
    shown = json.loads(body)
    assert "current" in shown if status == 200 else shown["code"] == status
    return status


@given(query=st.one_of(plain_bytes, encoded_bytes, sendable_queries))
def test_any_query_is_answered_or_its_error_named(open_port: int, query: bytes) -> None:
    assert status_of(open_port, f"{PATH}?".encode() + query) in {200, 400}


@given(query=st.one_of(plain_bytes, encoded_bytes, sendable_queries))
def test_anything_may_stand_behind_a_good_query(open_port: int, query: bytes) -> None:
    assert status_of(open_port, f"{JANUARY}&".encode() + query) in {200, 400}


@given(path=st.one_of(plain_bytes, encoded_bytes).filter(bool), query=plain_bytes)
def test_any_path_is_answered(open_port: int, path: bytes, query: bytes) -> None:
    target = b"/" + path.replace(b"?", b"%3F") + b"?" + query
    assert status_of(open_port, target) == 404


@given(key=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60))
def test_any_key_is_known_or_not(open_port: int, key: str) -> None:
    assert status_of(open_port, JANUARY.encode(), key) in {200, 401}

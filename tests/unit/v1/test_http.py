"""Requests and answers, and the errors' words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.v1 import errors
from compat.v1.errors import BadParameter, LegacyError
from compat.v1.http import (
    CONTENT_TYPE,
    LegacyRequest,
    LegacyResponse,
    error_response,
    format_ignored,
    preflight_response,
    success_response,
)
from tests.unit.v1.parsed_queries import PATH

TYPE = ("Content-Type", "application/json; charset=utf-8")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (PATH, PATH, b""),
        (f"{PATH}?", PATH, b""),
        (f"{PATH}?a=1?2", PATH, b"a=1?2"),
        (f"https://api.helpscout.net{PATH}?a=1", PATH, b"a=1"),
        (f"HTTP://127.0.0.1:8080{PATH}", PATH, b""),
        ("https://api.helpscout.net", "/", b""),
        ("https://api.helpscout.net?a=1", "/", b"a=1"),
        ("", "/", b""),
        ("/v1/a%20b%2Fc?x=%20+", "/v1/a b/c", b"x=%20+"),
        ("/v1?to=https://example.org/x", "/v1", b"to=https://example.org/x"),
        ("/v1?a=1#part", "/v1", b"a=1"),
        ("/%ff", "/\ufffd", b""),
        ("/é", "/é", b""),
    ],
)
def test_a_target_is_split_at_the_first_question_mark(target: str, path: str, query: bytes) -> None:
    expected = LegacyRequest(path=path, query=query)
    assert LegacyRequest.from_target(target) == expected
    assert LegacyRequest.from_target(target.encode()) == expected


@given(target=st.one_of(st.binary(), st.text()), header=st.one_of(st.none(), st.text()))
def test_any_target_is_a_request(target: str | bytes, header: str | None) -> None:
    request = LegacyRequest.from_target(target, authorization=header)
    assert request.path
    assert (request.authorization is None) == (header is None)


def test_what_cannot_be_encoded_becomes_a_question_mark() -> None:
    """A text that Python decoded from other bytes may hold half of a surrogate pair."""
    request = LegacyRequest.from_target("/v1/x?tags=\ud800", authorization="Basic \u20ac")
    assert (request.query, request.authorization) == (b"tags=?", b"Basic ?")


def test_a_request_does_not_show_its_key() -> None:
    request = LegacyRequest.from_target(PATH, authorization="Basic a2V5Olg=")
    assert request.authorization == b"Basic a2V5Olg="
    assert "a2V5" not in repr(request)


def test_a_report_is_json_with_the_exact_content_type() -> None:
    answer = success_response(b"{}")
    assert (answer.status, answer.headers, answer.body) == (200, (TYPE,), b"{}")
    assert TYPE[1] == CONTENT_TYPE


def test_a_preflight_is_answered_without_a_body() -> None:
    assert preflight_response() == LegacyResponse(204, (), b"")


def test_a_header_can_be_added() -> None:
    answer = success_response(b"{}").with_headers(("Correlation-Id", "1"))
    assert answer.headers == (TYPE, ("Correlation-Id", "1"))


def test_the_response_to_head_has_the_length_of_the_body_and_no_body() -> None:
    answer = success_response(b"{}").without_body()
    assert (answer.headers, answer.body) == ((TYPE, ("Content-Length", "2")), b"")


@pytest.mark.parametrize(
    ("names", "header"),
    [
        (["mailbox"], "mailbox"),
        (["mailbox", "tag"], "mailbox, tag"),
        (["a, b\r\nc: é"], "a%2C%20b%0D%0Ac%3A%20%C3%A9"),
        (["a/b"], "a%2Fb"),
        ([f"n{number}" for number in range(12)], "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9"),
        (["n" * 1000], "n" * 64),
    ],
)
def test_ignored_names_fit_into_a_header(names: list[str], header: str) -> None:
    assert format_ignored(names) == header


ENVELOPES: list[tuple[LegacyError, int, str, dict[str, str]]] = [
    (errors.ValidationFailed([]), 400, "Input could not be validated", {}),
    (
        errors.Unauthorized(),
        401,
        "Authentication was not provided or was invalid.",
        {"WWW-Authenticate": 'Basic realm="Helpscout"'},
    ),
    (errors.Forbidden("Look at client_id."), 403, "Look at client_id.", {}),
    (errors.NotFound("/v1/x"), 404, "The specified resource was not found: '/v1/x'", {}),
    (errors.ItemNotFound(), 404, "The requested resource was not found.", {}),
    (errors.RateLimited(7), 429, "Too many requests: ask again in 7 seconds", {"Retry-After": "7"}),
    (errors.RateLimited(1), 429, "Too many requests: ask again in 1 second", {"Retry-After": "1"}),
    (errors.Internal(), 500, "Internal error", {}),
    (errors.Unavailable("Not yet.", retry_after=30), 503, "Not yet.", {"Retry-After": "30"}),
]


@pytest.mark.parametrize(("error", "status", "message", "headers"), ENVELOPES)
def test_errors_are_json_in_the_observed_envelope(
    error: LegacyError, status: int, message: str, headers: dict[str, str]
) -> None:
    answer = error_response(error)
    body = json.loads(answer.body)
    assert answer.status == status
    assert answer.headers == (TYPE, *headers.items())
    assert list(body) == ["code", "error", "validationErrors"][: 3 if status == 400 else 2]
    assert (body["code"], body["error"]) == (status, message)
    assert message in str(error)


def test_every_error_is_among_the_examples() -> None:
    public = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, LegacyError) and each.__name__[0] != "_"
    }
    assert public - {LegacyError} == {type(error) for error, *_ in ENVELOPES}


def test_every_error_stands_in_the_tree() -> None:
    assert errors.__doc__ is not None
    for error, status, *_ in ENVELOPES:
        assert f"{type(error).__name__} " in errors.__doc__
        assert str(status) in errors.__doc__


def test_bad_parameters_keep_order_and_null() -> None:
    answer = error_response(
        errors.ValidationFailed(
            [BadParameter("start", None, "Send it."), BadParameter("tags", "é", "Digits.")]
        )
    )
    assert answer.body == (
        b'{"code":400,"error":"Input could not be validated","validationErrors":['
        b'{"property":"start","value":null,"message":"Send it."},'
        b'{"property":"tags","value":"\\u00e9","message":"Digits."}]}'
    )


@given(path=st.text())
def test_whatever_was_sent_can_be_told_back(path: str) -> None:
    body = json.loads(error_response(errors.NotFound(path)).body)
    assert body["error"] == f"The specified resource was not found: '{path}'"


def test_a_refusal_reads_well_in_a_log() -> None:
    refusal = errors.ValidationFailed([BadParameter("tags", "x", "tags must be ids.")])
    assert str(refusal) == "Input could not be validated: tags must be ids."


def test_the_sentences_of_a_refusal_follow_each_other_in_a_log() -> None:
    faults = [BadParameter("start", None, "Send it."), BadParameter("tags", "é", "Digits.")]
    assert str(errors.ValidationFailed(faults)) == "Input could not be validated: Send it. Digits."

"""What the errors know of the response that they stand for."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from compat.v2.errors import (
    AccessRefused,
    InconsistentData,
    NothingAtAddress,
    Overloaded,
    ParameterError,
    Redirected,
    RequestLoop,
    RequestRefused,
    Unreachable,
    UpstreamError,
)
from compat.v2.responses import error_for


def refusing(*parameters: dict[str, Any]) -> bytes:
    """The body of a response that names parameters."""
    return json.dumps({"message": "Bad Request", "_embedded": {"errors": parameters}}).encode()


@pytest.mark.parametrize(
    ("shown", "known"),
    [
        ({"path": "start", "message": "no date", "rejectedValue": "x"}, ("start", "no date", "x")),
        ({"path": "rows", "message": "too many", "rejectedValue": 51}, ("rows", "too many", "51")),
        ({"path": "end", "message": "missing", "rejectedValue": None}, ("end", "missing", None)),
        ({"path": "end", "message": "missing"}, ("end", "missing", None)),
        ({"path": "end"}, ("end", "", None)),
        ({"path": "end", "rejectedValue": ""}, ("end", "", "")),
    ],
)
def test_a_400_knows_the_parameter_that_it_names(
    shown: dict[str, Any], known: tuple[str, str, str | None]
) -> None:
    error = error_for(400, {}, refusing(shown))
    assert error.parameter_errors == (ParameterError(*known),)


def test_a_400_knows_all_parameters_that_it_names_in_their_order() -> None:
    error = error_for(400, {}, refusing({"path": "start"}, {"path": "end"}))
    assert [each.path for each in error.parameter_errors] == ["start", "end"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"_embedded": {"errors": [{"message": "no name"}]}}'],
)
def test_a_400_whose_body_names_no_parameter_is_only_a_refusal(body: bytes) -> None:
    error = error_for(400, {}, body)
    assert type(error) is RequestRefused
    assert error.parameter_errors == ()


def test_only_a_400_names_parameters() -> None:
    assert error_for(422, {}, refusing({"path": "start"})).parameter_errors == ()


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (201, InconsistentData, "sends no data"),
        (299, InconsistentData, "sends no data"),
        (300, Redirected, "a redirect"),
        (399, Redirected, "a redirect"),
        (400, RequestRefused, "refuses the request"),
        (401, Unreachable, "a token that it just handed out"),
        (403, AccessRefused, "does not let this application see that"),
        (404, NothingAtAddress, "has nothing at the address"),
        (408, Overloaded, "cannot answer now"),
        (425, Overloaded, "cannot answer now"),
        (429, Overloaded, "cannot answer now"),
        (499, RequestRefused, "refuses the request"),
        (500, Overloaded, "cannot answer now"),
        (508, Overloaded, "cannot answer now"),
    ],
)
def test_each_status_has_its_kind_of_error(
    status: int, kind: type[UpstreamError], says: str
) -> None:
    error = error_for(status, {}, b"", 7)
    assert type(error) is kind
    assert says in str(error)
    assert str(error).endswith(f"(status {status})")
    assert (error.status, error.requested_at) == (status, 7)


@pytest.mark.parametrize(("status", "is_loop"), [(508, True), (500, False), (507, False)])
def test_a_loop_needs_the_status_as_well_as_the_header(status: int, is_loop: bool) -> None:
    error = error_for(status, httpx.Headers({"compat-upstream": "1"}), b"")
    assert isinstance(error, RequestLoop) is is_loop


def test_an_error_knows_what_to_quote_and_where_a_redirect_points() -> None:
    headers = httpx.Headers({"correlation-id": "6f0c-1#7", "location": "https://h.example/v3"})
    error = error_for(302, headers, b"")
    assert (error.correlation_id, error.location) == ("6f0c-1#7", "https://h.example/v3")


def test_an_error_does_not_know_what_it_was_not_told() -> None:
    error = error_for(302, httpx.Headers(), b"")
    assert (error.correlation_id, error.location, error.requested_at) == (None, "", 0)


def test_an_error_without_a_response_knows_only_its_message() -> None:
    error = UpstreamError("no answer")
    assert vars(error) == {
        "status": None,
        "correlation_id": None,
        "requested_at": 0,
        "location": "",
        "parameter_errors": (),
    }

"""Requests, responses and errors of the simulated API, independent of any server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, unquote_plus
from uuid import uuid4

HAL = "application/hal+json"
JSON = "application/json"
TEXT = "text/plain;charset=utf-8"
VND_ERROR = "application/vnd.error+json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """One request; header names are in lower case, ``base`` is scheme and host."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = "http://localhost"

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The query parameters that have a value; of one sent twice, the first."""
        pairs = parse_qsl(self.query, keep_blank_values=False)
        return dict(reversed(pairs))

    @property
    def resource(self) -> str:
        """The path without a slash at its end, which makes no difference."""
        return self.path.removesuffix("/")

    @property
    def target(self) -> str:
        """The path and the decoded query."""
        return self.path + (f"?{unquote_plus(self.query)}" if self.query else "")

    def fields(self) -> dict[str, str]:
        """The fields of the query and of the body, a form or a JSON object; the body wins.

        Raises:
            ValueError: the content type is JSON, and the body is no JSON object.
        """
        kind = self.headers.get("content-type", FORM).partition(";")[0].strip()
        if kind == JSON and self.body:
            sent = json.loads(self.body)
            if not isinstance(sent, dict):
                raise ValueError("no object")
            return self.parameters | {key: str(value) for key, value in sent.items()}
        return self.parameters | dict(parse_qsl(self.body.decode("utf-8", "replace")))


@dataclass(frozen=True)
class Response:
    """One response; the application adds the headers that every response has."""

    status: int
    body: bytes
    content_type: str = HAL
    headers: tuple[tuple[str, str], ...] = ()


def json_response(
    payload: object, status: int = 200, kind: str = HAL, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """A response with a JSON body."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, kind, headers)


@dataclass(frozen=True, slots=True)
class InvalidParameter:
    """What is wrong with one parameter."""

    path: str
    message: str
    value: str | None = None


class ApiError(Exception):
    """A request that gets an error response in the API's format."""

    def __init__(self, status: int, message: str, *problems: InvalidParameter) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems = problems

    def response(self) -> Response:
        """The response, in the vendor's error format."""
        about = {"about": {"href": "http://developer.helpscout.net/mailbox-api/overview/errors"}}
        payload: dict[str, object] = {"logRef": str(uuid4()), "message": self.message}
        if self.problems:
            payload["_embedded"] = {"errors": [_entry(problem) for problem in self.problems]}
        return json_response(payload | {"_links": about}, self.status, VND_ERROR)


def _entry(problem: InvalidParameter) -> dict[str, object]:
    entry: dict[str, object] = {"path": problem.path, "message": problem.message}
    if problem.value is not None:
        entry["rejectedValue"] = problem.value
    about = {"href": "http://developer.helpscout.net/mailbox-api/overview/errors#json"}
    return entry | {"source": "QUERY", "_links": {"about": about}}


def validation_error(*problems: InvalidParameter) -> ApiError:
    """The error for a request whose parameters are wrong."""
    return ApiError(400, "Validation error", *problems)


def not_found(message: str = "Resource not found") -> ApiError:
    """The error for a request for something that does not exist."""
    return ApiError(404, message)

"""Requests and answers as the simulated API sees them, free of any server."""

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
        """The query parameters that have a value; of one sent twice the first counts."""
        pairs = parse_qsl(self.query, keep_blank_values=False)
        return dict(reversed(pairs))

    @property
    def target(self) -> str:
        """The path and the decoded query."""
        return self.path + (f"?{unquote_plus(self.query)}" if self.query else "")

    def fields(self) -> dict[str, str]:
        """What a form, a JSON object and the query say; the body wins.

        Raises:
            ValueError: the body is no JSON object although it says so.
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
    """One answer; the application adds what every answer has."""

    status: int
    body: bytes
    content_type: str = HAL
    headers: tuple[tuple[str, str], ...] = ()


def answer(
    payload: object, status: int = 200, kind: str = HAL, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """A JSON answer."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, kind, headers)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one parameter."""

    path: str
    message: str
    value: str | None = None


class Refusal(Exception):
    """A request that is answered with an error of the API's own shape."""

    def __init__(self, status: int, message: str, *problems: Problem) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems = problems

    def response(self) -> Response:
        """The answer, in the vendor's error format."""
        about = {"about": {"href": "http://developer.helpscout.net/mailbox-api/overview/errors"}}
        payload: dict[str, object] = {"logRef": str(uuid4()), "message": self.message}
        if self.problems:
            payload["_embedded"] = {"errors": [_entry(problem) for problem in self.problems]}
        return answer(payload | {"_links": about}, self.status, VND_ERROR)


def _entry(problem: Problem) -> dict[str, object]:
    entry: dict[str, object] = {"path": problem.path, "message": problem.message}
    if problem.value is not None:
        entry["rejectedValue"] = problem.value
    about = {"href": "http://developer.helpscout.net/mailbox-api/overview/errors#json"}
    return entry | {"source": "QUERY", "_links": {"about": about}}


def invalid(*problems: Problem) -> Refusal:
    """The refusal of a request whose parameters are wrong."""
    return Refusal(400, "Validation error", *problems)


def not_found(message: str = "Resource not found") -> Refusal:
    """The refusal of a request for something that is not there."""
    return Refusal(404, message)

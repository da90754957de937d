"""Requests and responses of the old API, independent of any HTTP library."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from compat.v1.errors import LegacyError

CONTENT_TYPE: Final = "application/json; charset=utf-8"
"""The content type of every response. Some clients compare the exact text."""

_ORIGIN: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


@dataclass(frozen=True, slots=True)
class LegacyRequest:
    """A request as a caller sent it.

    Attributes:
        method: The HTTP method, in capitals.
        path: The path, percent-decoded, without the query.
        query: The text after the question mark, as sent.
        authorization: The `Authorization` header, as sent. It is a secret, so `repr` does not
            show it.
    """

    method: str = "GET"
    path: str = "/"
    query: bytes = b""
    authorization: bytes | None = field(default=None, repr=False)

    @classmethod
    def from_target(
        cls,
        target: str | bytes,
        method: str = "GET",
        authorization: str | bytes | None = None,
    ) -> Self:
        """The request for `/path?query`, or for a whole URL, of which the host is ignored."""
        if isinstance(target, str):
            target = target.encode("utf-8", "replace")
        if isinstance(authorization, str):
            authorization = authorization.encode("latin-1", "replace")
        origin = _ORIGIN.match(target)
        rest = target[origin.end() :] if origin else target
        raw_path, _, query = rest.partition(b"#")[0].partition(b"?")
        path = unquote_to_bytes(raw_path).decode("utf-8", "replace") or "/"
        return cls(method, path, query, authorization)


@dataclass(frozen=True, slots=True)
class LegacyResponse:
    """A response to send to a caller.

    Attributes:
        status: The HTTP status.
        headers: Names and values, the content type first.
        body: JSON in UTF-8, not compressed.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_header(self, name: str, value: str) -> LegacyResponse:
        """The same response with another header."""
        return replace(self, headers=(*self.headers, (name, value)))


def success_response(body: bytes, *headers: tuple[str, str]) -> LegacyResponse:
    """The response for a report, of which the JSON is given."""
    return LegacyResponse(200, (("Content-Type", CONTENT_TYPE), *headers), body)


def error_response(error: LegacyError) -> LegacyResponse:
    """The response for an error.

    Characters outside ASCII are escaped, so any text that a caller sent can be repeated in it.
    """
    headers = (("Content-Type", CONTENT_TYPE), *error.headers().items())
    body = json.dumps(error.body(), separators=(",", ":")).encode("ascii")
    return LegacyResponse(error.status, headers, body)

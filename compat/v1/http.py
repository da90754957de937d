"""A request and an answer in the old API's terms, whatever carries them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from compat.v1.errors import LegacyError

CONTENT_TYPE: Final = "application/json; charset=utf-8"
"""What every answer is, to the letter: some parsers compare it."""

_ORIGIN: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


@dataclass(frozen=True, slots=True)
class LegacyRequest:
    """What a caller asks.

    Attributes:
        method: The HTTP method, in capitals.
        path: The path, percent-decoded, without the query.
        query: What follows the question mark, as sent.
        authorization: The `Authorization` header, as sent. It is a secret and not part of the
            text that `repr` gives.
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
        """The request for a target: `/path?query`, or a whole URL, whose host is ignored."""
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
    """What a caller gets.

    Attributes:
        status: The HTTP status.
        headers: Names and values, the content type first.
        body: JSON in UTF-8, never compressed.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_header(self, name: str, value: str) -> LegacyResponse:
        """The same answer with one header more."""
        return replace(self, headers=(*self.headers, (name, value)))


def success_response(body: bytes, *headers: tuple[str, str]) -> LegacyResponse:
    """A report that was found, its JSON already written."""
    return LegacyResponse(200, (("Content-Type", CONTENT_TYPE), *headers), body)


def error_response(error: LegacyError) -> LegacyResponse:
    """An error as it goes over the wire.

    Characters outside ASCII are escaped, so that whatever a caller sent can be written back.
    """
    headers = (("Content-Type", CONTENT_TYPE), *error.headers().items())
    body = json.dumps(error.body(), separators=(",", ":")).encode("ascii")
    return LegacyResponse(error.status, headers, body)

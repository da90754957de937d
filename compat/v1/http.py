"""Requests and responses of the old API, independent of any HTTP library."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote, unquote_plus, unquote_to_bytes

from compat.v1.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.v1.errors import LegacyError

CONTENT_TYPE: Final = "application/json; charset=utf-8"
"""The content type of every response. Some clients compare the exact text."""

CORS_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Credentials", "true"),
    (
        "Access-Control-Allow-Headers",
        "Origin, X-Requested-With, Content-Type, Accept, Authorization",
    ),
    ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE"),
)
"""Headers with which browsers let programs of other sites read a response, as recorded."""

IGNORED_HEADER: Final = "Compat-Ignored"
"""The header that names the parameters of a request that were ignored."""

APPROXIMATE_HEADER: Final = "Compat-Approximate"
UNAVAILABLE_HEADER: Final = "Compat-Unavailable"
"""The headers that name the fields of an answer that are approximate, or cannot be derived."""

_MAX_IGNORED: Final = 10
_MAX_NAME: Final = 64
"""How many ignored names are listed, and how many characters of each."""

_ORIGIN: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_TEXT_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_KNOWN: Final = frozenset(row.key for route in ROUTES for row in route.parameters)
_REDACTED: Final = "REDACTED"


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
        body: JSON in UTF-8, not compressed; empty for HEAD and for a preflight.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_headers(self, *headers: tuple[str, str]) -> LegacyResponse:
        """The same response with more headers."""
        return LegacyResponse(self.status, (*self.headers, *headers), self.body)

    def without_body(self) -> LegacyResponse:
        """The response to HEAD in place of GET: the same headers and the length of the body."""
        length = ("Content-Length", str(len(self.body)))
        return replace(self.with_headers(length), body=b"")


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


def preflight_response() -> LegacyResponse:
    """The response to the request that a browser sends before the real one (OPTIONS)."""
    return LegacyResponse(204, (), b"")


def format_ignored(names: Sequence[str]) -> str:
    """The value of the header that lists ignored names: percent-encoded, at most ten of them."""
    return ", ".join(quote(name[:_MAX_NAME], safe="") for name in names[:_MAX_IGNORED])


def redact_target(url: str) -> str:
    """The path and query of a URL or target, without possible secrets, to be logged or stored.

    The origin, with any name and password in it, and the fragment are removed. Parameters that no
    report has are replaced: no answer depends on them, and they may hold keys.

    Raises:
        ValueError: The text is neither a URL nor a target.
    """
    origin = _TEXT_ORIGIN.match(url)
    rest = (url[origin.end() :] if origin else url).partition("#")[0]
    path, mark, query = rest.partition("?")
    if not origin and not path.startswith("/"):
        raise ValueError("the target is neither a path nor a URL")
    return (path or "/") + mark + "&".join(map(_redact_parameter, query.split("&")))


def _redact_parameter(part: str) -> str:
    """A known parameter unchanged; any other replaced as a whole, as its name may be a key."""
    name = unquote_plus(part.partition("=")[0]).partition("[")[0].lower()
    return part if not part or name in _KNOWN else _REDACTED

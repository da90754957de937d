"""Pages for people with a browser: the report explorer with its files.

The files are those of the package's folder `static`: nothing that a caller sends becomes the path
of a file. All of them are public. What they show of an account they ask the old API for, with the
key that the person enters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final
from uuid import uuid4

from compat.v1.http import LegacyResponse

EXPLORER: Final = "/explore"
"""The path of the report explorer; its files are below it."""

_EXPLORER_PAGE: Final = "explore.html"
_STYLE: Final = "index.css"
_ICON: Final = "icon.svg"
_FOLDER: Final = "static"
_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""The content types by the ends of names; files of other kinds are not served."""

_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
HEADERS: Final = (
    ("Content-Security-Policy", "; ".join(_POLICY)),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""Headers of every page and file: browsers run and load nothing but what this server sends."""

_QUALITY: Final = re.compile(r"[01](\.[0-9]{0,3})?")
_CACHING: Final = "no-cache"
"""Browsers keep a file and ask each time whether it has changed: a new version shows at once."""


@dataclass(frozen=True)
class StaticFile:
    """A file of the package that is served as it is.

    Attributes:
        content_type: What it is.
        body: Its bytes.
        etag: What stays the same as long as its bytes do.
    """

    content_type: str
    body: bytes
    etag: str

    def response(self, if_none_match: bytes | None = None) -> LegacyResponse:
        """The file, or 304 if the caller has it.

        Args:
            if_none_match: The header `If-None-Match` of the request.
        """
        headers = (
            ("ETag", self.etag),
            ("Cache-Control", _CACHING),
            ("Correlation-Id", str(uuid4())),
            *HEADERS,
        )
        if if_none_match is not None and self._is_named_in(if_none_match.decode("latin-1")):
            return LegacyResponse(304, headers, b"")
        return LegacyResponse(200, (("Content-Type", self.content_type), *headers), self.body)

    def _is_named_in(self, tags: str) -> bool:
        named = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return self.etag in named or "*" in named


def html_is_preferred(accept: bytes) -> bool:
    """Whether a caller asks for HTML rather than for text, as browsers do and curl does not.

    Args:
        accept: The header `Accept` of the request; empty if it has none.
    """
    html, text = (_quality(accept.decode("latin-1"), kind) for kind in ("text/html", "text/plain"))
    return html > text


def _quality(accept: str, kind: str) -> float:
    """How much a caller wants a content type, 0 to 1; 0 if it does not name it."""
    for item in accept.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name == kind:
            given = [text.removeprefix("q=") for text in parameters if text.startswith("q=")]
            return float(given[0]) if given and _QUALITY.fullmatch(given[0]) else 1.0
    return 0.0


def page(text: str, *, is_html: bool) -> LegacyResponse:
    """A page that is made for each request, as HTML or as plain text."""
    headers = (
        ("Content-Type", _CONTENT_TYPES[".html" if is_html else ".txt"]),
        ("Cache-Control", "no-store"),
        ("Vary", "Accept"),
        ("Correlation-Id", str(uuid4())),
        *HEADERS,
    )
    return LegacyResponse(200, headers, text.encode())


def redirect(location: str) -> LegacyResponse:
    """The answer that sends a browser to another path of this server.

    Args:
        location: The path, relative to that of the request, so that it is right where the
            application is mounted below another path.
    """
    headers = (
        ("Location", location),
        ("Content-Length", "0"),
        ("Correlation-Id", str(uuid4())),
        *HEADERS,
    )
    return LegacyResponse(308, headers, b"")


@cache
def explorer_files() -> Mapping[str, StaticFile]:
    """The files of the report explorer by their paths on the server; its page is at `/explore`."""
    return MappingProxyType(
        {
            EXPLORER if name == _EXPLORER_PAGE else f"{EXPLORER}/{name}": file
            for name, file in _static_files().items()
            if name != _STYLE
        }
    )


@cache
def index_files() -> Mapping[str, StaticFile]:
    """The files of the page at `/` by their paths on the server."""
    found = _static_files()
    return MappingProxyType({f"/{name}": found[name] for name in (_STYLE, _ICON)})


@cache
def _static_files() -> Mapping[str, StaticFile]:
    folder = files(__package__) / _FOLDER
    names = sorted(each.name for each in folder.iterdir())
    return {
        name: _file(content_type, (folder / name).read_bytes())
        for name in names
        if (content_type := _CONTENT_TYPES.get(PurePosixPath(name).suffix))
    }


def _file(content_type: str, body: bytes) -> StaticFile:
    return StaticFile(content_type, body, f'"{sha256(body).hexdigest()[:32]}"')

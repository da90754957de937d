"""Pages for people with a browser: the report explorer with its files.

The files are those of the package's folder `static`: nothing that a caller sends becomes the path
of a file. All of them are public. What they show of an account they ask the old API for, with the
key that the person enters.
"""

from __future__ import annotations

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

_INDEX: Final = "explore.html"
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
            EXPLORER if name == _INDEX else f"{EXPLORER}/{name}": file
            for name, file in _static_files()
        }
    )


def _static_files() -> list[tuple[str, StaticFile]]:
    folder = files(__package__) / _FOLDER
    names = sorted(each.name for each in folder.iterdir())
    return [
        (name, _file(content_type, (folder / name).read_bytes()))
        for name in names
        if (content_type := _CONTENT_TYPES.get(PurePosixPath(name).suffix))
    ]


def _file(content_type: str, body: bytes) -> StaticFile:
    return StaticFile(content_type, body, f'"{sha256(body).hexdigest()[:32]}"')

"""Targets of requests as they may be shown and kept: without anything that could be a secret."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus

from compat.v1.routes import ROUTES

_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_KNOWN: Final = frozenset(row.name for route in ROUTES for row in route.parameters)
_REDACTED: Final = "REDACTED"


def redact_target(url: str) -> str:
    """The target that a URL, or a target, asks for.

    Origins go, and a name and password in them; so do fragments. Parameters that no report
    has are hidden: no answer depends on them, and programs may send keys there.

    Raises:
        ValueError: It is neither.
    """
    origin = _ORIGIN.match(url)
    rest = (url[origin.end() :] if origin else url).partition("#")[0]
    path, mark, query = rest.partition("?")
    if not origin and not path.startswith("/"):
        raise ValueError("the target is neither a path nor a URL")
    return (path or "/") + mark + "&".join(map(_shown, query.split("&")))


def _shown(part: str) -> str:
    """A parameter as it stands, or nothing of it: a name can be a key as well."""
    name = unquote_plus(part.partition("=")[0]).partition("[")[0]
    return part if not part or name in _KNOWN else _REDACTED

"""Targets of requests as they may be shown and kept: without anything that could be a secret."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus

from compat.v1.routes import ROUTES

_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_KNOWN: Final = frozenset(row.name for route in ROUTES for row in route.parameters)
_REDACTED: Final = "REDACTED"


def redacted(url: str) -> str:
    """The target that a URL, or a target, asks for.

    Origins go, and a name and password in them; so do fragments, and the values of parameters
    that no report has: no answer depends on them, and programs may send keys there.

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
    name, sign, _ = part.partition("=")
    if not part or unquote_plus(name).partition("[")[0] in _KNOWN:
        return part
    return f"{name}={_REDACTED}" if sign else _REDACTED

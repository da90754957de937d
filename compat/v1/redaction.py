"""Removes possible secrets from request targets before they are logged or stored."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus

from compat.v1.routes import ROUTES

_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_KNOWN: Final = frozenset(row.name for route in ROUTES for row in route.parameters)
_REDACTED: Final = "REDACTED"


def redact_target(url: str) -> str:
    """The path and query of a URL or target, without possible secrets.

    The origin, with any name and password in it, and the fragment are removed. Parameters that no
    report has are replaced: no answer depends on them, and they may hold keys.

    Raises:
        ValueError: The text is neither a URL nor a target.
    """
    origin = _ORIGIN.match(url)
    rest = (url[origin.end() :] if origin else url).partition("#")[0]
    path, mark, query = rest.partition("?")
    if not origin and not path.startswith("/"):
        raise ValueError("the target is neither a path nor a URL")
    return (path or "/") + mark + "&".join(map(_redact_parameter, query.split("&")))


def _redact_parameter(part: str) -> str:
    """A known parameter unchanged; any other replaced as a whole, as its name may be a key."""
    name = unquote_plus(part.partition("=")[0]).partition("[")[0]
    return part if not part or name in _KNOWN else _REDACTED

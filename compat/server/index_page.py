"""The page at `/`: what this server is, and how to ask it for each report.

It is the same for everybody, and shows nothing of an account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import compat
from compat.config.environment import variable_name
from compat.server.pages import EXPLORER, html_is_preferred, page
from compat.v1.http import LegacyResponse
from compat.v1.parameters import Parameter
from compat.v1.routes import ROUTES, Route

_TITLE: Final = "helpscout-v1-compat"
_WHAT: Final = (
    "This server answers the reports of Help Scout's Mailbox API 1.0, and the lists that programs "
    "use with them."
)
_HOW: Final = (
    "In your program, put {base}/v1/ in place of https://api.helpscout.net/v1/. Paths, parameters, "
    "API key and JSON stay as they were. In the lines below, put your old API key in place of "
    "YOUR_OLD_KEY, and numbers in place of words such as USER_ID."
)
_HTML: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{root}/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{root}/index.css">
</head>
<body>
<main>
<h1>{title} {version}</h1>
<p>{what}</p>
<p>{how}</p>
<h2>{links_title}</h2>
<dl>
{links}
</dl>
<h2>{routes_title}</h2>
{routes}
</main>
</body>
</html>
"""
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(:[0-9]{1,5})?")
"""A header `Host` that is repeated to its caller; any other may be an attack."""

_LINKS: Final = "Also on this server"
_ROUTES: Final = "Reports and lists"


class Link(NamedTuple):
    """Something else that the server has.

    Attributes:
        path: Its path; None if it has none on this server.
        name: Its name.
        text: A sentence about it.
    """

    path: str | None
    name: str
    text: str


def index_links(*, explorer: bool, metrics: bool) -> list[Link]:
    """What the page says about the other paths of the server.

    Args:
        explorer: Whether the report explorer is on.
        metrics: Whether metrics are on.
    """
    off = {name: f"Off: set {variable_name(name)}=true." for name in ("explorer", "metrics")}
    return [
        Link(EXPLORER, "Report explorer", "Asks for reports and shows them, in a browser.")
        if explorer
        else Link(None, "Report explorer", off["explorer"]),
        Link("/openapi.json", "OpenAPI", "The old API, described for programs."),
        Link("/progress.json", "Progress", "How far answers have come. It needs the API key."),
        Link("/healthz", "Health", "Whether the server runs."),
        Link("/readyz", "Readiness", "Whether reports can be answered now."),
        Link("/metrics", "Metrics", "For Prometheus.")
        if metrics
        else Link(None, "Metrics", off["metrics"]),
        Link(None, "Documentation", "The command helpscout-v1 docs prints its pages."),
    ]


def index_page(links: Sequence[Link], scope: Mapping[str, Any]) -> LegacyResponse:
    """The page: HTML for browsers, and text for callers such as curl.

    Args:
        links: What else the server has.
        scope: The ASGI scope of the request.
    """
    root = quote(scope.get("root_path", ""))
    base = _origin(scope) + root
    if html_is_preferred(dict(scope["headers"]).get(b"accept", b"")):
        return page(as_html(base, root, links), is_html=True)
    return page(as_text(base, links), is_html=False)


def _origin(scope: Mapping[str, Any]) -> str:
    """The address that the caller used, or the one of the server if that is no address."""
    scheme = scope.get("scheme")
    host: bytes = dict(scope["headers"]).get(b"host", b"")
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        name = f"[{name}]" if ":" in name else name
        host = (f"{name}:{port}" if port else name).encode()
    return f"{scheme if scheme in {'http', 'https'} else 'http'}://{host.decode()}"


def as_text(base: str, links: Iterable[Link], today: date | None = None) -> str:
    """The page for terminals.

    Args:
        base: The address of the server, without a slash at its end.
        links: What else it has.
        today: The day, UTC, before whose month the examples lie.
    """
    also = [f"{base}{each.path}" if each.path else each.name for each in links]
    lines = [f"{_TITLE} {compat.__version__}", "", _WHAT, _HOW.format(base=base), "", _LINKS, ""]
    lines += [f"  {name}\n    {each.text}" for name, each in zip(also, links, strict=True)]
    lines += ["", _ROUTES]
    for route in ROUTES:
        lines += ["", f"  {route.path}", f"    {route.summary}", f"    {_curl(base, route, today)}"]
    return "\n".join([*lines, ""])


def as_html(base: str, root: str, links: Iterable[Link], today: date | None = None) -> str:
    """The page for browsers.

    Args:
        base: The address of the server, without a slash at its end.
        root: The path that the application is mounted at; empty if it is the whole server.
        links: What else it has.
        today: The day, UTC, before whose month the examples lie.
    """
    return _HTML.format(
        title=_TITLE,
        version=escape(compat.__version__),
        root=escape(root),
        what=escape(_WHAT),
        how=escape(_HOW.format(base=base)),
        links_title=_LINKS,
        links="\n".join(_html_link(root, each) for each in links),
        routes_title=_ROUTES,
        routes="\n".join(_html_route(base, route, today) for route in ROUTES),
    )


def _html_link(root: str, link: Link) -> str:
    name = escape(link.name)
    if link.path is not None:
        name = f'<a href="{escape(root + link.path)}">{name}</a>'
    return f"<dt>{name}</dt><dd>{escape(link.text)}</dd>"


def _html_route(base: str, route: Route, today: date | None) -> str:
    path, summary, curl = map(escape, (route.path, route.summary, _curl(base, route, today)))
    return f"<h3><code>{path}</code></h3>\n<p>{summary}</p>\n<pre><code>{curl}</code></pre>"


def _curl(base: str, route: Route, today: date | None) -> str:
    """A command that asks for a report of last month, or for a list."""
    named = {row.name: row for row in route.parameters}
    path = route.path
    for name, row in named.items():
        path = path.replace(f"{{{name}}}", _placeholder(row))
    last_month = _last_month(today or datetime.now(UTC).date())
    query = "&".join(_required(route, last_month))
    return f"curl -u YOUR_OLD_KEY:X '{base}{path}{'?' if query else ''}{query}'"


def _required(route: Route, last_month: Sequence[str]) -> Iterator[str]:
    for row in route.parameters:
        if row.required and f"{{{row.name}}}" not in route.path:
            value = last_month[row.edge == "end"] if row.edge else _placeholder(row)
            yield f"{row.name}={value}"


def _placeholder(row: Parameter) -> str:
    """The first of the texts that a parameter may have, or a word for the id that it needs."""
    return next(iter(row.choices.values()), f"{row.name.upper()}_ID")


def _last_month(today: date) -> tuple[str, str]:
    """The first and the last second of the month before, as requests send them."""
    last = today.replace(day=1) - timedelta(days=1)
    return f"{last.replace(day=1)}T00:00:00Z", f"{last}T23:59:59Z"

"""An adapter for requests that answers the old reports in this process.

::

    mount(session, reports)
"""

from __future__ import annotations

from http.client import responses
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlsplit

from compat.extras import missing

try:
    from requests import PreparedRequest, Response, Session
    from requests.adapters import BaseAdapter, HTTPAdapter
    from urllib3 import HTTPResponse
except ImportError as error:
    raise missing("compat.requests", "requests", "requests") from error

from compat.service import LegacyReports
from compat.v1.http import LegacyRequest
from compat.v1.routes import is_legacy_path

ORIGIN: Final = "https://api.helpscout.net"
"""The address of the old API."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def mount(session: Session, reports: LegacyReports, origin: str = ORIGIN) -> None:
    """Let a session answer the old API's requests in this process.

    A key in the URL (`https://KEY:X@api.helpscout.net/v1/`) or a written port (`:443`) makes no
    difference. `Session.mount` alone would miss such URLs, because it compares their beginning.

    All adapters of the session are wrapped, so call this after the session's own calls of
    `mount`.

    Args:
        session: The session that the program uses. Closing it does not close `reports`.
        reports: Answers the requests.
        origin: Scheme, host and port of the old API in the program's URLs.
    """
    for prefix, adapter in list(session.adapters.items()):
        session.mount(prefix, LegacyAdapter(reports, adapter, origin=origin))


class LegacyAdapter(BaseAdapter):
    """Answers requests of the old API, and sends all others.

    There is no timeout for answers: `timeout` and other options are for the inner adapter.

    Args:
        reports: Answers the requests. It is not closed with the adapter.
        inner: Sends all other requests; the library's own adapter if not given.
        origin: Scheme, host and port whose requests are answered; those of every host if not
            given.
    """

    def __init__(
        self,
        reports: LegacyReports,
        inner: BaseAdapter | None = None,
        *,
        origin: str | None = None,
    ) -> None:
        super().__init__()
        self._reports = reports
        self._inner = inner or HTTPAdapter()
        self._origin = _origin(origin) if origin else None
        self._builder = HTTPAdapter()

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Answer a request, or send it with the options given."""
        url = request.url or "/"
        legacy_request = LegacyRequest.from_target(
            url, request.method or "GET", request.headers.get("Authorization")
        )
        elsewhere = self._origin is not None and self._origin != _origin(url)
        if elsewhere or not is_legacy_path(legacy_request.path):
            return self._inner.send(request, *args, **options)
        answer = self._reports.handle(legacy_request)
        raw = HTTPResponse(
            BytesIO(answer.body),
            headers=dict(answer.headers),
            status=answer.status,
            reason=responses[answer.status],
            request_method=request.method,
            preload_content=False,
        )
        response = self._builder.build_response(request, raw)
        # Authentication handlers that repeat a request after a 401 send it through this adapter.
        response.connection = self  # type: ignore[assignment]
        return response

    def close(self) -> None:
        """Close the inner adapter."""
        self._builder.close()
        self._inner.close()


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL, in lower case and without a key."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)

"""An adapter for requests that answers the old reports in this process.

::

    session.mount("https://api.helpscout.net/v1/", LegacyAdapter(reports))
"""

from __future__ import annotations

from http.client import responses
from io import BytesIO
from typing import Any

try:
    from requests import PreparedRequest, Response
    from requests.adapters import BaseAdapter, HTTPAdapter
    from urllib3 import HTTPResponse
except ImportError as missing:
    raise ImportError(
        "compat.requests needs requests: pip install 'helpscout-v1-compat[requests]'"
    ) from missing

from compat.service import LegacyReports
from compat.v1.http import LegacyRequest
from compat.v1.routes import is_legacy_path


class LegacyAdapter(BaseAdapter):
    """Answers requests of the old API, and sends all others.

    There is no timeout for answers: `timeout` and other options are for the inner adapter.

    Args:
        reports: Answers the requests. It is not closed with the adapter.
        inner: Sends all other requests; the library's own adapter if not given.
    """

    def __init__(self, reports: LegacyReports, inner: BaseAdapter | None = None) -> None:
        super().__init__()
        self._reports = reports
        self._inner = inner or HTTPAdapter()
        self._builder = HTTPAdapter()

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Answer a request, or send it with the options given."""
        legacy_request = LegacyRequest.from_target(
            request.url or "/", request.method or "GET", request.headers.get("Authorization")
        )
        if not is_legacy_path(legacy_request.path):
            return self._inner.send(request, *args, **options)
        answer = self._reports.handle(legacy_request)
        raw = HTTPResponse(
            BytesIO(answer.body),
            headers=dict(answer.headers),
            status=answer.status,
            reason=responses[answer.status],
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

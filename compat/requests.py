"""The door for programs that use requests: an adapter to mount on the old API's address.

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
    """Answers the old reports in this process; hands all other requests on.

    An answer takes as long as it takes: `timeout` and its like are for the inner adapter.

    Args:
        reports: What answers. It is not closed with the adapter.
        inner: Takes all other requests; the usual adapter if not given.
    """

    def __init__(self, reports: LegacyReports, inner: BaseAdapter | None = None) -> None:
        super().__init__()
        self._reports = reports
        self._inner = inner or HTTPAdapter()
        self._builder = HTTPAdapter()

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Answer a request, or hand it on with all that was said of how to send it."""
        asked = LegacyRequest.from_target(
            request.url or "/", request.method or "GET", request.headers.get("Authorization")
        )
        if not is_legacy_path(asked.path):
            return self._inner.send(request, *args, **options)
        answer = self._reports.answer(asked)
        raw = HTTPResponse(
            BytesIO(answer.body),
            headers=dict(answer.headers),
            status=answer.status,
            reason=responses[answer.status],
            preload_content=False,
        )
        response = self._builder.build_response(request, raw)
        # An authentication that sends again after a 401 sends it there.
        response.connection = self  # type: ignore[assignment]
        return response

    def close(self) -> None:
        """Close the inner adapter."""
        self._builder.close()
        self._inner.close()

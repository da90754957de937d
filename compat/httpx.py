"""Transports for httpx that answer the old reports in this process.

::

    httpx.Client(mounts={"https://api.helpscout.net": LegacyTransport(reports)})

A mount gets all requests to its host; those for other paths are sent by the inner transport.
"""

from __future__ import annotations

import httpx

from compat.service import LegacyReports
from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v1.routes import is_legacy_path


class LegacyTransport(httpx.BaseTransport):
    """Answers requests of the old API, and sends all others.

    There is no timeout for answers: the client's timeouts are for the inner transport.

    Args:
        reports: Answers the requests. It is not closed with the transport.
        inner: Sends all other requests; httpx's own transport if not given.
    """

    def __init__(self, reports: LegacyReports, inner: httpx.BaseTransport | None = None) -> None:
        self._reports = reports
        self._inner = inner or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or send it."""
        legacy_request = _legacy_request(request)
        if legacy_request is None:
            return self._inner.handle_request(request)
        return _httpx_response(self._reports.handle(legacy_request))

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


class AsyncLegacyTransport(httpx.AsyncBaseTransport):
    """The same for `httpx.AsyncClient` under asyncio; waiting takes no thread.

    If a task is cancelled, it stops waiting; the computation goes on, and its result is kept for
    the next equal request.

    Args:
        reports: Answers the requests. It is not closed with the transport.
        inner: Sends all other requests; httpx's own transport if not given.
    """

    def __init__(
        self, reports: LegacyReports, inner: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._reports = reports
        self._inner = inner or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or send it."""
        legacy_request = _legacy_request(request)
        if legacy_request is None:
            return await self._inner.handle_async_request(request)
        return _httpx_response(await self._reports.start(legacy_request).wait_async())

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


def _legacy_request(request: httpx.Request) -> LegacyRequest | None:
    """The request as one of the old API; None if its path does not belong to the old API."""
    authorization = request.headers.get("Authorization")
    legacy_request = LegacyRequest.from_target(request.url.raw_path, request.method, authorization)
    return legacy_request if is_legacy_path(legacy_request.path) else None


def _httpx_response(response: LegacyResponse) -> httpx.Response:
    """The response, with its body as a stream.

    The client sets `elapsed` when it closes the stream. It would never close a body given as
    `content`, because that counts as read.
    """
    headers = httpx.Headers(response.headers)
    if response.body:  # else HEAD has the length of the body of GET, and 204 has none
        headers["Content-Length"] = str(len(response.body))
    stream = httpx.ByteStream(response.body)
    return httpx.Response(response.status, headers=headers, stream=stream)

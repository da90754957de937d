"""The door for programs that use httpx: a transport to mount on the old API's host.

::

    httpx.Client(mounts={"https://api.helpscout.net": LegacyTransport(reports)})

A mount gets everything that goes to its host, so what is not the old reports' is passed on.
"""

from __future__ import annotations

import httpx

from compat.service import LegacyReports, Pending
from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v1.routes import is_legacy_path


class LegacyTransport(httpx.BaseTransport):
    """Answers the old reports in this process; hands all other requests on.

    An answer takes as long as it takes: the client's timeouts are for the inner transport.

    Args:
        reports: What answers. It is not closed with the transport.
        inner: Takes all other requests; httpx's own transport if not given.
    """

    def __init__(self, reports: LegacyReports, inner: httpx.BaseTransport | None = None) -> None:
        self._reports = reports
        self._inner = inner or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or hand it on."""
        asked = _asked(request)
        if asked is None:
            return self._inner.handle_request(request)
        return _response(self._reports.answer(asked))

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


class AsyncLegacyTransport(httpx.AsyncBaseTransport):
    """The same for `httpx.AsyncClient` under asyncio; waiting takes no thread.

    A task that is cancelled waits no longer; the fetching goes on, so that asking again helps.

    Args:
        reports: What answers. It is not closed with the transport.
        inner: Takes all other requests; httpx's own transport if not given.
    """

    def __init__(
        self, reports: LegacyReports, inner: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._reports = reports
        self._inner = inner or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or hand it on."""
        asked = _asked(request)
        if asked is None:
            return await self._inner.handle_async_request(request)
        begun = self._reports.begin(asked)
        return _response(
            await self._reports.finish_async(begun) if isinstance(begun, Pending) else begun
        )

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


def _asked(request: httpx.Request) -> LegacyRequest | None:
    """The request in the old API's terms, if it is for us."""
    authorization = request.headers.get("Authorization")
    asked = LegacyRequest.from_target(request.url.raw_path, request.method, authorization)
    return asked if is_legacy_path(asked.path) else None


def _response(answer: LegacyResponse) -> httpx.Response:
    return httpx.Response(answer.status, headers=answer.headers, content=answer.body)

"""`AsyncLegacyReports`: `LegacyReports` for programs that use asyncio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from compat.async_typed_reports import AsyncTypedReports
from compat.config.accounts import accounts_from_env
from compat.names import has_names
from compat.service import LegacyReports, PendingResponse
from compat.v1.http import LegacyRequest, LegacyResponse

if TYPE_CHECKING:
    from compat.account import Account, ReportProgress
    from compat.config.settings import Settings
    from compat.core.models import Progress, Source
    from compat.engines import EngineAnswer


class AsyncLegacyReports(AsyncTypedReports):
    """Answers the old reports without blocking an event loop.

    It has the methods of `LegacyReports`, as coroutines where they wait. Equal questions that wait
    at the same time share one computation; the number of callers does not add threads. Works with
    asyncio, also through anyio, in one event loop or in several; not with trio.

    A task that is cancelled while it waits for a report stops waiting, and the computation ends
    with it, unless another caller waits for it. In `answer` and `handle` the computation goes on,
    as over HTTP, and its result is kept for the next equal request.

    Use it with `async with`, or await `close` at the end. It is made as `LegacyReports` is, and may
    open an archive then: make it once, at the start.

    Args:
        settings: As for `LegacyReports`.
        source: As for `LegacyReports`.

    Raises:
        SettingsError: A setting is missing or cannot be used.
        RuntimeError: By its coroutines, where no event loop of asyncio runs.
    """

    def __init__(
        self, settings: Settings | Mapping[str, Settings], *, source: Source | None = None
    ) -> None:
        self._reports = LegacyReports(settings, source=source)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read settings as `LegacyReports.from_env` does.

        Raises:
            SettingsError: A setting is missing or cannot be used; the message says which.
        """
        return cls(accounts_from_env(os.environ if environ is None else environ))

    async def answer(
        self,
        target: str | bytes,
        *,
        authorization: str | bytes | None = None,
        patience: float | None = None,
    ) -> LegacyResponse:
        """Answer a GET request, given as its target and its `Authorization` header.

        Args:
            target: `/v1/…?start=…`, or the whole URL.
            authorization: The header as it was sent.
            patience: Seconds to wait; see `handle`.
        """
        request = LegacyRequest.from_target(target, authorization=authorization)
        return await self.handle(request, patience=patience)

    async def handle(
        self, request: LegacyRequest, *, patience: float | None = None
    ) -> LegacyResponse:
        """Answer a request of the old API. Errors of callers and of upstream become responses.

        Args:
            request: The request.
            patience: Seconds to wait for upstream before the response is a 503; no limit if not
                given.
        """
        _check_event_loop()
        return await self.start(request).wait_async(patience)

    def start(self, request: LegacyRequest) -> PendingResponse:
        """Start to answer a request; does not wait. See `LegacyReports.start`."""
        return self._reports.start(request)

    async def compute(
        self,
        report: str,
        pairs: Sequence[tuple[str, str]],
        account: str | None = None,
        watch: Callable[[Progress], None] | None = None,
        *,
        all_pages: bool = False,
    ) -> EngineAnswer:
        """Compute a report from the names and values of a request; see `LegacyReports.compute`.

        Args:
            report: The name of a report's module, or of a list such as `tags`.
            pairs: The names and values of the request, decoded.
            account: The name of the account; not needed if there is only one.
            watch: Called a few times a second while conversations are loaded, in the event loop.
            all_pages: Whether a list has all its rows on one page.

        Raises:
            compat.v1.errors.LegacyError: The error that the old API would have returned.
            LookupError: There is no such account, or there are several and no name.
        """
        _check_event_loop()
        return await self._reports.compute_async(report, pairs, account, watch, all_pages=all_pages)

    async def replace_names(self, values: Mapping[str, Any], account: str | None) -> dict[str, Any]:
        """The same parameters, with ids in place of names; lists are loaded in a thread.

        Raises:
            compat.names.UnknownName: Nothing has a name, or several things have it.
            compat.v1.errors.LegacyError: A list cannot be loaded.
        """
        if not has_names(values):
            return dict(values)
        return await asyncio.to_thread(self._reports.replace_names, values, account)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts as they are now, by their names."""
        return self._reports.accounts

    @property
    def ready(self) -> bool:
        """Whether requests can be answered now: some account is open and not refused."""
        return self._reports.ready

    def progress(self, authorization: bytes | None) -> list[ReportProgress]:
        """How far each answer has come; does not wait. See `LegacyReports.progress`.

        Raises:
            compat.v1.errors.Unauthorized: There is no API key, or no account for it.
        """
        return self._reports.progress(authorization)

    async def problems(self) -> dict[str, str | None]:
        """Why requests cannot be answered now; see `LegacyReports.problems`."""
        return await self._reports.problems()

    async def reload(self, settings: Mapping[str, Settings]) -> None:
        """Use other settings; see `LegacyReports.reload`. Archives are opened in a thread.

        Raises:
            SettingsError: Some settings cannot be used; then nothing changes.
        """
        await asyncio.to_thread(self._reports.reload, settings)

    async def close(self) -> None:
        """Cancel all computations and close all connections."""
        await asyncio.to_thread(self._reports.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()


def _check_event_loop() -> None:
    """Say what is wrong before anything is started, for example under trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError as error:
        raise RuntimeError(
            "AsyncLegacyReports works in an event loop of asyncio, and none runs here: start the "
            "program with asyncio.run, or with anyio on asyncio"
        ) from error

"""The response to one request, which may still have to be computed."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final
from uuid import uuid4

from compat import error_mapping
from compat.account import Account
from compat.engines import EngineAnswer
from compat.single_flight import Call
from compat.v1.datetimes import format_epoch
from compat.v1.errors import Unavailable
from compat.v1.http import LegacyResponse, ok, render

_LOG: Final = logging.getLogger("compat")


class PendingResponse:
    """The response to one request: there already, or once its computation has ended.

    `wait` or `wait_async` must be called once. If waiting is interrupted, the computation goes
    on and its result is kept for the next equal request.

    Args:
        account: The account that the request's API key selects; None if there is none.
        started: The answer, the call that computes it, or the error that takes its place.

    Attributes:
        account: As given.
        patience: Seconds that callers over HTTP wait, by the account's settings; None if there is
            no account.
        immediate: Whether the response is there already: an error or a cached answer.
    """

    def __init__(
        self,
        account: Account | None,
        started: EngineAnswer | Call[EngineAnswer] | Exception,
    ) -> None:
        self.account = account
        self.patience = account.settings.patience if account else None
        self.immediate = not isinstance(started, Call)
        self._started = started
        self._correlation_id = str(uuid4())

    def wait(self, patience: float | None = None) -> LegacyResponse:
        """Wait for the response.

        Args:
            patience: Seconds after which the response is a 503 that says when to ask again; no
                limit if not given.
        """
        if self.account and isinstance(self._started, Call):
            try:
                with suppress(TimeoutError):
                    self._started.future.exception(patience)
            finally:
                self.account.release(self._started)
        return self._response()

    async def wait_async(self, patience: float | None = None) -> LegacyResponse:
        """The same under asyncio, without a thread.

        Args:
            patience: As for `wait`.
        """
        if self.account and isinstance(self._started, Call):
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        await _ended(self._started)
            finally:
                self.account.release(self._started)
        return self._response()

    def _response(self) -> LegacyResponse:
        try:
            answer = self._answer()
        except Exception as error:  # noqa: BLE001 - the caller gets every error as a response
            return _error_response(error, self._correlation_id)
        return ok(
            answer.body,
            ("Compat-As-Of", format_epoch(answer.as_of)),
            ("Compat-Engine", answer.engine),
            ("Correlation-Id", self._correlation_id),
        )

    def _answer(self) -> EngineAnswer:
        if isinstance(self._started, EngineAnswer):
            return self._started
        if isinstance(self._started, Exception):
            raise self._started
        if self.account and not self._started.future.done():
            raise Unavailable(
                "The conversations are still being fetched; ask again in a while",
                self.account.seconds_left(self._started),
            )
        return self._started.future.result()


async def _ended(call: Call[EngineAnswer]) -> None:
    """Wait until a call has ended."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def set_ended(_: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(ended.set)

    call.future.add_done_callback(set_ended)
    await ended.wait()


def _error_response(error: Exception, correlation_id: str) -> LegacyResponse:
    legacy_error = error_mapping.to_legacy_error(error)
    if legacy_error.status >= 500:
        internal = error if legacy_error.status == 500 else None
        level = logging.ERROR if internal else logging.WARNING
        _LOG.log(level, "%s (%s)", legacy_error, correlation_id, exc_info=internal)
    return render(legacy_error).with_header("Correlation-Id", correlation_id)

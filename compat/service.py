"""`LegacyReports`: answers requests of the old API, for every entry point."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from typing import Any, Final, Self
from uuid import uuid4

from compat import error_mapping
from compat.account import Account, Accounts, ReportProgress
from compat.config.accounts import DEFAULT_ACCOUNT, accounts_from_env, select_account
from compat.config.settings import Settings
from compat.core.models import Progress, Source
from compat.engines import EngineAnswer
from compat.names import Names, fetch_items
from compat.single_flight import Call, SingleFlight
from compat.typed_reports import TypedReports
from compat.v1 import routes
from compat.v1.auth import parse_api_key
from compat.v1.errors import Forbidden, LegacyError, Unauthorized, Unavailable
from compat.v1.http import (
    CORS_HEADERS,
    IGNORED_HEADER,
    LegacyRequest,
    LegacyResponse,
    error_response,
    format_ignored,
    preflight_response,
    success_response,
)
from compat.v1.query import parse_pairs

_LOG: Final = logging.getLogger("compat")
_Started = EngineAnswer | Call[EngineAnswer] | LegacyResponse | Exception
_PROGRESS_INTERVAL: Final = 0.2
"""Seconds between two reports of progress, and between two looks for an interrupt.

Python looks for one when a wait ends; one that comes just before the wait does not end it.
"""

STILL_FETCHING: Final = "The conversations are still being fetched; ask again in a while"
RETRIED: Final = "The conversations cannot be fetched now, and it is tried again: {}"
"""The sentences of the 503 of a caller whose patience has ended; `{}` is the latest failure."""

_REMEMBERED: Final = 128
"""Of how many requests the names and values are remembered: dashboards repeat a few."""

_CHECKS: Final = 8
_MAX_CHECKS: Final = 10_000
_CHECK_TIMEOUT: Final = 5.0
"""Seconds until an account whose check goes on counts as not ready."""


class LegacyReports(TypedReports):
    """Answers the old reports, for one account or for several.

    Each report has a method with typed arguments; `compat.typed_reports.TypedReports` says
    what they mean.

    Safe to share between threads. Use it as a context manager, or call `close` at the end.

    Args:
        settings: The settings of the only account, or of each account by its name. If there are
            several, the API key of a request selects the account.
        source: Loads the conversations of a single account; Mailbox API 2.0 or an archive, as
            the settings say, if not given.

    Raises:
        SettingsError: A setting is missing or cannot be used.
    """

    def __init__(
        self, settings: Settings | Mapping[str, Settings], *, source: Source | None = None
    ) -> None:
        by_name = {DEFAULT_ACCOUNT: settings} if isinstance(settings, Settings) else settings
        self._accounts = Accounts(by_name, source)
        self._checks: SingleFlight[str, LegacyError | None] = SingleFlight(
            lambda name, _: self.accounts[name].problem(), workers=_CHECKS, most=_MAX_CHECKS
        )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read settings from environment variables, and from the files that they name.

        `COMPAT_ENV_FILE` names a file of settings, such as `helpscout-v1 init` writes, and
        `COMPAT_ACCOUNTS` one of accounts.

        Raises:
            SettingsError: A setting is missing or cannot be used; the message says which.
        """
        return cls(accounts_from_env(os.environ if environ is None else environ))

    def answer(
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
        return self.handle(request, patience=patience)

    def handle(self, request: LegacyRequest, *, patience: float | None = None) -> LegacyResponse:
        """Answer a request of the old API. Errors of callers and of upstream become responses.

        Args:
            request: The request.
            patience: Seconds to wait for upstream before the response is a 503; no limit if not
                given.
        """
        return self.start(request).wait(patience)

    def start(self, request: LegacyRequest) -> PendingResponse:
        """Start to answer a request, for callers that wait for the response in their own way.

        Errors and cached answers are responses at once. For all other requests a computation is
        started, or joined if an equal one runs. Call `wait` or `wait_async` of the result, once.
        """
        account = self._accounts.authenticate(parse_api_key(request.authorization))
        headers: list[tuple[str, str]] = []
        started: _Started
        try:
            started = self._start(request, account, headers)
        except Exception as error:  # noqa: BLE001 - the caller gets every error as a response
            started = error
        return PendingResponse(account, started, headers, with_body=request.method != "HEAD")

    def _start(
        self, request: LegacyRequest, account: Account | None, headers: list[tuple[str, str]]
    ) -> _Started:
        """What the response is made of; adds to `headers`, also if it raises an error."""
        is_preflight = request.method == "OPTIONS" and self._accounts.cors
        route = routes.find_route("GET" if is_preflight else request.method, request.path)
        if self._accounts.cors:
            headers += CORS_HEADERS
        if is_preflight:
            return preflight_response()
        if account is None:
            raise Unauthorized
        pairs, ignored = _read_pairs(route, request.path, request.query)
        if ignored:
            headers.append((IGNORED_HEADER, format_ignored(ignored)))
            account.log_ignored(route, ignored)
        return account.start(account.parse(route, pairs))

    def compute(
        self,
        report: str,
        pairs: Sequence[tuple[str, str]],
        account: str | None = None,
        watch: Callable[[Progress], None] | None = None,
        *,
        all_pages: bool = False,
    ) -> EngineAnswer:
        """Compute a report from the names and values of a request; waits without a limit.

        An interrupt cancels the computation if no other caller waits for it.

        Args:
            report: The name of a report's module.
            pairs: The names and values of the request, decoded.
            account: The name of the account; not needed if there is only one.
            watch: Called a few times a second while conversations are loaded.
            all_pages: Whether a list has all its rows on one page, computed at once. `count` is
                higher than their number if a conversation was deleted in between.

        Raises:
            compat.v1.errors.LegacyError: The error that the old API would have returned.
            LookupError: There is no such account, or there are several and no name.
        """
        selected = select_account(self.accounts, account)
        with _legacy_errors():
            started = _start(selected, report, pairs, all_pages=all_pages)
            if isinstance(started, EngineAnswer):
                return started
            return _wait_and_watch(selected, started, watch)

    async def compute_async(
        self,
        report: str,
        pairs: Sequence[tuple[str, str]],
        account: str | None = None,
        watch: Callable[[Progress], None] | None = None,
        *,
        all_pages: bool = False,
    ) -> EngineAnswer:
        """The same under asyncio, without a thread for each caller.

        If the task is cancelled, so is the computation, unless another caller waits for it.

        Args:
            report: As for `compute`.
            pairs: As for `compute`.
            account: As for `compute`.
            watch: As for `compute`; called in the event loop, so it must not wait.
            all_pages: As for `compute`.

        Raises:
            compat.v1.errors.LegacyError: As for `compute`.
            LookupError: As for `compute`.
        """
        selected = select_account(self.accounts, account)
        with _legacy_errors():
            started = _start(selected, report, pairs, all_pages=all_pages)
            if isinstance(started, EngineAnswer):
                return started
            return await _wait_and_watch_async(selected, started, watch)

    def replace_names(self, values: Mapping[str, Any], account: str | None) -> dict[str, Any]:
        """The same parameters of a report, with ids in place of names; may load lists.

        Args:
            values: The parameters by their names in the old API.
            account: The name of the account; not needed if there is only one.

        Raises:
            compat.names.UnknownName: Nothing has a name, or several things have it.
            compat.v1.errors.LegacyError: A list cannot be loaded.
        """
        return Names(partial(fetch_items, self.compute, account=account)).replace(values)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts as they are now, by their names."""
        return self._accounts.by_name

    @property
    def ready(self) -> bool:
        """Whether requests can be answered now: some account is open and not refused."""
        return self._accounts.ready

    def progress(self, authorization: bytes | None) -> list[ReportProgress]:
        """How far each answer has come that is being computed for the account of an API key.

        Args:
            authorization: The `Authorization` header as it was sent.

        Raises:
            compat.v1.errors.Unauthorized: There is no API key, or no account for it.
        """
        account = self._accounts.authenticate(parse_api_key(authorization))
        if account is None:
            raise Unauthorized
        return account.progress()

    async def problems(self) -> dict[str, str | None]:
        """Why requests cannot be answered now, by the account's name; None if they can.

        Asks Mailbox API 2.0, or opens the archive, at most once in ten seconds for each account.
        """
        names = list(self.accounts)
        found = await asyncio.gather(*map(self._problem, names))
        return dict(zip(names, found, strict=True))

    async def _problem(self, account: str) -> str | None:
        try:
            call = self._checks.start_or_join(account)
            async with asyncio.timeout(_CHECK_TIMEOUT):
                await _ended(call)
            self._checks.release(call)
            problem = call.future.result()
        except TimeoutError:  # not released: nobody has use for a late result, so it is not kept
            return f"Help Scout has not answered for {_CHECK_TIMEOUT:g} seconds"
        except Exception as error:  # noqa: BLE001 - the account was removed, or the server closes
            problem = error_mapping.to_legacy_error(error)
        return None if problem is None else problem.message

    def reload(self, settings: Mapping[str, Settings]) -> None:
        """Use other settings; accounts whose settings stay the same are not disturbed.

        Running computations of the other accounts are cancelled. Does nothing after `close`.

        Raises:
            SettingsError: Some settings cannot be used; then nothing changes.
        """
        self._accounts.reload(settings)

    def close(self) -> None:
        """Cancel all computations and close all connections."""
        self._accounts.close()
        self._checks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class PendingResponse:
    """The response to one request: there already, or once its computation has ended.

    `wait` or `wait_async` must be called once. If waiting is interrupted, the computation goes
    on and its result is kept for the next equal request.

    Args:
        account: The account that the request's API key selects; None if there is none.
        started: The answer, the call that computes it, or the error or the response that takes
            its place.
        headers: Headers of the response that depend on the request and not on the answer.
        with_body: Whether the response has a body; the response to HEAD has none.

    Attributes:
        account: As given.
        patience: Seconds that callers over HTTP wait, by the account's settings; None if there is
            no account.
        immediate: Whether the response is there already: an error or a cached answer.
    """

    def __init__(
        self,
        account: Account | None,
        started: _Started,
        headers: Iterable[tuple[str, str]],
        *,
        with_body: bool,
    ) -> None:
        self.account = account
        self.patience = account.settings.patience if account else None
        self.immediate = not isinstance(started, Call)
        self._started = started
        self._headers = tuple(headers)
        self._with_body = with_body
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
        response = self._main_response()
        response = response.with_headers(("Correlation-Id", self._correlation_id), *self._headers)
        return response if self._with_body else response.without_body()

    def _main_response(self) -> LegacyResponse:
        if isinstance(self._started, LegacyResponse):
            return self._started
        try:
            answer = self._answer(self._started)
        except Exception as error:  # noqa: BLE001 - the caller gets every error as a response
            return _error_response(error, self._correlation_id)
        return success_response(answer.body, *answer.headers)

    def _answer(self, started: EngineAnswer | Call[EngineAnswer] | Exception) -> EngineAnswer:
        if isinstance(started, EngineAnswer):
            return started
        if isinstance(started, Exception):
            raise started
        if self.account and not started.future.done():
            outage = self.account.outage
            raise Unavailable(
                RETRIED.format(outage) if outage else STILL_FETCHING,
                self.account.seconds_left(started),
            )
        return started.future.result()


@lru_cache(_REMEMBERED)
def _read_pairs(
    route: routes.Route, path: str, query: bytes
) -> tuple[tuple[tuple[str, str], ...], Sequence[str]]:
    """The names and values of a request, and the names that are ignored."""
    sent = parse_pairs(query)
    return tuple(route.pairs(path, sent)), route.ignored_names(sent)


async def _ended(call: Call[Any]) -> None:
    """Wait until a call has ended."""
    await _event_of(call).wait()


def _event_of(call: Call[Any]) -> asyncio.Event:
    """An event of the running loop that is set when a call has ended."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def set_ended(_: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(ended.set)

    call.future.add_done_callback(set_ended)
    return ended


@contextmanager
def _legacy_errors() -> Iterator[None]:
    """Raise every error as the old API's."""
    try:
        yield
    except Exception as error:
        raise error_mapping.to_legacy_error(error) from error


def _error_response(error: Exception, correlation_id: str) -> LegacyResponse:
    legacy_error = error_mapping.to_legacy_error(error)
    if legacy_error.status >= 500 or isinstance(legacy_error, Forbidden):
        internal = error if legacy_error.status == 500 else None
        level = logging.ERROR if internal else logging.WARNING
        _LOG.log(level, "%s (%s)", legacy_error, correlation_id, exc_info=internal)
    return error_response(legacy_error)


def _start(
    account: Account, report: str, pairs: Sequence[tuple[str, str]], *, all_pages: bool
) -> EngineAnswer | Call[EngineAnswer]:
    """The cached answer to a request, or the call that computes it."""
    request = account.parse(routes.route_of_report(report), pairs)
    return account.start(request.with_all_rows() if all_pages else request)


def _wait_and_watch(
    account: Account, call: Call[EngineAnswer], watch: Callable[[Progress], None] | None
) -> EngineAnswer:
    """Wait for a call; an interrupt cancels it, unless another caller waits for it."""
    interrupted = True
    try:
        while not call.future.done():
            with suppress(TimeoutError):
                call.future.exception(_PROGRESS_INTERVAL)
            if watch:
                watch(call.progress)
        interrupted = False
    finally:
        account.release(call, cancel=interrupted)
    return call.future.result()


async def _wait_and_watch_async(
    account: Account, call: Call[EngineAnswer], watch: Callable[[Progress], None] | None
) -> EngineAnswer:
    """The same for a task; it is cancelled where a thread is interrupted."""
    interrupted = True
    try:
        ended = _event_of(call)
        while not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_PROGRESS_INTERVAL if watch else None):
                    await ended.wait()
            if watch:
                watch(call.progress)
        interrupted = False
    finally:
        account.release(call, cancel=interrupted)
    return call.future.result()

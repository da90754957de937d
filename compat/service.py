"""`LegacyReports`: answers requests of the old API, for every entry point."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Final, Self, cast

from compat import error_mapping
from compat.account import Account
from compat.config.accounts import SINGLE, accounts_from_env, select_account
from compat.config.conventions import ViewBy
from compat.config.settings import Settings, SettingsError
from compat.core.models import Progress, Source
from compat.engines import EngineAnswer
from compat.pending_response import PendingResponse
from compat.single_flight import Call
from compat.v1 import routes
from compat.v1.auth import read_api_key
from compat.v1.errors import Unauthorized
from compat.v1.http import LegacyRequest, LegacyResponse
from compat.v1.query import read_pairs, spelled

if TYPE_CHECKING:
    from compat.v1.models import NewConversations

_PROGRESS_INTERVAL: Final = 0.2
"""Seconds between two reports of progress."""


class LegacyReports:
    """Answers the old reports, for one account or for several.

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
        by_name = {SINGLE: settings} if isinstance(settings, Settings) else settings
        _check_api_keys(by_name)
        self._accounts: Mapping[str, Account] = _open_accounts(by_name, source)
        self._closed = False
        self._reloading = threading.Lock()
        self._replacing = threading.Lock()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read settings from environment variables, and from the file of accounts they name.

        Raises:
            SettingsError: A setting is missing or cannot be used; the message says which.
        """
        return cls(accounts_from_env(os.environ if environ is None else environ))

    def handle(
        self,
        request: LegacyRequest | str | bytes,
        *,
        authorization: str | bytes | None = None,
        patience: float | None = None,
    ) -> LegacyResponse:
        """Answer a request of the old API. Errors of callers and of upstream become responses.

        Args:
            request: The request, or the target of a GET (`/v1/…?start=…`, or the whole URL).
            authorization: The `Authorization` header, if `request` is a target.
            patience: Seconds to wait for upstream before the response is a 503; no limit if not
                given.
        """
        if not isinstance(request, LegacyRequest):
            request = LegacyRequest.from_target(request, authorization=authorization)
        return self.start(request).wait(patience)

    def start(self, request: LegacyRequest) -> PendingResponse:
        """Start to answer a request, for callers that wait for the response in their own way.

        Errors and cached answers are responses at once. For all other requests a computation is
        started, or joined if an equal one runs. Call `wait` or `wait_async` of the result, once.
        """
        account = self._authenticate(request)
        try:
            route = routes.find(request.method, request.path)
            if account is None:
                raise Unauthorized
            pairs = route.pairs(request.path, read_pairs(request.query))
            return PendingResponse(account, account.start(account.parse(route, pairs)))
        except Exception as error:  # noqa: BLE001 - the caller gets every error as a response
            return PendingResponse(account, error)

    def compute(
        self,
        report: str,
        pairs: Sequence[tuple[str, str]],
        account: str | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> EngineAnswer:
        """Compute a report from the names and values of a request; waits without a limit.

        An interrupt cancels the computation if no other caller waits for it.

        Args:
            report: The name of a report's module.
            pairs: The names and values of the request, decoded.
            account: The name of the account; not needed if there is only one.
            watch: Called a few times a second while conversations are loaded.

        Raises:
            compat.v1.errors.LegacyError: The error that the old API would have returned.
            LookupError: There is no such account, or there are several and no name.
        """
        selected = select_account(self._accounts, account)
        try:
            started = selected.start(selected.parse(routes.named(report), pairs))
            if isinstance(started, EngineAnswer):
                return started
            return _wait_and_watch(selected, started, watch)
        except Exception as error:
            raise error_mapping.to_legacy_error(error) from error

    def new_conversations(
        self,
        *,
        start: date | str,
        end: date | str,
        previous_start: date | str | None = None,
        previous_end: date | str | None = None,
        mailboxes: Iterable[int] = (),
        tags: Iterable[int] = (),
        types: Iterable[str] = (),
        folders: Iterable[int] = (),
        view_by: ViewBy | None = None,
        account: str | None = None,
    ) -> NewConversations:
        """How many conversations were created, bucket by bucket; waits without a limit.

        Args:
            start: First second of the range: a datetime (UTC if it has no time zone), a date, or
                a text in the old API's format.
            end: Last second of the range, included; in the same formats.
            previous_start: First second of the range to compare with.
            previous_end: Its last second, included.
            mailboxes: Only conversations in one of these mailboxes.
            tags: Only conversations with one of these tags; 1 stands for no tag at all.
            types: Only conversations of one of these types: `email`, `chat`, `phone`.
            folders: Only conversations that one of these folders shows.
            view_by: The length of a bucket; by default that of the conventions.
            account: The name of the account; not needed if there is only one.

        Raises:
            compat.v1.errors.LegacyError: The error that the old API would have returned.
        """
        pairs = spelled(
            start=start,
            end=end,
            previousStart=previous_start,
            previousEnd=previous_end,
            mailboxes=mailboxes,
            tags=tags,
            types=types,
            folders=folders,
            viewBy=view_by,
        )
        return cast("NewConversations", self.compute("new_conversations", pairs, account).answer)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts as they are now, by their names."""
        return self._accounts

    @property
    def ready(self) -> bool:
        """Whether requests can be answered now: some account is open and not refused."""
        return not self._closed and any(each.ready for each in self._accounts.values())

    def reload(self, settings: Mapping[str, Settings]) -> None:
        """Use other settings; accounts whose settings stay the same are not disturbed.

        Running computations of the other accounts are cancelled. Does nothing after `close`.

        Raises:
            SettingsError: Some settings cannot be used; then nothing changes.
        """
        _check_api_keys(settings)
        with self._reloading:
            before = self._accounts
            kept = {
                name: before[name]
                for name, each in settings.items()
                if name in before and before[name].settings == each
            }
            if self._closed:
                return
            opened = _open_accounts(
                {name: each for name, each in settings.items() if name not in kept}
            )
            if self._replace({name: opened.get(name) or kept[name] for name in settings}):
                obsolete = [before[name] for name in before.keys() - kept.keys()]
            else:
                obsolete = list(opened.values())
        for account in obsolete:
            account.close()

    def close(self) -> None:
        """Cancel all computations and close all connections."""
        with self._replacing:
            self._closed = True
        for account in self._accounts.values():
            account.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _authenticate(self, request: LegacyRequest) -> Account | None:
        """The account that accepts the request's API key.

        All accounts compare it, so that the time it takes shows nothing about their keys.
        """
        key = read_api_key(request.authorization)
        accepting = [each for each in self._accounts.values() if key and each.accepts(key)]
        return accepting[0] if accepting else None

    def _replace(self, accounts: Mapping[str, Account]) -> bool:
        """Use these accounts from now on, unless the service was closed meanwhile."""
        with self._replacing:
            if not self._closed:
                self._accounts = accounts
            return not self._closed


def _wait_and_watch(
    account: Account, call: Call[EngineAnswer], watch: Callable[[Progress], None] | None
) -> EngineAnswer:
    """Wait for a call; an interrupt cancels it, unless another caller waits for it."""
    interrupted = True
    try:
        while not call.future.done():
            with suppress(TimeoutError):
                call.future.exception(_PROGRESS_INTERVAL if watch else None)
            if watch:
                watch(call.progress)
        interrupted = False
    finally:
        account.release(call, cancel=interrupted)
    return call.future.result()


def _check_api_keys(settings: Mapping[str, Settings]) -> None:
    """A single account can do without API keys. With several, a key selects the account."""
    if len(settings) > 1 and not all(each.api_keys for each in settings.values()):
        raise SettingsError("of several accounts, each needs API keys of its own")


def _open_accounts(
    settings: Mapping[str, Settings], source: Source | None = None
) -> dict[str, Account]:
    """The accounts with these settings: all of them, or none and an error with every fault."""
    opened: dict[str, Account] = {}
    faults: list[str] = []
    for name, each in settings.items():
        try:
            opened[name] = Account(each, source, name)
        except SettingsError as error:
            prefix = "" if name == SINGLE else f"{name}: "
            faults += [prefix + line for line in str(error).splitlines()]
    if faults:
        for account in opened.values():
            account.close()
        raise SettingsError("\n".join(faults))
    return opened

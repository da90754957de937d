"""`LegacyReports`: the old reports, behind whatever door a question comes in by."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Self, cast
from uuid import uuid4

from compat import error_mapping
from compat.account import Account
from compat.config.accounts import DEFAULT_ACCOUNT, accounts_from_env
from compat.config.conventions import ViewBy
from compat.config.settings import Settings, SettingsError
from compat.core.models import Progress, Source
from compat.engines.answers import EngineAnswer
from compat.single_flight import Call
from compat.v1 import routes
from compat.v1.auth import parse_api_key
from compat.v1.datetimes import format_epoch
from compat.v1.errors import Unauthorized
from compat.v1.http import LegacyRequest, LegacyResponse, error_response, success_response
from compat.v1.query import format_pairs

if TYPE_CHECKING:
    from compat.v1.models import NewConversations

_LOG: Final = logging.getLogger("compat")
_BLINK: Final = 0.2
"""Seconds between two looks at how far the fetching has come."""


@dataclass(frozen=True)
class Pending:
    """An answer on its way to a caller.

    Attributes:
        account: Whose conversations are asked about.
        flight: The fetching, shared with all who ask the same.
        correlation_id: Names this one exchange.
    """

    account: Account
    flight: Call[EngineAnswer]
    correlation_id: str

    @property
    def patience(self) -> float:
        """Seconds for which a caller over HTTP is thought to wait."""
        return self.account.settings.patience


class LegacyReports:
    """Answers the old reports, for one account or for several.

    Safe to share between threads. Use it as a context manager, or call `close` at the end.

    Args:
        settings: All settings; of several accounts, each one's by its name. An old API key
            selects the account that its settings name it in.
        source: Where the conversations of a single account come from; Mailbox API 2.0 if not
            given.

    Raises:
        SettingsError: What is needed to reach Mailbox API 2.0 is missing or cannot be used.
    """

    def __init__(
        self, settings: Settings | Mapping[str, Settings], *, source: Source | None = None
    ) -> None:
        named = {DEFAULT_ACCOUNT: settings} if isinstance(settings, Settings) else settings
        _check_apart(named)
        self._accounts: Mapping[str, Account] = _opened(named, source)
        self._closed = False
        self._reloading = threading.Lock()
        self._replacing = threading.Lock()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Set up from environment variables, and the file of accounts if they name one.

        Raises:
            SettingsError: A setting is missing or cannot be used; the message says which.
        """
        return cls(accounts_from_env(os.environ if environ is None else environ))

    def reload(self, settings: Mapping[str, Settings]) -> None:
        """Take over other settings; accounts whose settings stay the same go on undisturbed.

        Questions under way in the others are called off. Once closed, nothing is taken over.

        Raises:
            SettingsError: Some cannot be used; then nothing changes.
        """
        _check_apart(settings)
        with self._reloading:
            before = self._accounts
            kept = {name: before[name] for name in settings if _has(before, name, settings[name])}
            if self._closed:
                return
            fresh = _opened({name: each for name, each in settings.items() if name not in kept})
            if self._replace({name: fresh.get(name) or kept[name] for name in settings}):
                obsolete = [before[name] for name in before.keys() - kept.keys()]
            else:
                obsolete = list(fresh.values())
        for account in obsolete:
            account.close()

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
        """How many conversations were created, bucket by bucket; waits as long as it takes.

        Args:
            start: First second of the range: a datetime (UTC if it names no zone), a date, or a
                text as the old API took it.
            end: Last second of the range, included; likewise.
            previous_start: First second of the range to compare with.
            previous_end: Its last second, included.
            mailboxes: Only conversations in one of these mailboxes.
            tags: Only conversations with one of these tags; 1 stands for none at all.
            types: Only conversations of one of these types: `email`, `chat`, `phone`.
            folders: Only conversations that one of these folders shows.
            view_by: The length of a bucket; by default that of the conventions.
            account: The name of the account; not needed where there is only one.

        Raises:
            compat.v1.errors.LegacyError: What the old API would have said in its place.
        """
        pairs = format_pairs(
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

    def compute(
        self,
        report: str,
        pairs: Sequence[tuple[str, str]],
        account: str | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> EngineAnswer:
        """Answer a question asked in names and values; waits as long as it takes.

        Args:
            report: The name of a report's module.
            pairs: The names and values of the request, decoded.
            account: The name of the account; not needed where there is only one.
            watch: Called a few times a second while conversations are fetched.

        Raises:
            compat.v1.errors.LegacyError: What the old API would have said in its place.
            LookupError: There is no such account, or several and none was named.
        """
        chosen = self._named(account)
        try:
            asked = chosen.ask(chosen.understand(routes.route_of_report(report), pairs))
            return asked if isinstance(asked, EngineAnswer) else _landed(chosen, asked, watch)
        except Exception as error:
            raise error_mapping.told(error) from error

    def answer(
        self,
        request: LegacyRequest | str | bytes,
        *,
        authorization: str | bytes | None = None,
        patience: float | None = None,
    ) -> LegacyResponse:
        """Answer a whole old request; never raises for what a caller or upstream does.

        Args:
            request: The request, or the target of a GET (`/v1/…?start=…`, or the whole URL).
            authorization: The `Authorization` header, if `request` is a target.
            patience: Seconds to wait for upstream before a 503; as long as it takes if not
                given.
        """
        if not isinstance(request, LegacyRequest):
            request = LegacyRequest.from_target(request, authorization=authorization)
        begun = self.begin(request)
        if isinstance(begun, LegacyResponse):
            return begun
        with suppress(TimeoutError):
            begun.flight.future.exception(patience)
        return self.finish(begun)

    def begin(
        self, request: LegacyRequest, account: Account | None = None
    ) -> LegacyResponse | Pending:
        """Answer at once what needs no upstream; for all else, the pending answer.

        Every pending answer must be handed to `finish`, once its future is done or the caller's
        patience is at its end.

        Args:
            request: The request.
            account: Whose it is, if that was looked up already.
        """
        correlation_id = str(uuid4())
        try:
            route = routes.find_route(request.method, request.path)
            account = account or self.whose(request)
            if account is None:
                raise Unauthorized
            asked = account.ask(account.read(route, request.path, request.query))
        except Exception as error:  # noqa: BLE001 - a caller is told of every error
            return _refused(error, correlation_id)
        if isinstance(asked, EngineAnswer):
            return _told(asked, correlation_id)
        return Pending(account, asked, correlation_id)

    def finish(self, pending: Pending) -> LegacyResponse:
        """The answer, or word of when to come back for it."""
        account, flight = pending.account, pending.flight
        account.leave(flight)
        try:
            if not flight.future.done():
                raise account.come_back(flight)
            return _told(flight.future.result(), pending.correlation_id)
        except Exception as error:  # noqa: BLE001 - likewise
            return _refused(error, pending.correlation_id)

    async def finish_async(self, pending: Pending, seconds: float | None = None) -> LegacyResponse:
        """Wait for an answer under asyncio, without a thread, and finish it.

        If the task is cancelled it stops waiting; the computation goes on.

        Args:
            pending: The pending answer.
            seconds: How long to wait before a 503; as long as it takes if not given.
        """
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def wake(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(done.set)

        pending.flight.future.add_done_callback(wake)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await done.wait()
        finally:
            answer = self.finish(pending)
        return answer

    def whose(self, request: LegacyRequest) -> Account | None:
        """The account whose key was sent; every account is looked at, whoever's it is."""
        key = parse_api_key(request.authorization)
        accepting = [each for each in self._accounts.values() if key and each.accepts(key)]
        return accepting[0] if accepting else None

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts as they are now, by their names."""
        return self._accounts

    @property
    def ready(self) -> bool:
        """Whether a question asked now has a chance: some account is open and not refused."""
        return not self._closed and any(each.ready for each in self._accounts.values())

    def close(self) -> None:
        """Call off what is under way and drop all connections."""
        with self._replacing:
            self._closed = True
        for account in self._accounts.values():
            account.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _replace(self, accounts: Mapping[str, Account]) -> bool:
        """Use these accounts from now on, unless the service was closed meanwhile."""
        with self._replacing:
            if not self._closed:
                self._accounts = accounts
            return not self._closed

    def _named(self, name: str | None) -> Account:
        if name is None and len(self._accounts) == 1:
            return next(iter(self._accounts.values()))
        if name is None or name not in self._accounts:
            known = ", ".join(self._accounts)
            raise LookupError(f"say which account: one of {known}")
        return self._accounts[name]


def _check_apart(settings: Mapping[str, Settings]) -> None:
    """One account may do without API keys; of several, each key must select one."""
    if len(settings) > 1 and not all(each.api_keys for each in settings.values()):
        raise SettingsError("of several accounts, each needs API keys of its own")


def _opened(settings: Mapping[str, Settings], source: Source | None = None) -> dict[str, Account]:
    """The accounts of these settings: all, or none and every fault."""
    opened: dict[str, Account] = {}
    faults: list[str] = []
    for name, each in settings.items():
        try:
            opened[name] = Account(each, source, name)
        except SettingsError as error:
            named = "" if name == DEFAULT_ACCOUNT else f"{name}: "
            faults += [named + line for line in str(error).splitlines()]
    if faults:
        for account in opened.values():
            account.close()
        raise SettingsError("\n".join(faults))
    return opened


def _has(accounts: Mapping[str, Account], name: str, settings: Settings) -> bool:
    return name in accounts and accounts[name].settings == settings


def _landed(
    account: Account, flight: Call[EngineAnswer], watch: Callable[[Progress], None] | None
) -> EngineAnswer:
    """Wait for a flight; an interrupt calls it off, since nobody waits for the rest."""
    interrupted = True
    try:
        while not flight.future.done():
            with suppress(TimeoutError):
                flight.future.exception(_BLINK if watch else None)
            if watch:
                watch(flight.progress)
        interrupted = False
    finally:
        account.leave(flight, call_off=interrupted)
    return flight.future.result()


def _refused(error: Exception, correlation_id: str) -> LegacyResponse:
    told = error_mapping.told(error)
    if told.status >= 500:
        unforeseen = error if told.status == 500 else None
        level = logging.ERROR if unforeseen else logging.WARNING
        _LOG.log(level, "%s (%s)", told, correlation_id, exc_info=unforeseen)
    return error_response(told).with_header("Correlation-Id", correlation_id)


def _told(answered: EngineAnswer, correlation_id: str) -> LegacyResponse:
    return success_response(
        answered.body,
        ("Compat-As-Of", _written(answered.as_of)),
        ("Compat-Engine", answered.engine),
        ("Correlation-Id", correlation_id),
    )


_written = lru_cache(format_epoch)

"""Which engine answers: the setting `engine`, and the rule of `auto`."""

from __future__ import annotations

import logging
from typing import Final, Protocol, runtime_checkable

from compat.config.conventions import Conventions
from compat.config.settings import Settings, SettingsError
from compat.core.models import Progress, Source
from compat.engines import EngineAnswer
from compat.engines.computed import compute
from compat.engines.relayed import Relay
from compat.engines.translations import unsupported_conventions
from compat.upstream import client_from_settings
from compat.v1.errors import LegacyError
from compat.v1.query import Query, ReportQuery
from compat.v1.routes import Route
from compat.v2.client import Client
from compat.v2.errors import AccessRefused, InconsistentData, RequestRefused, UpstreamError

_LOG: Final = logging.getLogger("compat")

_RELAYED_AFTER: Final = (AccessRefused, RequestRefused, InconsistentData)
"""Errors that keep conversations from being counted, but perhaps not the successor's report. All
others concern upstream as a whole, or pass: the answer is an error, not other numbers."""


@runtime_checkable
class SourceWithClient(Protocol):
    """A source that has a client of Mailbox API 2.0, which engines may share."""

    client: Client


class EngineSelector:
    """The engine that an account's settings choose.

    Args:
        settings: The account's settings.
        source: Loads its conversations.

    Raises:
        SettingsError: A setting that upstream needs is missing, or the successor cannot follow
            the conventions.
    """

    def __init__(self, settings: Settings, source: Source) -> None:
        self._source = source
        self._own_client: Client | None = None
        self._relay: Relay | None = None
        self._always_relayed = settings.engine == "relayed"
        if settings.engine == "computed":
            return
        if settings.offline:
            raise SettingsError("COMPAT_ENGINE must be computed where COMPAT_OFFLINE is set")
        unsupported = unsupported_conventions(settings.conventions)
        if unsupported and self._always_relayed:
            raise SettingsError(
                "\n".join(
                    f"{each}; with it, COMPAT_ENGINE must be computed" for each in unsupported
                )
            )
        if not unsupported:
            client = self._client(settings)
            self._relay = Relay(client, lifetime=settings.recent_age, workers=settings.parallel)

    def answer(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        """The answer of the chosen engine. Lists of mailboxes, folders and tags are computed.

        Raises:
            LegacyError: The query cannot be answered.
            UpstreamError: Upstream fails.
        """
        if self._relay is None or not isinstance(query, ReportQuery):
            return compute(route, query, conventions, self._source, progress)
        if self._always_relayed:
            return self._relay.answer(route, query, conventions, progress)
        try:
            return compute(route, query, conventions, self._source, progress)
        except _RELAYED_AFTER as error:
            if not self._relay.supports(route):
                raise
            reason = str(error)
            try:
                answer = self._relay.answer(route, query, conventions, progress)
            except (UpstreamError, LegacyError):
                raise error from None
        _LOG.warning("%s was relayed, since it cannot be computed: %s", route.path, reason)
        return answer

    def close(self) -> None:
        """Close the client, if it is not the source's."""
        if self._own_client is not None:
            self._own_client.close()

    def _client(self, settings: Settings) -> Client:
        if isinstance(self._source, SourceWithClient):
            return self._source.client
        self._own_client = client_from_settings(settings)
        return self._own_client

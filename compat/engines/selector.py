"""Which engine answers: the setting `engine`, and the rule of `auto`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from compat.config.conventions import Conventions
from compat.config.settings import Settings, SettingsError
from compat.core.models import Progress, Source
from compat.engines import Engine, EngineAnswer, SourceWithClient
from compat.engines.computed import ComputedEngine
from compat.v1.errors import LegacyError
from compat.v1.query import Query, ReportQuery
from compat.v1.routes import Route
from compat.v2.errors import AccessRefused, InconsistentData, RequestRefused, UpstreamError

if TYPE_CHECKING:
    from compat.engines.relayed import RelayedEngine
    from compat.v2.client import Client

_LOG: Final = logging.getLogger("compat")

_RELAYED_AFTER: Final = (AccessRefused, RequestRefused, InconsistentData)
"""Errors that keep conversations from being counted, but perhaps not the successor's report. All
others concern upstream as a whole, or pass: the answer is an error, not other numbers."""


def select_engine(settings: Settings, source: Source) -> Engine:
    """The engine that an account's settings choose.

    Args:
        settings: The account's settings.
        source: Loads its conversations. If it has a client of Mailbox API 2.0, engines share it.

    Raises:
        SettingsError: A setting that upstream needs is missing, or the successor cannot follow
            the conventions.
    """
    computed = ComputedEngine(source)
    if settings.engine == "computed":
        return computed
    if settings.offline:
        raise SettingsError("COMPAT_ENGINE must be computed where COMPAT_OFFLINE is set")
    # Most accounts compute, and do not need the models of the successor's reports.
    from compat.engines.relayed import RelayedEngine  # noqa: PLC0415
    from compat.engines.translations import unsupported_conventions  # noqa: PLC0415
    from compat.upstream import client_from_settings  # noqa: PLC0415

    unsupported = unsupported_conventions(settings.conventions)
    if unsupported and settings.engine == "relayed":
        raise SettingsError(
            "\n".join(f"{each}; with it, COMPAT_ENGINE must be computed" for each in unsupported)
        )
    if unsupported:
        return computed
    shared = source.client if isinstance(source, SourceWithClient) else None
    client = shared or client_from_settings(settings)
    relayed = RelayedEngine(client, lifetime=settings.recent_age, workers=settings.parallel)
    return TwoEngines(
        computed,
        relayed,
        always_relayed=settings.engine == "relayed",
        own_client=None if shared else client,
    )


class TwoEngines:
    """Relays reports, either all of them or those that cannot be computed.

    Lists of mailboxes, folders and tags have no successor and are always computed.

    Args:
        computed: Counts conversations.
        relayed: Requests the successor's reports.
        always_relayed: Whether reports are relayed without an attempt to compute them.
        own_client: A client to close with the engine.
    """

    def __init__(
        self,
        computed: ComputedEngine,
        relayed: RelayedEngine,
        *,
        always_relayed: bool,
        own_client: Client | None,
    ) -> None:
        self._computed = computed
        self._relayed = relayed
        self._always_relayed = always_relayed
        self._own_client = own_client

    def answer(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        """The answer of the engine that applies.

        Raises:
            LegacyError: The query cannot be answered.
            UpstreamError: Upstream fails, or its answers contradict each other.
        """
        if not isinstance(query, ReportQuery):
            return self._computed.answer(route, query, conventions, progress)
        if self._always_relayed:
            return self._relayed.answer(route, query, conventions, progress)
        try:
            return self._computed.answer(route, query, conventions, progress)
        except _RELAYED_AFTER as error:
            if not self._relayed.supports(route):
                raise
            reason = str(error)
            try:
                answer = self._relayed.answer(route, query, conventions, progress)
            except (UpstreamError, LegacyError):
                raise error from None
        _LOG.warning("%s was relayed, since it cannot be computed: %s", route.path, reason)
        return answer

    def check(self) -> None:
        """Check the engine that would answer.

        Raises:
            Exception: What a report would meet now.
        """
        if self._always_relayed:
            return self._relayed.check()
        try:
            self._computed.check()
        except _RELAYED_AFTER as error:
            try:
                self._relayed.check()
            except UpstreamError:
                raise error from None

    def close(self) -> None:
        """Close the client, if it is not the source's."""
        if self._own_client is not None:
            self._own_client.close()

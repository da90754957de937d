"""Which engine answers: the setting, and the rule of `auto`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from compat.config.conventions import Conventions
from compat.config.settings import Settings, SettingsError
from compat.core.models import Progress, Source
from compat.engines.answers import Engine, EngineAnswer
from compat.v1.errors import LegacyError
from compat.v1.query import Query, ReportQuery
from compat.v1.routes import Route
from compat.v2.errors import AccessRefused, InconsistentData, RequestRefused, UpstreamError

if TYPE_CHECKING:
    from compat.v2.client import Client

_LOG: Final = logging.getLogger("compat")

_GIVES_WAY: Final = (AccessRefused, RequestRefused, InconsistentData)
"""What keeps the conversations from being counted and need not keep the successor from it. All
other trouble is of upstream as a whole, or passes: the answer is an error, not other numbers."""


@runtime_checkable
class Connected(Protocol):
    """A source that has a line to upstream, to be shared."""

    client: Client


class EngineSelector:
    """The engine that an account's settings choose.

    Args:
        settings: The account's settings.
        source: Where its conversations come from.

    Raises:
        SettingsError: What is needed to reach upstream is missing, or the successor cannot
            honour the conventions.
    """

    def __init__(self, settings: Settings, source: Source) -> None:
        self._source = source
        self._own_client: Client | None = None
        self._engine: Engine = self._computed
        if settings.engine == "computed":
            return
        if settings.offline:
            raise SettingsError("COMPAT_ENGINE must be computed where COMPAT_OFFLINE is set")
        # Whoever wants no other engine need not import one.
        from compat.engines.relayed import Relay  # noqa: PLC0415
        from compat.engines.translations import objections  # noqa: PLC0415

        objected = objections(settings.conventions)
        if settings.engine == "relayed" and objected:
            raise SettingsError(
                "\n".join(f"{each}; with it, COMPAT_ENGINE must be computed" for each in objected)
            )
        if not objected:
            self._relay = Relay(
                self._client(settings), lifetime=settings.recent_age, workers=settings.parallel
            )
            self._engine = self._relayed if settings.engine == "relayed" else self._auto

    def answer(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        """The answer of the engine chosen; lists that fill filters are no reports, and computed."""
        engine = self._engine if isinstance(query, ReportQuery) else self._computed
        return engine(route, query, conventions, progress)

    def close(self) -> None:
        """Drop the connections that are this object's own."""
        if self._own_client is not None:
            self._own_client.close()

    def _client(self, settings: Settings) -> Client:
        if isinstance(self._source, Connected):
            return self._source.client
        from compat.upstream import line_of  # noqa: PLC0415 - likewise

        self._own_client = line_of(settings)
        return self._own_client

    def _computed(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        from compat.engines.computed import compute  # noqa: PLC0415 - not before there is a question

        return compute(route, query, conventions, self._source, progress)

    def _relayed(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        return self._relay.answer(route, query, conventions, progress)

    def _auto(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        try:
            return self._computed(route, query, conventions, progress)
        except _GIVES_WAY as trouble:
            if not self._relay.knows(route):
                raise
            try:
                answered = self._relayed(route, query, conventions, progress)
            except (UpstreamError, LegacyError):
                raise trouble from None
            _LOG.warning("%s was relayed, since it cannot be computed: %s", route.path, trouble)
            return answered

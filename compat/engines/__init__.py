"""Engines compute the answer to a query."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.models import Progress
from compat.v1.datetimes import format_epoch
from compat.v1.http import APPROXIMATE_HEADER, UNAVAILABLE_HEADER
from compat.v1.query import Query
from compat.v1.routes import Route

if TYPE_CHECKING:
    from compat.v2.client import Client

EngineName = Literal["computed", "totals", "relayed"]
"""Counted here from conversations, counted from the totals of upstream's lists, or translated
from the successor's own report."""


@dataclass(frozen=True)
class EngineAnswer:
    """An answer, and the age of its data.

    Attributes:
        answer: The report in the old API's form.
        body: The same report as JSON in UTF-8.
        as_of: Epoch seconds by upstream's clock: no data in the answer is older.
        fresh_until: Seconds of `compat.clock.elapsed`: from then on the answer is too old to be
            used again.
        engine: The engine that computed it.
        approximate: The fields that can differ from what the old API answered: JSON paths without
            indices, such as `current.totalCustomers`, sorted. Keys that the answer does not have
            are not among them, nor is anything that upstream's own report tells.
        unavailable: The fields whose values mean nothing, because upstream does not show what
            they need; in the same form.
    """

    answer: BaseModel
    body: bytes
    as_of: int
    fresh_until: float
    engine: EngineName
    approximate: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that every response with this answer has."""
        named = (APPROXIMATE_HEADER, self.approximate), (UNAVAILABLE_HEADER, self.unavailable)
        return (
            ("Compat-As-Of", format_epoch(self.as_of)),
            ("Compat-Engine", self.engine),
            *((header, ", ".join(paths)) for header, paths in named if paths),
        )


@runtime_checkable
class SourceWithClient(Protocol):
    """A source that has a client of Mailbox API 2.0, which engines may share."""

    client: Client


class Engine(Protocol):
    """Computes answers; safe to share between threads."""

    def answer(
        self, route: Route, query: Query, conventions: Conventions, progress: Progress
    ) -> EngineAnswer:
        """The answer to a query.

        Args:
            route: The route of the request.
            query: Its query.
            conventions: The decided rules.
            progress: Counts the rows or requests. Its `check` is called before each request.

        Raises:
            LegacyError: The query cannot be answered.
            UpstreamError: Upstream fails, or its answers contradict each other.
        """

    def check(self) -> None:
        """Ask upstream, at most once, or twice where one engine stands in for another.

        Raises:
            Exception: What a report would meet now.
        """

    def close(self) -> None:
        """Close the connections of this engine alone."""

"""The old reports, one module each.

A report's module has two functions: `needs` says which data a query takes, and `answer` makes
the answer of that data. Both are pure. The table of routes names the module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.counting import CountQuery, CountResult
from compat.core.models import ConversationQuery, Document, ListQuery


@dataclass(frozen=True)
class Details:
    """An answer that shows a few conversations in full.

    Attributes:
        ids: The conversations to show, in order.
        answer: Makes the answer of them. Those that have gone meanwhile are not among them.
    """

    ids: Sequence[int]
    answer: Callable[[Sequence[Document]], BaseModel]


class ReportModule(Protocol):
    """What the module of a report holds."""

    def needs(self, query: Any, conventions: Conventions) -> ConversationQuery | ListQuery:
        """The data that a query takes."""

    def answer(self, query: Any, found: Any, conventions: Conventions) -> BaseModel | Details:
        """The answer to a query, from the data that `needs` asked for."""


@runtime_checkable
class CountingReport(Protocol):
    """What the module of a report holds besides, if counts are all that it takes."""

    def tally(self, query: Any, conventions: Conventions) -> CountQuery:
        """The counts that a query takes."""

    def from_counts(self, query: Any, found: CountResult, conventions: Conventions) -> BaseModel:
        """The answer to a query, from the counts that `tally` asked for."""

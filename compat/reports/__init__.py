"""The old reports, one module each; all lists are in one, and so are all series about a user.

A report's module has two pure functions: `required_data` returns which data a query needs, and
`answer` makes the answer from that data. The table of routes names the module. A row of
`compat.reports.lists.LISTS` or `compat.reports.user_series.SERIES` has the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.counting import CountQuery
from compat.core.models import Document
from compat.core.report_data import DataQuery


@dataclass(frozen=True)
class AnswerFromDocuments:
    """An answer that needs a few conversations in full.

    Attributes:
        ids: The ids of the conversations, in order.
        answer: Makes the answer from the conversations. Deleted ones are missing from them.
    """

    ids: Sequence[int]
    answer: Callable[[Sequence[Document]], BaseModel]


class ReportModule(Protocol):
    """The functions of a report's module."""

    def required_data(self, query: Any, conventions: Conventions) -> DataQuery:
        """The data that a query needs."""

    def answer(
        self, query: Any, found: Any, conventions: Conventions
    ) -> BaseModel | AnswerFromDocuments:
        """The answer to a query, from the data that `required_data` names."""


@runtime_checkable
class CountingReport(Protocol):
    """Further functions of a report that can be answered from counts alone."""

    def count_query(self, query: Any, conventions: Conventions) -> CountQuery:
        """The counts that a query needs."""

    def answer_from_counts(self, query: Any, found: Any, conventions: Conventions) -> BaseModel:
        """The answer to a query, from the counts that `count_query` names.

        Args:
            query: The query.
            found: The `CountResult`; in a report on a user, the `UserData` that has it.
            conventions: The decided rules.
        """

"""The old reports, one module each.

A report's module has two pure functions: `required_data` returns which data a query needs, and
`answer` makes the answer from that data. The table of routes names the module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from pydantic import BaseModel

from compat.config.conventions import Conventions
from compat.core.counting import CountQuery, CountResult
from compat.core.models import (
    ActivityQuery,
    ConversationQuery,
    Document,
    ListItem,
    ListItems,
    ListQuery,
)
from compat.v1.errors import ItemNotFound
from compat.v1.models import Envelope, Item
from compat.v1.query import ListPageQuery

_ITEMS_PER_PAGE: Final = 50
"""Mailboxes, folders or tags on a page, from the vendor's page."""


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

    def required_data(
        self, query: Any, conventions: Conventions
    ) -> ConversationQuery | ActivityQuery | ListQuery:
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

    def answer_from_counts(
        self, query: Any, found: CountResult, conventions: Conventions
    ) -> BaseModel:
        """The answer to a query, from the counts that `count_query` names."""


def list_page(
    query: ListPageQuery, found: ListItems, item: Callable[[ListItem], Item]
) -> Envelope[Item]:
    """One page of a list of mailboxes, folders or tags; a page after the last one is empty.

    Raises:
        ItemNotFound: There is no such mailbox.
    """
    if found.items is None:
        raise ItemNotFound
    first = (query.page - 1) * _ITEMS_PER_PAGE
    return Envelope(
        page=query.page,
        pages=-(-len(found.items) // _ITEMS_PER_PAGE),
        count=len(found.items),
        items=tuple(map(item, found.items[first : first + _ITEMS_PER_PAGE])),
    )

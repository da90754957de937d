"""The right answers: those of this project about given conversations, and the golden vectors."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Self

from compat import clock
from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.core.models import (
    ActivityQuery,
    ActivitySet,
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    NotCovered,
    Progress,
    Row,
    RowSet,
    in_order_of_creation,
)
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour
from compat.simulator.payloads import conversation
from compat.simulator.thread_payloads import embedded
from compat.upstream import to_activity, to_document, to_row, to_threads
from compat.v1.http import LegacyResponse
from compat.v2.models import ConversationDocument
from compat.v2.threads import ConversationWithThreads

VECTORS_FORMAT: Final = 1
"""The version of the format of `vectors.json`; a reader must refuse any other."""

Payload = dict[str, Any]
"""A conversation as a list of Mailbox API 2.0 has it."""

_ANY_KEY: Final = "Basic YW55LWtleTpY"
"""The `Authorization` header of a caller whose key is `any-key`."""


def payloads(account: Account, *, threads: bool = False) -> list[Payload]:
    """The conversations of a simulated account that lists contain, the oldest first.

    Args:
        account: The account.
        threads: Whether each has all of its threads in `_embedded`.
    """
    whole = Behaviour(embedded_chats="whole")
    layout = account.layout
    return [
        conversation(row, layout)
        | ({"_embedded": {"threads": embedded(row, layout, whole)}} if threads else {})
        for row in account.conversations()
        if row.listed
    ]


class Reference:
    """This project's answers about given conversations, as Mailbox API 2.0 lists them.

    Reports that need threads take those in `_embedded` for all of a conversation, chats included.
    They are refused with 400 if a conversation in the query's mailboxes has no such key.

    Folders are compared with `folderId` alone: folders that are views would have to be fetched.
    Use it as a context manager, or call `close` at the end.

    Args:
        conventions: The rules that were never documented.
    """

    def __init__(self, conventions: Conventions | None = None) -> None:
        self._source = _MemorySource()
        settings = Settings(
            recent_age=0, max_age=0, conventions=conventions or Conventions(), patience=60
        )
        self._reports = LegacyReports(settings, source=self._source)

    def answer(self, query: str, conversations: Sequence[Payload]) -> LegacyResponse:
        """The answer to an old query.

        Args:
            query: The request's target: `/v1/reports/…?start=…`.
            conversations: All conversations of the account, in any order.

        Raises:
            pydantic.ValidationError: A conversation lacks a required key.
        """
        self._source.show(conversations)
        return self._reports.answer(query, authorization=_ANY_KEY)

    def close(self) -> None:
        """End the threads of the service."""
        self._reports.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Vector:
    """A question about some conversations, and the right answer.

    Attributes:
        id: Its name, which is the same in all versions that contain the vector.
        about: The rule that it tests.
        conversations: All conversations of the account as Mailbox API 2.0 lists them, with the
            fields that matter.
        query: The target of the old request.
        status: The status of the answer.
        answer: The value of its JSON body. None for a status other than 200, because the messages
            of errors may differ.
        oracle: The same from an arithmetic that shares no code with this project.
    """

    id: str
    about: str
    conversations: tuple[dict[str, Any], ...]
    query: str
    status: int
    answer: Any
    oracle: Any


@cache
def golden_vectors() -> tuple[Vector, ...]:
    """All vectors, in the order of the file."""
    text = files("compat.testing").joinpath("vectors.json").read_text(encoding="utf-8")
    return tuple(
        Vector(**each | {"conversations": tuple(each["conversations"])})
        for each in json.loads(text)["vectors"]
    )


class _MemorySource:
    """A source of conversations that are given."""

    ready = True

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._conversations: list[ConversationWithThreads] = []
        self._documents: dict[int, Document] = {}

    def show(self, conversations: Sequence[Payload]) -> None:
        texts = [json.dumps(each) for each in conversations]
        self._conversations = [ConversationWithThreads.model_validate_json(each) for each in texts]
        self._rows = in_order_of_creation(map(to_row, self._conversations))
        documents = map(ConversationDocument.model_validate_json, texts)
        self._documents = {each.id: to_document(each) for each in documents}

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        progress.check()
        rows = [row for row in self._rows if need.admits(row)]
        return RowSet(rows, int(time.time()), clock.elapsed(), need.undecided(rows))

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        progress.check()
        need = ConversationQuery(query.touched, query.mailboxes, query.folders, query.spam)
        found = [each for each in self._conversations if need.admits(to_row(each))]
        if any(each.embedded is None or each.embedded.threads is None for each in found):
            raise NotCovered(query.touched)
        activities = [to_activity(each, to_threads(each.id, each.shown_threads)) for each in found]
        undecided = need.undecided([activity.row for activity in activities])
        return ActivitySet(activities, int(time.time()), clock.elapsed(), undecided)

    def list_items(self, query: ListQuery) -> ListItems:
        del query
        return ListItems((), int(time.time()), clock.elapsed())

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        progress.check()
        return [self._documents[each] for each in ids if each in self._documents]

    def seconds_for(self, _pages: float, _others: float = 0.0) -> float:
        return 0.0

    def close(self) -> None:
        pass

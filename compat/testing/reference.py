"""What the old API answers about conversations that are given, without anything to fetch."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, Final, Self

from compat import clock
from compat.config.conventions import Conventions
from compat.config.settings import Settings
from compat.core.models import (
    ConversationQuery,
    Document,
    ListItems,
    ListQuery,
    Progress,
    Row,
    RowSet,
)
from compat.service import LegacyReports
from compat.simulator import Account
from compat.simulator.payloads import conversation
from compat.upstream import to_document, to_row
from compat.v1.http import LegacyResponse
from compat.v2.models import Conversation, ConversationDocument

Payload = dict[str, Any]
"""A conversation as Mailbox API 2.0's list shows it."""

ANY_KEY: Final = "Basic YW55LWtleTpY"
"""The `Authorization` of a caller whose key is `any-key`."""


def payloads(account: Account) -> list[Payload]:
    """The conversations of a simulated account that lists show, the oldest first."""
    return [conversation(row, account.layout) for row in account.conversations() if row.listed]


class Reference:
    """This project's answers about conversations given as Mailbox API 2.0 shows them.

    Folders are judged by `folderId` alone: views over other folders have to be fetched. Use it
    as a context manager, or call `close` at the end.

    Args:
        conventions: The rules that nobody documented.
    """

    def __init__(self, conventions: Conventions | None = None) -> None:
        self._given = _Given()
        settings = Settings(
            recent_age=0, max_age=0, conventions=conventions or Conventions(), patience=60
        )
        self._reports = LegacyReports(settings, source=self._given)

    def answer(self, query: str, conversations: Sequence[Payload]) -> LegacyResponse:
        """The answer to an old query.

        Args:
            query: The request's target: `/v1/reports/…?start=…`.
            conversations: All conversations of the account, in any order.

        Raises:
            pydantic.ValidationError: A conversation lacks a key that is documented as always
                there.
        """
        self._given.show(conversations)
        return self._reports.handle(query, authorization=ANY_KEY)

    def close(self) -> None:
        """Let go of the threads behind it."""
        self._reports.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class _Given:
    """A source whose conversations are handed in."""

    ready = True

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._documents: dict[int, Document] = {}

    def show(self, conversations: Sequence[Payload]) -> None:
        texts = [json.dumps(each) for each in conversations]
        self._rows = sorted(to_row(Conversation.model_validate_json(text)) for text in texts)
        documents = map(ConversationDocument.model_validate_json, texts)
        self._documents = {each.id: to_document(each) for each in documents}

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        progress.check()
        rows = [
            row
            for row in self._rows
            if (not need.mailboxes or row.mailbox in need.mailboxes)
            and (not need.folders or row.folder in need.folders)
        ]
        return RowSet(rows, int(time.time()), clock.elapsed())

    def list_items(self, menu: ListQuery) -> ListItems:
        del menu
        return ListItems((), int(time.time()), clock.elapsed())

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        progress.check()
        return [self._documents[each] for each in ids if each in self._documents]

    def rate_limit_wait(self) -> float:
        return 0.0

    def close(self) -> None:
        pass

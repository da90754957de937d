"""Conversations in full, fetched one by one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from compat.documents import document_of
from compat.needs import Document, Progress
from compat.v2 import models
from compat.v2.client import Client
from compat.v2.errors import Redirected, RequestRefused

_MERGED: Final = 301
_GONE: Final = 404
_DELETED: Final = "deleted"


def fetch_documents(
    client: Client, ids: Sequence[int], progress: Progress, *, workers: int
) -> list[Document]:
    """The conversations of these ids, in their order; deleted and merged ones left out."""

    def fetch(conversation: int) -> Document | None:
        progress.check()
        return _fetch(client, conversation)

    with ThreadPoolExecutor(workers, thread_name_prefix="document") as pool:
        return [document for document in pool.map(fetch, ids) if document]


def _fetch(client: Client, conversation: int) -> Document | None:
    try:
        found = client.get(f"/conversations/{conversation}", {}, models.ConversationDocument)
    except Redirected as moved:
        if moved.status != _MERGED:
            raise
        return None  # merged into another, which is a conversation of its own
    except RequestRefused as refusal:
        if refusal.status != _GONE:
            raise
        return None
    return None if found.value.state == _DELETED else document_of(found.value)

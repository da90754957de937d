"""Conversations in full, fetched one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from compat.needs import Document, NamedTag, Person, Progress
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


def document_of(read: models.ConversationDocument) -> Document:
    """A conversation as a list shows it."""
    created = _second(read.created_at)
    waiting = read.waiting_since.time if read.waiting_since else None
    return Document(
        id=read.id,
        number=read.number,
        type=read.type,
        mailbox=read.mailbox_id,
        subject=read.subject or "",
        status=read.status,
        threads=read.threads or 0,
        preview=read.preview or "",
        customer=_person(read.customer),
        assignee=_person(read.assignee),
        updated=_second(read.updated_at) if read.updated_at else created,
        waiting_since=_second(waiting) if waiting else created,
        tags=tuple(NamedTag(tag.id, tag.name or "", tag.color or "") for tag in read.tags or ()),
    )


def _second(instant: datetime) -> int:
    return math.floor(instant.timestamp())


def _person(read: models.Person | None) -> Person:
    if read is None:
        return Person()
    return Person(read.id, read.first or "", read.last or "", read.email or "")

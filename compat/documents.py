"""A conversation in full, out of upstream's answer."""

from __future__ import annotations

import math
from datetime import datetime

from compat.needs import Document, NamedTag, Person
from compat.v2 import models


def document_of(read: models.ConversationDocument) -> Document:
    """What is shown of a conversation; what upstream left out is empty."""
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

"""What upstream's answers say, in the words that reports and sources share."""

from __future__ import annotations

import math
import sys
from datetime import datetime
from typing import Final

from compat.needs import Menu, MenuItem, Row
from compat.v2 import catalogue, models
from compat.v2.client import Client
from compat.v2.errors import RequestRefused
from compat.v2.models import Conversation
from compat.v2.walking import second_of

_GONE: Final = 404


def row_of(conversation: Conversation) -> Row:
    """What counting needs of a conversation."""
    return Row(
        second_of(conversation),
        conversation.id,
        conversation.mailbox_id,
        conversation.folder_id,
        sys.intern(conversation.type),
        sys.intern(conversation.status),
        sys.intern(conversation.state),
        tuple(tag.id for tag in conversation.tags),
    )


def fetch_items(client: Client, menu: Menu) -> tuple[tuple[MenuItem, ...] | None, int]:
    """What a menu shows, None if there is no such mailbox; and when it was asked for.

    Raises:
        UpstreamError: Upstream fails.
    """
    try:
        listed = _listed(client, menu)
    except RequestRefused as refusal:
        if refusal.status != _GONE:
            raise
        return None, refusal.asked_at
    return tuple(map(_item, listed.rows)), listed.asked_at


def _listed(client: Client, menu: Menu) -> catalogue.Catalogue:
    if menu.kind == "folders":
        return catalogue.folders(client, menu.mailbox)
    return catalogue.tags(client) if menu.kind == "tags" else catalogue.mailboxes(client)


def _item(read: models.Listed) -> MenuItem:
    created = second(read.created_at or read.updated_at) or 0
    return MenuItem(
        id=read.id,
        name=read.name or "",
        slug=read.slug or "",
        email=read.email or "",
        type=read.type or "",
        user=read.user_id or 0,
        color=read.color or "",
        total=read.total or read.tickets or 0,
        active=read.active or 0,
        created=created,
        modified=second(read.updated_at) or created,
    )


def second(instant: datetime | None) -> int | None:
    """The whole second that an instant is in, epoch UTC."""
    return None if instant is None else math.floor(instant.timestamp())

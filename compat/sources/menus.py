"""Mailboxes, folders and tags, for programs that fill their filters with them."""

from __future__ import annotations

import math
from datetime import datetime

from compat import clock
from compat.needs import Listed, Menu, MenuItem
from compat.v2 import catalogue, models
from compat.v2.client import Client
from compat.v2.errors import RequestRefused

_GONE = 404


def fetch_menu(client: Client, menu: Menu, age: int) -> Listed:
    """What a menu shows; to be used again for `age` seconds."""
    fresh_until = clock.elapsed() + age
    try:
        listed = _listed(client, menu)
    except RequestRefused as refusal:
        if refusal.status != _GONE:
            raise
        return Listed(None, refusal.asked_at, fresh_until)
    return Listed(tuple(map(_item, listed.rows)), listed.asked_at, fresh_until)


def _listed(client: Client, menu: Menu) -> catalogue.Catalogue:
    if menu.kind == "folders":
        return catalogue.folders(client, menu.mailbox)
    return catalogue.tags(client) if menu.kind == "tags" else catalogue.mailboxes(client)


def _item(read: models.Listed) -> MenuItem:
    created = _second(read.created_at or read.updated_at)
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
        modified=_second(read.updated_at) if read.updated_at else created,
    )


def _second(instant: datetime | None) -> int:
    return math.floor(instant.timestamp()) if instant else 0

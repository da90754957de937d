"""What upstream's answers say, in the words that reports and sources share."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from compat.config.settings import Settings, SettingsError, variable_name
from compat.core.models import Document, ListItem, ListQuery, NamedTag, Person, Progress, Row
from compat.v2 import lists, models
from compat.v2.client import Client, Credentials
from compat.v2.errors import Redirected, RequestRefused
from compat.v2.models import Conversation
from compat.v2.pagination import second_of

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


def fetch_items(client: Client, menu: ListQuery) -> tuple[tuple[ListItem, ...] | None, int]:
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


def _listed(client: Client, menu: ListQuery) -> lists.Catalogue:
    if menu.kind == "folders":
        return lists.folders(client, menu.mailbox)
    return lists.tags(client) if menu.kind == "tags" else lists.mailboxes(client)


def _item(read: models.ListEntry) -> ListItem:
    created = second(read.created_at or read.updated_at) or 0
    return ListItem(
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


def _person(read: models.PersonPayload | None) -> Person:
    if read is None:
        return Person()
    return Person(read.id, read.first or "", read.last or "", read.email or "")


def line_of(settings: Settings) -> Client:
    """A client that signs in and connects as the settings say.

    Raises:
        SettingsError: What is needed to reach Mailbox API 2.0 is missing or cannot be used.
    """
    secret = settings.app_secret.get_secret_value()
    needed = (("app_id", settings.app_id, "App ID"), ("app_secret", secret, "App Secret"))
    if missing := [(field, what) for field, value, what in needed if not value]:
        raise SettingsError(
            "\n".join(
                f"{variable_name(field)} is not set: make an application at Help Scout under "
                f"Your Profile, My Apps, and set it to the {what} shown there"
                for field, what in missing
            )
        )
    try:
        return Client(
            Credentials(settings.app_id, secret),
            base_url=settings.base_url,
            connect_to=settings.connect_to,
            reserve=settings.rate_reserve,
            timeout=settings.timeout,
            proxy=settings.proxy.get_secret_value() if settings.proxy else None,
            ca_file=settings.ca_file,
        )
    except ValueError as error:
        names = ", ".join(map(variable_name, ("base_url", "connect_to", "proxy", "ca_file")))
        raise SettingsError(f"{names}: {error}") from None


_MERGED: Final = 301
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

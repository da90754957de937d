"""A client of Mailbox API 2.0 from settings, and its models as the project's own data."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from compat.config.settings import Settings, SettingsError, variable_name
from compat.core.intervals import Interval
from compat.core.models import Document, ListItem, ListQuery, NamedTag, Person, Progress, Row
from compat.v2 import lists, models
from compat.v2.client import Client
from compat.v2.errors import Redirected, RequestRefused
from compat.v2.models import Conversation
from compat.v2.oauth import Credentials
from compat.v2.pagination import creation_second
from compat.v2.search import Window

_MERGED: Final = 301
_NOT_FOUND: Final = 404
_DELETED: Final = "deleted"


def client_from_settings(settings: Settings) -> Client:
    """A client that authenticates and connects as the settings say.

    Raises:
        SettingsError: A setting that Mailbox API 2.0 needs is missing or cannot be used.
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


def to_window(created: Interval) -> Window:
    """An interval of creation as the client takes it; both include their first and last second."""
    return Window(created.first, created.last)


def to_row(conversation: Conversation) -> Row:
    """The fields of a conversation that counting needs."""
    return Row(
        creation_second(conversation),
        conversation.id,
        conversation.mailbox_id,
        conversation.folder_id,
        # There are few different texts and many rows.
        None if conversation.type is None else sys.intern(conversation.type),
        sys.intern(conversation.status),
        sys.intern(conversation.state),
        None if conversation.tags is None else tuple(tag.id for tag in conversation.tags),
    )


def to_document(conversation: models.ConversationDocument) -> Document:
    """The fields of a conversation that a list shows; empty where upstream has none."""
    waiting_since = models.waiting_time(conversation.waiting_since)
    return Document(
        id=conversation.id,
        number=conversation.number or 0,
        type=conversation.type or "",
        mailbox=conversation.mailbox_id or 0,
        subject=conversation.subject or "",
        status=conversation.status,
        threads=conversation.threads or 0,
        preview=conversation.preview or "",
        customer=_to_person(conversation.customer),
        assignee=_to_person(conversation.assignee),
        updated=to_second(conversation.updated_at or conversation.created_at),
        waiting_since=to_second(waiting_since or conversation.created_at),
        tags=tuple(
            NamedTag(tag.id or 0, tag.name or "", tag.color or "")
            for tag in conversation.tags or ()
        ),
    )


def to_list_item(entry: models.ListEntry) -> ListItem:
    """A mailbox, a folder or a tag."""
    created_at = entry.created_at or entry.updated_at
    created = to_second(created_at) if created_at else 0
    return ListItem(
        id=entry.id,
        name=entry.name or "",
        slug=entry.slug or "",
        email=entry.email or "",
        type=entry.type or "",
        user=entry.user_id or 0,
        color=entry.color or "",
        total=entry.total or entry.tickets or 0,
        active=entry.active or 0,
        created=created,
        modified=to_second(entry.updated_at) if entry.updated_at else created,
    )


def to_second(instant: datetime) -> int:
    """The whole second of an instant, epoch UTC; fractions are dropped."""
    return math.floor(instant.timestamp())


def fetch_list(client: Client, query: ListQuery) -> tuple[tuple[ListItem, ...] | None, int]:
    """All mailboxes, all tags, or the folders of a mailbox.

    Returns:
        The items, or None if there is no such mailbox; and when they were requested, epoch
        seconds by upstream's clock.

    Raises:
        UpstreamError: Upstream fails.
    """
    try:
        found = _fetch_list(client, query)
    except RequestRefused as refusal:
        if refusal.status != _NOT_FOUND:
            raise
        return None, refusal.requested_at
    return tuple(map(to_list_item, found.rows)), found.requested_at


def fetch_documents(
    client: Client, ids: Sequence[int], progress: Progress, *, workers: int
) -> list[Document]:
    """The conversations with these ids, in their order; deleted and merged ones are left out.

    Args:
        client: The client.
        ids: The ids of the conversations.
        progress: Its `check` is called before each request.
        workers: How many requests run at the same time.

    Raises:
        UpstreamError: Upstream fails.
    """

    def fetch(conversation: int) -> Document | None:
        progress.check()
        return _fetch_document(client, conversation)

    with ThreadPoolExecutor(workers, thread_name_prefix="document") as pool:
        return [document for document in pool.map(fetch, ids) if document]


def _fetch_list(client: Client, query: ListQuery) -> lists.EntryList:
    if query.kind == "folders":
        return lists.folders(client, query.mailbox)
    return lists.tags(client) if query.kind == "tags" else lists.mailboxes(client)


def _fetch_document(client: Client, conversation: int) -> Document | None:
    try:
        found = client.get(f"/conversations/{conversation}", {}, models.ConversationDocument)
    except Redirected as redirect:
        if redirect.status != _MERGED:
            raise
        return None  # merged into another conversation, which has an id of its own
    except RequestRefused as refusal:
        if refusal.status != _NOT_FOUND:
            raise
        return None
    return None if found.value.state == _DELETED else to_document(found.value)


def _to_person(person: models.PersonPayload | None) -> Person:
    if person is None:
        return Person()
    return Person(person.id or 0, person.first or "", person.last or "", person.email or "")

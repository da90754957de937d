"""A client of Mailbox API 2.0 from settings, and its models as the project's own data."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from compat.config.settings import Settings, SettingsError, variable_name
from compat.core.intervals import Interval
from compat.core.models import (
    Activity,
    Document,
    ListItem,
    ListKind,
    ListQuery,
    NamedTag,
    Person,
    Progress,
    Rating,
    Row,
    Thread,
)
from compat.v2 import lists, models
from compat.v2.client import Client
from compat.v2.errors import MalformedData, NothingAtAddress, Redirected
from compat.v2.models import Conversation, whole_second
from compat.v2.oauth import Credentials
from compat.v2.pagination import creation_second
from compat.v2.search import Window
from compat.v2.threads import (
    Author,
    ConversationWithThreads,
    RatingPayload,
    ThreadPayload,
    TypeOnly,
)
from compat.v2.transport import UnusableOption

_MERGED: Final = 301
_DELETED: Final = "deleted"
_NO_CHANGE: Final = "nochange"
_AUTHORS: Final = {"customer": "customer", "user": "user", "system_user": "user"}
"""What the author of a thread is, by the type that upstream shows."""


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
            + "\n`helpscout-v1 init` asks for them and writes a file, which COMPAT_ENV_FILE names"
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
    except UnusableOption as error:
        raise to_settings_error(error) from None


def to_settings_error(error: UnusableOption) -> SettingsError:
    """The error about the setting that an option of a client comes from."""
    return SettingsError(f"{variable_name(error.option)}: {error}")


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
        updated=whole_second(conversation.updated_at or conversation.created_at),
        waiting_since=whole_second(waiting_since or conversation.created_at),
        tags=tuple(
            NamedTag(tag.id or 0, tag.name or "", tag.color or "")
            for tag in conversation.tags or ()
        ),
    )


def to_threads(conversation: int, threads: Iterable[ThreadPayload]) -> tuple[Thread, ...]:
    """The threads of a conversation, each once, sorted by creation and id.

    Raises:
        MalformedData: One lacks what counting needs.
    """
    shown = {each.id: each for each in threads}.values()
    return tuple(sorted(_to_thread(conversation, each, shown) for each in shown))


def to_activity(conversation: ConversationWithThreads, threads: tuple[Thread, ...]) -> Activity:
    """A conversation with these threads."""
    by_user = is_by_user(conversation.created_by)
    return Activity(
        to_row(conversation),
        threads,
        customer=_id(conversation.customer),
        created_by=_id(conversation.created_by) if by_user else 0,
        closed=whole_second(conversation.closed_at) if conversation.closed_at else None,
        closed_by=conversation.closed_by or 0,
        number=conversation.number or 0,
    )


def is_by_user(creator: models.PersonId | None) -> bool:
    """Whether a user created something; False if that is not shown."""
    return isinstance(creator, Author) and _author_type(creator) == "user"


def to_list_item(entry: models.ListEntry) -> ListItem:
    """A mailbox, a folder, a tag, a user or a team."""
    created_at = entry.created_at or entry.updated_at
    created = whole_second(created_at) if created_at else 0
    return ListItem(
        id=entry.id,
        name=entry.name or entry.first_name or "",
        slug=entry.slug or "",
        email=entry.email or "",
        type=entry.type or "",
        user=entry.user_id or 0,
        color=entry.color or "",
        total=entry.total or entry.tickets or 0,
        active=entry.active or 0,
        created=created,
        modified=whole_second(entry.updated_at) if entry.updated_at else created,
        last=entry.last_name or "",
        role=entry.role or "",
        timezone=entry.timezone or "",
        photo=entry.photo_url or "",
        company=entry.company_id or 0,
    )


@dataclass(frozen=True)
class _ListAddress:
    """Where a list is upstream; `{parent}` and `{item}` stand for the ids of a query.

    Attributes:
        path: The path of the whole list; empty if there is none.
        item_path: The path of one item; empty if the item has to be picked from the list.
        filters: Parameters of the list.
        type: The type of the items, where upstream does not say it.
    """

    path: str = ""
    item_path: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    type: str = ""


_ADDRESSES: Final[Mapping[ListKind, _ListAddress]] = {
    "mailboxes": _ListAddress("/mailboxes", "/mailboxes/{item}"),
    "folders": _ListAddress("/mailboxes/{parent}/folders"),
    "mailbox_users": _ListAddress("/users", filters={"mailbox": "{parent}"}),
    "tags": _ListAddress("/tags"),
    "users": _ListAddress("/users", "/users/{item}"),
    "me": _ListAddress(item_path="/users/me"),
    "teams": _ListAddress("/teams", type="team"),
    "members": _ListAddress("/teams/{parent}/members"),
}


def fetch_list(client: Client, query: ListQuery) -> tuple[tuple[ListItem, ...] | None, int]:
    """A list, or one item of it.

    Returns:
        The items, or None if there is no such item, mailbox or team; and when they were
        requested, epoch seconds by upstream's clock.

    Raises:
        NothingAtAddress: There is not even the list: the address is not that of the API.
        UpstreamError: Upstream fails.
    """
    try:
        found = _fetch_list(client, query)
    except NothingAtAddress as refusal:
        if not _has_id_in_address(query):
            raise
        return None, refusal.requested_at
    type_ = _ADDRESSES[query.kind].type
    items = tuple(
        item._replace(type=type_ or item.type)
        for item in map(to_list_item, found.rows)
        if query.item in (None, item.id)
    )
    if query.item is not None and not items:
        return None, found.requested_at
    return items, found.requested_at


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
    address = _ADDRESSES[query.kind]
    ids = {"parent": query.parent, "item": query.item}
    if address.item_path and (query.item is not None or not address.path):
        return lists.get_entry(client, address.item_path.format(**ids))
    filters = {name: text.format(**ids) for name, text in address.filters.items()}
    return lists.all_entries(client, address.path.format(**ids), filters)


def _has_id_in_address(query: ListQuery) -> bool:
    """Whether it is requested by the id of an item, a mailbox or a team, which may not exist."""
    address = _ADDRESSES[query.kind]
    if query.item is not None and address.item_path:
        return True
    return any("{" in text for text in (address.path, *address.filters.values()))


def _fetch_document(client: Client, conversation: int) -> Document | None:
    try:
        found = client.get(f"/conversations/{conversation}", {}, models.ConversationDocument)
    except Redirected as redirect:
        if redirect.status != _MERGED:
            raise
        return None  # merged into another conversation, which has an id of its own
    except NothingAtAddress:
        return None
    return None if found.value.state == _DELETED else to_document(found.value)


def _to_thread(
    conversation: int, thread: ThreadPayload, shown: Collection[ThreadPayload]
) -> Thread:
    if thread.unknown_key or thread.id is None or thread.created_at is None:
        raise MalformedData(
            f"a thread cannot be read: conversation {conversation}: thread {thread.id or ''}: "
            f"`{thread.unknown_key}` is missing, or has no known value"
        )
    return Thread(
        whole_second(thread.created_at),
        thread.id,
        sys.intern(thread.type or ""),
        sys.intern(thread.state or ""),
        None if thread.status in {None, "", _NO_CHANGE} else sys.intern(thread.status or ""),
        _author_type(thread.created_by),
        _id(thread.created_by),
        _id(thread.customer),
        _type(thread.action),
        _type(thread.source),
        thread.saved_reply or 0,
        _to_rating(thread, thread.rating, shown),
        thread.has_attachments,
    )


def _to_rating(
    thread: ThreadPayload, rating: RatingPayload | None, shown: Iterable[ThreadPayload]
) -> Rating | None:
    """The rating of a thread; None if it has none.

    Who rated may be another customer than the thread's, as after a merge. The name is then known
    only if that customer has another thread of the conversation.
    """
    if not rating or not rating.number:
        return None
    customer = rating.customer or _id(thread.customer)
    people = (person for each in (thread, *shown) for person in _customers(each))
    names = (_name(person) or person.email or "" for person in people if person.id == customer)
    known = next(filter(None, names), "") if customer else ""
    return Rating(
        rating.number,
        customer,
        known if rating.customer_name is None else rating.customer_name,
        _name(thread.created_by) if rating.user_name is None else rating.user_name,
        rating.comments or "",
    )


def _customers(thread: ThreadPayload) -> Iterator[models.PersonPayload]:
    """The customers that a thread shows."""
    if thread.customer:
        yield thread.customer
    if thread.created_by and _author_type(thread.created_by) == "customer":
        yield thread.created_by


def _name(person: models.PersonPayload | None) -> str:
    """First and last name; empty if neither is shown."""
    return f"{person.first or ''} {person.last or ''}".strip() if person else ""


def _author_type(author: Author | None) -> str:
    return _AUTHORS.get((author and author.type) or "", "")


def _id(person: models.PersonId | None) -> int:
    return (person and person.id) or 0


def _type(value: TypeOnly | None) -> str:
    return sys.intern((value and value.type) or "")


def _to_person(person: models.PersonPayload | None) -> Person:
    if person is None:
        return Person()
    return Person(person.id or 0, person.first or "", person.last or "", person.email or "")

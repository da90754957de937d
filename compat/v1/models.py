"""The answers of the old API as models; `model_dump_json` writes the JSON."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel

from compat.v1.models_base import Answer, Instant, ShortRepr, TabularReport, absent_if_none
from compat.v1.models_ratings import (  # noqa: F401 (routes look all models up here)
    Happiness,
    Ratings,
    UserHappiness,
)
from compat.v1.models_users import (  # noqa: F401
    ConversationHistory,
    CustomersHelped,
    RepliesSent,
    Resolutions,
    UserReport,
)


class Bucket(Answer):
    """One bucket and its count.

    Attributes:
        start: The first second of the bucket, aware.
        count: How many conversations were created in it.
    """

    start: Instant
    count: int = Field(ge=0)


class NewConversations(Answer, TabularReport):
    """The answer of `conversations/new.json`.

    Attributes:
        current: The buckets of the requested range.
        previous: The buckets of the range to compare with. None if none was requested; the key
            is then left out, as on the vendor's page.
    """

    current: tuple[Bucket, ...]
    previous: tuple[Bucket, ...] | None = absent_if_none()


class BucketIds(Bucket):
    """One bucket, its count, and the ids of the counted conversations.

    Attributes:
        ids: The ids, in the order of creation.
    """

    ids: tuple[int, ...]


class NewIds(Answer, TabularReport):
    """The counted conversations of each bucket of New Conversations; not part of the old API."""

    current: tuple[BucketIds, ...]
    previous: tuple[BucketIds, ...] | None = absent_if_none()


class MessageBucket(Answer):
    """One bucket and its messages.

    Attributes:
        date: The first second of the bucket, aware.
        messages: How many messages of customers were received in it.
    """

    date: Instant
    messages: int = Field(ge=0)


class ReceivedMessages(Answer, TabularReport):
    """The answer of `conversations/received-messages.json`.

    The keys are those that the old API was observed to send; its page shows other ones.

    Attributes:
        current: The buckets of the requested range.
        previous: As in `NewConversations`.
    """

    current: tuple[MessageBucket, ...]
    previous: tuple[MessageBucket, ...] | None = absent_if_none()


class RowTag(Answer):
    """A tag on a conversation.

    Attributes:
        color: A word, as in the old API.
    """

    id: int
    name: str
    color: str


class DrilldownRow(Answer):
    """A conversation in a list; the keys are spelled as in the old API.

    `assignedName` is left out if nobody is assigned, as observed. `waitingSince` and
    `waitingSinceType`, which were observed but not documented, are left out if they are unknown.
    """

    id: int
    number: int
    type: str
    mailboxid: int
    attachments: bool
    subject: str
    status: str
    threadCount: int  # noqa: N815
    preview: str
    customerName: str  # noqa: N815
    customerEmail: str  # noqa: N815
    customerIds: tuple[int, ...]  # noqa: N815
    modifiedAt: Instant  # noqa: N815
    waitingSince: Instant | None = absent_if_none()  # noqa: N815
    waitingSinceType: int | None = absent_if_none()  # noqa: N815
    assignedid: int
    tags: tuple[RowTag, ...]
    assignedName: str | None = absent_if_none()  # noqa: N815


class DrilldownPage(Answer):
    """One page of a list of conversations.

    Attributes:
        pages: The number of pages; 0 for an empty list.
        page: The number of this page.
        count: How many conversations the whole list has.
        results: The conversations on this page; empty after the last page.
    """

    pages: int
    page: int
    count: int
    results: tuple[DrilldownRow, ...]


class Drilldown(Answer, TabularReport):
    """The answer of `conversations/new-drilldown.json`."""

    conversations: DrilldownPage


class Hour(Answer):
    """One hour of the week.

    Attributes:
        day: 1 for Monday to 7 for Sunday.
        hour: 0 to 23, in the company's time zone.
        count: How many conversations were created in it.
    """

    day: int
    hour: int
    count: int


class BusyTimes(ShortRepr, RootModel[tuple[Hour, ...]], TabularReport):
    """The answer of `conversations/busy-times.json`: a bare array."""

    model_config = ConfigDict(frozen=True)


class MailboxItem(Answer):
    """A mailbox in `mailboxes.json`."""

    id: int
    slug: str
    name: str
    email: str
    createdAt: Instant  # noqa: N815
    modifiedAt: Instant  # noqa: N815


class FolderItem(Answer):
    """A folder of a mailbox.

    Attributes:
        type: open, mine, needsattention, drafts, assigned, closed, spam, or a newer type.
        userId: The id of the user or team that owns the folder, or 0.
    """

    id: int
    name: str
    type: str
    userId: int  # noqa: N815
    totalCount: int  # noqa: N815
    activeCount: int  # noqa: N815
    modifiedAt: Instant  # noqa: N815


class MailboxWithFolders(MailboxItem):
    """The mailbox in `mailboxes/{id}.json`; `folders` is the last key, as in 2017."""

    folders: tuple[FolderItem, ...]


class TagItem(Answer):
    """A tag in `tags.json`.

    Attributes:
        tag: Its name.
        name: The same name, which the recordings do not have; some old clients read this key.
    """

    id: int
    slug: str
    tag: str
    count: int
    color: str
    createdAt: Instant  # noqa: N815
    modifiedAt: Instant  # noqa: N815
    name: str


class _Person(Answer):
    id: int
    firstName: str  # noqa: N815
    lastName: str  # noqa: N815
    fullName: str  # noqa: N815
    email: str
    role: str
    timezone: str
    photoUrl: str | None  # noqa: N815


class UserItem(_Person):
    """A user or a team.

    Attributes:
        firstName: The first name of a user; the name of a team.
        role: owner, admin, user, or a newer role; `user` for a team.
        photoUrl: None if there is no picture.
        type: user or team.
    """

    createdAt: Instant  # noqa: N815
    modifiedAt: Instant  # noqa: N815
    type: str


class CurrentUserItem(_Person):
    """The user in `users/me.json`; the keys have another order there."""

    type: str
    companyId: int  # noqa: N815
    createdAt: Instant  # noqa: N815
    modifiedAt: Instant  # noqa: N815


Item = TypeVar("Item", bound=BaseModel)


class Envelope(Answer, Generic[Item]):
    """One page of a list."""

    page: int
    pages: int
    count: int
    items: tuple[Item, ...]


class SingleItem(Answer, Generic[Item]):
    """One item of a list."""

    item: Item


Mailboxes = Envelope[MailboxItem]
Folders = Envelope[FolderItem]
Tags = Envelope[TagItem]
Users = Envelope[UserItem]
Mailbox = SingleItem[MailboxWithFolders]
User = SingleItem[UserItem]
CurrentUser = SingleItem[CurrentUserItem]

"""The answers of the old API, to be written as JSON with `model_dump_json`."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    WithJsonSchema,
)

from compat.v1.datetimes import format_instant

Instant = Annotated[
    AwareDatetime,
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        }
    ),
]
"""A point in time that JSON shows as `yyyy-MM-ddTHH:mm:ssZ`."""


def _absent_if_none() -> Any:
    """A key that is left out where there is nothing to say."""
    return Field(default=None, exclude_if=lambda value: value is None)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bucket(_Answer):
    """One point of a series of counts.

    Attributes:
        start: First second of the bucket, aware.
        count: Conversations created in it.
    """

    start: Instant
    count: int = Field(ge=0)


class NewConversations(_Answer):
    """The answer of `conversations/new.json`.

    Attributes:
        current: The series of the range asked about.
        previous: The series of the range to compare with. None if there was none: the key is
            then left out, as the vendor's page says.
    """

    current: tuple[Bucket, ...]
    previous: tuple[Bucket, ...] | None = _absent_if_none()


class BucketIds(Bucket):
    """One point of a series, and the conversations behind its count.

    Attributes:
        ids: Their ids, in the order of creation.
    """

    ids: tuple[int, ...]


class NewIds(_Answer):
    """The conversations behind each count of New Conversations; no answer of the old API's."""

    current: tuple[BucketIds, ...]
    previous: tuple[BucketIds, ...] | None = _absent_if_none()


class RowTag(_Answer):
    """A tag on a conversation.

    Attributes:
        color: A word, as the old API named colours.
    """

    id: int
    name: str
    color: str


class DrilldownRow(_Answer):
    """A conversation in a list; the keys are the old API's, odd spellings included.

    `assignedName` is left out where nobody is assigned, as observed; `waitingSince` and
    `waitingSinceType`, which were observed but not documented, where nothing tells them.
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
    waitingSince: Instant | None = _absent_if_none()  # noqa: N815
    waitingSinceType: int | None = _absent_if_none()  # noqa: N815
    assignedid: int
    tags: tuple[RowTag, ...]
    assignedName: str | None = _absent_if_none()  # noqa: N815


class DrilldownPage(_Answer):
    """One page of a list of conversations.

    Attributes:
        pages: How many there are; 0 for an empty list.
        page: Which one this is.
        count: Conversations in the whole list.
        results: Those on this page; empty past the end.
    """

    pages: int
    page: int
    count: int
    results: tuple[DrilldownRow, ...]


class Drilldown(_Answer):
    """The answer of `conversations/new-drilldown.json`."""

    conversations: DrilldownPage


class Hour(_Answer):
    """One hour of the week.

    Attributes:
        day: 1 for Monday to 7 for Sunday.
        hour: 0 to 23, by the company's clock.
        count: Conversations created in it.
    """

    day: int
    hour: int
    count: int


class BusyTimes(RootModel[tuple[Hour, ...]]):
    """The answer of `conversations/busy-times.json`: a bare array."""

    model_config = ConfigDict(frozen=True)


class MailboxItem(_Answer):
    """A mailbox in `mailboxes.json`."""

    id: int
    name: str
    slug: str
    email: str
    createdAt: Instant  # noqa: N815
    modifiedAt: Instant  # noqa: N815


class FolderItem(_Answer):
    """A folder in `mailboxes/{id}/folders.json`.

    Attributes:
        type: open, mine, needsattention, drafts, assigned, closed, spam, or what is newer.
        userId: The user or the team whose folder it is, or 0.
    """

    id: int
    name: str
    type: str
    userId: int  # noqa: N815
    totalCount: int  # noqa: N815
    activeCount: int  # noqa: N815
    modifiedAt: Instant  # noqa: N815


class TagItem(_Answer):
    """A tag in `tags.json`.

    Attributes:
        name: What it is called; to some old clients it is known as `tag`.
    """

    id: int
    slug: str
    name: str
    tag: str
    count: int
    color: str
    createdAt: Instant  # noqa: N815
    modifiedAt: Instant  # noqa: N815


Item = TypeVar("Item", MailboxItem, FolderItem, TagItem)


class Envelope(_Answer, Generic[Item]):
    """One page of a list that fills filters."""

    page: int
    pages: int
    count: int
    items: tuple[Item, ...]


Mailboxes = Envelope[MailboxItem]
Folders = Envelope[FolderItem]
Tags = Envelope[TagItem]

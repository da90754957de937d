"""What a report asks of the data, and what it gets: the words that reports and sources share.

A report says what it needs without knowing where it comes from; a source brings it without
knowing what for. Both know only these types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from compat.core.intervals import Interval


class Row(NamedTuple):
    """What counting needs to know of a conversation, as it is at the moment of asking.

    Attributes:
        created: The second of its creation, epoch UTC.
        id: Its id, the same in both versions of the API.
        mailbox: The id of its mailbox.
        folder: The id of its home folder.
        type: `email`, `chat`, `phone`, or what upstream may add.
        status: `active`, `pending`, `closed`, `spam`, or what upstream may add.
        state: `published`, `draft`, `deleted`, `hidden`, or what upstream may add.
        tags: The ids of its tags.
    """

    created: int
    id: int
    mailbox: int
    folder: int
    type: str
    status: str
    state: str
    tags: tuple[int, ...]


class Person(NamedTuple):
    """A customer or a user; id 0 and empty texts where there is none."""

    id: int = 0
    first: str = ""
    last: str = ""
    email: str = ""


class NamedTag(NamedTuple):
    """A tag as it is shown: `color` is what upstream calls it."""

    id: int
    name: str
    color: str


@dataclass(frozen=True)
class Document:
    """A conversation as a list shows it. Instants are epoch seconds UTC.

    Attributes:
        updated: When a user last changed it.
        waiting_since: Since when its customer waits; its creation if nobody does.
        threads: How many threads it has.
    """

    id: int
    number: int
    type: str
    mailbox: int
    subject: str
    status: str
    threads: int
    preview: str
    customer: Person
    assignee: Person
    updated: int
    waiting_since: int
    tags: tuple[NamedTag, ...]


@dataclass(frozen=True)
class ConversationQuery:
    """Conversations created in some windows of time.

    Attributes:
        created: The windows, in epoch seconds UTC, both ends included. They may overlap.
        mailboxes: Only conversations in one of these mailboxes; all of them if empty.
        folders: Only conversations that one of these folders shows; all of them if empty. What a
            folder shows is the source's to know: some folders are views over others.
        spam: Whether conversations marked as spam are needed as well.
    """

    created: tuple[Interval, ...]
    mailboxes: frozenset[int] = frozenset()
    folders: frozenset[int] = frozenset()
    spam: bool = False


class ListItem(NamedTuple):
    """A mailbox, a folder or a tag; fields that it does not have are empty.

    Attributes:
        type: What a folder is, in Mailbox API 2.0's words.
        user: The user whose folder it is, or 0.
        color: A tag's colour, in Mailbox API 2.0's words.
        total: Conversations in it.
        active: Active conversations in it.
        created: The second of its creation, epoch UTC.
        modified: The second of its last change; that of its creation if there was none.
    """

    id: int
    name: str
    slug: str = ""
    email: str = ""
    type: str = ""
    user: int = 0
    color: str = ""
    total: int = 0
    active: int = 0
    created: int = 0
    modified: int = 0


@dataclass(frozen=True)
class ListQuery:
    """All mailboxes, all tags, or all folders of a mailbox.

    Attributes:
        kind: Which of them.
        mailbox: Whose folders.
    """

    kind: Literal["mailboxes", "tags", "folders"]
    mailbox: int = 0


@dataclass(frozen=True)
class ListItems:
    """What a source brings for a menu.

    Attributes:
        items: In upstream's order; None if there is no such mailbox.
        as_of: As of `RowSet`.
        fresh_until: Likewise.
    """

    items: Sequence[ListItem] | None
    as_of: int
    fresh_until: float


@dataclass(frozen=True)
class RowSet:
    """What a source brings for a need.

    Attributes:
        rows: At least the conversations asked for, each once, sorted by creation. Mailboxes and
            folders are already those asked for; all else is for the report to judge.
        as_of: Epoch seconds by upstream's clock: nothing in the rows is older than this.
        fresh_until: Epoch seconds by the local clock: from then on the data is too old to be
            used again.
    """

    rows: Sequence[Row]
    as_of: int
    fresh_until: float


class NotCovered(Exception):
    """Conversations are needed that are not kept, and there is nobody to ask for them.

    Attributes:
        spans: When they were created, in epoch seconds UTC; empty if it is the folders.
        covered: What is kept, likewise.
        folders: Folders that are views, of which nothing is kept.
    """

    def __init__(
        self,
        spans: Sequence[Interval] = (),
        covered: Sequence[Interval] = (),
        folders: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__("the archive does not hold what was asked for")
        self.spans = tuple(spans)
        self.covered = tuple(covered)
        self.folders = folders


@dataclass
class Progress:
    """How far the fetching for one question has come; also the way to call it off.

    One thread writes at a time; others may read at any time.

    Attributes:
        expected: Rows known to be asked for so far.
        taken: Rows received so far.
        check: Raises to call the work off; called before each request.
    """

    check: Callable[[], None] = field(default=lambda: None, repr=False)
    expected: int = 0
    received: int = 0


@dataclass(frozen=True)
class SourceStats:
    """What a source can tell of its own work.

    Attributes:
        requests: How many requests ended how, since the source was made.
        rate_left: Requests left to the account's programs together, as last told by upstream;
            None before it told.
        rows: How many conversations are remembered.
    """

    requests: Mapping[str, int] = field(default_factory=dict)
    rate_left: int | None = None
    rows: int = 0


@runtime_checkable
class SourceWithStats(Protocol):
    """A source that keeps figures; not every one does."""

    def stats(self) -> SourceStats:
        """The figures as they are now."""


class Source(Protocol):
    """Where conversations come from; safe to share between threads."""

    @property
    def ready(self) -> bool:
        """Whether a question asked now has a chance."""

    def rows(self, need: ConversationQuery, progress: Progress) -> RowSet:
        """Bring the conversations that a report needs."""

    def list_items(self, menu: ListQuery) -> ListItems:
        """Bring the mailboxes, tags or folders that a menu shows."""

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        """A few conversations in full, in the order of their ids given; gone ones left out."""

    def rate_limit_wait(self) -> float:
        """Seconds for which a rate limit holds everything up; usually zero."""

    def close(self) -> None:
        """Give up what is under way and let go of all connections."""

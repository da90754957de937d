"""Queries that reports send to sources, and what sources return.

Reports and sources know these types and nothing of each other: a report does not know where its
data is loaded from, and a source does not know which report needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final, Literal, NamedTuple, Protocol, Self, runtime_checkable

from compat.core.intervals import Interval


class Row(NamedTuple):
    """The fields of a conversation that counting needs, as they are now.

    A field that may be None is unknown then: Mailbox API 2.0 did not show it.

    Attributes:
        created: When it was created, epoch seconds UTC.
        id: Its id, the same in both versions of the API.
        mailbox: The id of its mailbox.
        folder: The id of its home folder.
        type: `email`, `chat`, `phone`, or a type that is new in Mailbox API 2.0.
        status: `active`, `pending`, `closed`, `spam`, or a new one.
        state: `published`, `draft`, `deleted`, `hidden`, or a new one.
        tags: The ids of its tags.
    """

    created: int
    id: int
    mailbox: int | None
    folder: int | None
    type: str | None
    status: str
    state: str
    tags: tuple[int, ...] | None


UNKNOWN_RATING: Final = -1
"""The value of a rating that is none of those that are known."""


class Rating(NamedTuple):
    """What a customer said of a reply. Upstream does not show when.

    Attributes:
        value: 1 great, 2 okay, 3 not good; `UNKNOWN_RATING` if upstream shows another one.
        customer: The id of the customer who rated; 0 if unknown.
        customer_name: First and last name of that customer, or the e-mail address of one without a
            name; empty if unknown, or not kept.
        user_name: First and last name of who wrote the reply; empty if unknown, or not kept.
        comments: What the customer wrote with the rating; empty if nothing, or not kept.
    """

    value: int
    customer: int = 0
    customer_name: str = ""
    user_name: str = ""
    comments: str = ""


class Thread(NamedTuple):
    """What counting needs of one thread of a conversation; its text is not among it.

    Attributes:
        created: When it was created, epoch seconds UTC.
        id: Its id. It stays the same if conversations are merged.
        type: `customer`, `message` (a reply of a user), `note`, `lineitem`, `phone`, `chat`,
            `beaconchat`, `forwardparent`, `forwardchild`, or a type that is newer; empty if
            unknown.
        state: `published`, `draft`, `hidden`, `review`, or a newer one; empty where upstream has
            none. Line items have none; of others it is unknown then.
        status: The status of the conversation after this thread; None if the thread did not
            change it (`nochange`), or upstream does not show it.
        by: `customer` or `user`: what its author is; empty if unknown.
        author: The id of its author; 0 if unknown.
        customer: The id of the customer it belongs to; 0 if none.
        action: The type of its action, such as `default`, `imported`, `manual-workflow`.
        source: The type of its source, such as `email`, `web`, `api`, `workflows`.
        saved_reply: The id of the saved reply it was made from; 0 if none.
        rating: What the customer said of it; None if nothing.
        attachments: Whether it has attachments.
    """

    created: int
    id: int
    type: str
    state: str = "published"
    status: str | None = None
    by: str = ""
    author: int = 0
    customer: int = 0
    action: str = ""
    source: str = ""
    saved_reply: int = 0
    rating: Rating | None = None
    attachments: bool = False


class Activity(NamedTuple):
    """A conversation with its threads, as both were at one time.

    Attributes:
        row: The fields that filters need.
        threads: All of its threads, sorted by creation and id.
        customer: The id of its customer; 0 if unknown.
        created_by: The id of the user who began it; 0 if a customer did, or it is unknown.
        closed: When it was last closed, epoch seconds UTC; None if it never was, or upstream does
            not show it.
        closed_by: The id of the user who last closed it; 0 if nobody did.
        number: The number that users see; 0 if upstream does not show it.
    """

    row: Row
    threads: tuple[Thread, ...]
    customer: int = 0
    created_by: int = 0
    closed: int | None = None
    closed_by: int = 0
    number: int = 0


UPSTREAM_KEYS: Final[Mapping[str, str]] = {
    "mailbox": "mailboxId",
    "folder": "folderId",
    "type": "type",
    "tags": "tags",
}
"""The fields of a row that may be unknown, and the keys of Mailbox API 2.0 that have them."""


def in_order_of_creation(rows: Iterable[Row]) -> list[Row]:
    """Rows sorted by creation and id."""
    return sorted(rows, key=itemgetter(0, 1))


class UnknownValue(Exception):
    """A query needs a value that Mailbox API 2.0 did not show of a conversation, or of a thread.

    Attributes:
        conversation: The id of the conversation.
        key: The key of Mailbox API 2.0 that is missing, or has no known value.
    """

    def __init__(self, message: str, *, conversation: int = 0, key: str = "") -> None:
        super().__init__(message)
        self.conversation = conversation
        self.key = key

    @classmethod
    def of(cls, conversation: int, field: str) -> Self:
        """The error about a field of a row."""
        key = UPSTREAM_KEYS[field]
        return cls(
            f"Help Scout does not show `{key}` of conversation {conversation}, and this question "
            "filters by it",
            conversation=conversation,
            key=key,
        )

    @classmethod
    def of_thread(cls, conversation: int, thread: Thread, key: str) -> Self:
        """The error about a key of a thread."""
        return cls(
            f"Help Scout shows no known `{key}` of thread {thread.id} of conversation "
            f"{conversation}, and this question needs it",
            conversation=conversation,
            key=key,
        )


class Person(NamedTuple):
    """A customer or a user. Without one, the id is 0 and the texts are empty."""

    id: int = 0
    first: str = ""
    last: str = ""
    email: str = ""


class NamedTag(NamedTuple):
    """A tag of a conversation; `color` is the value that Mailbox API 2.0 uses."""

    id: int
    name: str
    color: str


@dataclass(frozen=True)
class Document:
    """A conversation with the fields that lists of conversations show.

    Attributes:
        threads: How many threads it has.
        updated: When a user last changed it, epoch seconds UTC.
        waiting_since: Since when the customer has waited, epoch seconds UTC; the creation of the
            conversation if the customer does not wait.
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
    """Conversations created in some intervals.

    Attributes:
        created: The intervals of creation time. They may overlap.
        mailboxes: Only conversations in one of these mailboxes; in all if empty.
        folders: Only conversations that one of these folders shows; all if empty. The source
            decides what a folder shows, because some folders are views of other folders.
        spam: Whether conversations marked as spam are needed as well.
    """

    created: tuple[Interval, ...]
    mailboxes: frozenset[int] = frozenset()
    folders: frozenset[int] = frozenset()
    spam: bool = False

    def admits(self, row: Row) -> bool:
        """Whether a row is in the mailboxes and home folders of the query, or may be."""
        in_mailbox = not self.mailboxes or row.mailbox is None or row.mailbox in self.mailboxes
        return in_mailbox and (not self.folders or row.folder is None or row.folder in self.folders)

    def undecided(self, rows: Iterable[Row]) -> dict[int, str]:
        """The rows of which nobody can say whether the query admits them.

        Returns:
            The name of the field that is unknown, by the row's id.
        """
        found: dict[int, str] = {}
        if self.folders:
            found |= {row.id: "folder" for row in rows if row.folder is None}
        if self.mailboxes:
            found |= {row.id: "mailbox" for row in rows if row.mailbox is None}
        return found


@dataclass(frozen=True)
class ActivityQuery:
    """Conversations with a thread created in some intervals, with all of their threads.

    A source may return more conversations than `users` and `rated` ask for.

    Attributes:
        touched: The intervals of thread time. They may overlap.
        mailboxes: As in `ConversationQuery`.
        folders: As in `ConversationQuery`.
        types: Only conversations of one of these types need complete threads; all if empty.
        tags: Only conversations with one of these tags need complete threads; all if empty.
        spam: As in `ConversationQuery`.
        users: Only conversations that one of these users began, wrote a thread of, or last closed,
            at any time; all if empty.
        rated: Whether only conversations are needed that have a thread with a rating created in
            the intervals.
    """

    touched: tuple[Interval, ...]
    mailboxes: frozenset[int] = frozenset()
    folders: frozenset[int] = frozenset()
    types: frozenset[str] = frozenset()
    tags: frozenset[int] = frozenset()
    spam: bool = False
    users: frozenset[int] = frozenset()
    rated: bool = False


class ListItem(NamedTuple):
    """A mailbox, a folder, a tag, a user or a team. Fields that it does not have are empty or 0.

    Attributes:
        name: Its name; of a user, the first name.
        type: The type of a folder, as Mailbox API 2.0 names it; `user` or `team`.
        user: The id of the user or team that owns the folder, or 0.
        color: The colour of a tag, as Mailbox API 2.0 names it.
        total: How many conversations it holds.
        active: How many active conversations it holds.
        created: When it was created, epoch seconds UTC.
        modified: When it was last changed, epoch seconds UTC; `created` if it never was.
        last: The last name of a user.
        role: The role of a user, such as `owner`, `admin`, `user`.
        timezone: The time zone of a user or a team, such as `Europe/Rome`.
        photo: The address of the picture of a user or a team.
        company: The id of the company, of the user to whom the credentials belong.
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
    last: str = ""
    role: str = ""
    timezone: str = ""
    photo: str = ""
    company: int = 0


ListKind = Literal[
    "mailboxes", "folders", "mailbox_users", "tags", "users", "me", "teams", "members"
]
"""A list: `mailbox_users` are the users who may see a mailbox, `me` is the one user to whom the
credentials belong, `members` are the users of a team."""

USER_LISTS: Final[frozenset[ListKind]] = frozenset({"mailbox_users", "users", "me", "members"})
"""The lists whose items are users."""


@dataclass(frozen=True)
class ListQuery:
    """A whole list, or one item of it.

    Attributes:
        kind: Which list.
        parent: The id of the mailbox of `folders` and `mailbox_users`, or of the team of `members`.
        item: The id of the only item that is needed; None for the whole list.
    """

    kind: ListKind
    parent: int = 0
    item: int | None = None


@dataclass(frozen=True)
class ListItems:
    """A source's answer to a list query.

    Attributes:
        items: In the order of Mailbox API 2.0; None if there is no such item, mailbox or team.
        as_of: As in `RowSet`.
        fresh_until: As in `RowSet`.
    """

    items: Sequence[ListItem] | None
    as_of: int
    fresh_until: float


@dataclass(frozen=True)
class ListSet:
    """The lists that an answer is made of.

    Attributes:
        lists: The items of each list, in the order of the queries.
        as_of: As in `RowSet`.
        fresh_until: As in `RowSet`.
    """

    lists: Sequence[Sequence[ListItem]]
    as_of: int
    fresh_until: float


@dataclass(frozen=True)
class RowSet:
    """A source's answer to a conversation query.

    Attributes:
        rows: At least the requested conversations, each once, sorted by creation. They are
            filtered by mailbox and folder already; the report applies all other filters.
        as_of: The age of the oldest part of the data: epoch seconds by upstream's clock.
        fresh_until: From when on the data is too old to be used again: epoch seconds by the
            local clock.
        undecided: Those of the rows that may be in another mailbox or folder, with the name of
            the field that is unknown, by id. A report that would count one of them fails.
    """

    rows: Sequence[Row]
    as_of: int
    fresh_until: float
    undecided: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ActivitySet:
    """A source's answer to an activity query.

    Attributes:
        activities: At least the requested conversations, each once; spam may be among them. They
            are filtered by mailbox and folder already. Those that the query's types and tags
            leave out may have incomplete threads.
        as_of: As in `RowSet`: every thread created up to this second is known.
        fresh_until: As in `RowSet`.
        undecided: As in `RowSet`.
    """

    activities: Sequence[Activity]
    as_of: int
    fresh_until: float
    undecided: Mapping[int, str] = field(default_factory=dict)


Obstacle = Literal["threads not kept", "older not kept", "older not read"]
"""Why an archive does not know all threads of any time: it keeps none; or conversations created
before some second are not kept, or were never read, and those of any age can have newer threads."""


class NotCovered(Exception):
    """The archive does not hold the data of a query, and upstream must not be asked.

    Attributes:
        missing: The intervals that are missing, of creation time, or of thread time for an
            activity query; empty if folders are the reason.
        covered: The intervals that the archive does hold.
        folders: Requested folders that are views, which the archive cannot answer.
        obstacle: Why no threads are covered, if something else than a run of `sync` is lacking.
        unread: The id of a conversation whose threads are not known completely, so that none are
            covered; 0 if that is not the reason.
        unknown_list: The list that was never stored; None if that is not the reason.
    """

    def __init__(
        self,
        missing: Sequence[Interval] = (),
        covered: Sequence[Interval] = (),
        *,
        folders: frozenset[int] = frozenset(),
        obstacle: Obstacle | None = None,
        unread: int = 0,
        unknown_list: ListQuery | None = None,
    ) -> None:
        super().__init__("the archive does not hold what was asked for")
        self.missing = tuple(missing)
        self.covered = tuple(covered)
        self.folders = folders
        self.obstacle = obstacle
        self.unread = unread
        self.unknown_list = unknown_list


@dataclass
class Progress:
    """How far the fetching for one query has come, and a way to cancel it.

    One thread writes at a time; other threads may read at any time.

    Attributes:
        check: Called before each request; raises an exception to cancel the work.
        expected: How many rows are expected, as far as known.
        received: How many rows were received so far.
        pages: On how many pages they were, one for each request.
        rounds_left: How often, at least, what is expected is fetched again after this time.
    """

    check: Callable[[], None] = field(default=lambda: None, repr=False)
    expected: int = 0
    received: int = 0
    pages: int = 0
    rounds_left: int = 0

    @property
    def pages_left(self) -> float | None:
        """How many pages are still to be received, roughly; None if that is not known yet."""
        if not self.received:
            return None
        expected = self.expected * (1 + self.rounds_left)
        return max(expected - self.received, 0) * self.pages / self.received


@dataclass(frozen=True)
class SourceStats:
    """Statistics of a source since it was created.

    Attributes:
        requests: How many requests to Mailbox API 2.0 had which outcome.
        rate_left: How many requests the account has left in the current minute, by upstream's
            latest response; None before the first response.
        rows: How many conversations are in the row cache.
        archive_as_of: The state of upstream that the archive has of the newest conversations, epoch
            seconds UTC; None if there is no archive, or it is empty or fails.
        threads_as_of: The same for its threads; None also if it does not know all of any time.
    """

    requests: Mapping[str, int] = field(default_factory=dict)
    rate_left: int | None = None
    rows: int = 0
    archive_as_of: int | None = None
    threads_as_of: int | None = None


@runtime_checkable
class SourceWithStats(Protocol):
    """A source that has statistics; not every source has."""

    def stats(self) -> SourceStats:
        """The statistics as they are now."""


@runtime_checkable
class SourceWithCheck(Protocol):
    """A source that can check whether it would answer."""

    def check(self) -> None:
        """Send at most one request, once; raises the error that a query would meet."""


class MissingTexts(NamedTuple):
    """Which texts a source leaves empty, because an archive does not keep them.

    Attributes:
        conversations: Subjects, previews, names and addresses in conversations and lists.
        ratings: The names and comments of ratings.
    """

    conversations: bool = False
    ratings: bool = False


@runtime_checkable
class SourceWithMissingTexts(Protocol):
    """A source that may leave texts empty; not every source does."""

    def missing_texts(self) -> MissingTexts:
        """Which texts it leaves empty now."""


class Source(Protocol):
    """Loads the data of one account; safe to share between threads."""

    @property
    def ready(self) -> bool:
        """Whether a query sent now can be answered."""

    def rows(self, query: ConversationQuery, progress: Progress) -> RowSet:
        """Load conversations for counting."""

    def activity(self, query: ActivityQuery, progress: Progress) -> ActivitySet:
        """Load conversations with their threads.

        Raises:
            NotCovered: The source does not know the threads of that time.
        """

    def list_items(self, query: ListQuery) -> ListItems:
        """Load a list, or one item of it."""

    def documents(self, ids: Sequence[int], progress: Progress) -> Sequence[Document]:
        """A few conversations in full, in the order of `ids`; deleted ones are left out."""

    def seconds_for(self, pages: float, others: float = 0.0, /) -> float:
        """An estimate of the seconds in which so many more pages of a query are fetched.

        Args:
            pages: How many pages. For none it is how long the rate limit delays the next request.
            others: How many pages of other queries are fetched at the same time.
        """

    def close(self) -> None:
        """Cancel the work in progress and close all connections."""

"""A conversation as the archive stores it, and the layers of coverage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from compat.core.models import Row, Thread
from compat.upstream import is_by_user, to_row, to_threads
from compat.v2.errors import MalformedData
from compat.v2.models import FullConversation, PersonId, waiting_time, whole_second
from compat.v2.threads import ConversationWithThreads

LAYERS: Final = ("spam", "all", "spam-again")
"""The lists that have to be read, in this order, before an interval is covered. Whether the list of
`all` conversations shows spam is not documented. A conversation that is marked as spam, or
unmarked, in the meantime is still seen in one of the three."""

INDEX_LAG: Final = 900
"""Seconds that upstream's search index may be behind. A list does not reliably show what was
created or modified less than this before it was requested."""

THREADS_KNOWN: Final = "threads known"
"""The name of the note that says since when all threads are known as they were at one time: those
of all conversations, after a run that began to read what was modified in this second, epoch UTC by
upstream's clock."""

RECENT_THREADS: Final = "recent threads known"
"""The name of the note with which a first fill says that it knows recent threads, before it knows
all: `since`, the first second of creation of these threads, and `as_of`, when it began to read what
was modified since then; both epoch UTC by upstream's clock."""


@dataclass(frozen=True, slots=True)
class ShownThreads:
    """The threads of a conversation as upstream showed them.

    Attributes:
        threads: The threads, sorted by creation and id.
        complete: Whether these are all. Embedded threads of chats may not be.
        seen: When they were requested, epoch seconds by upstream's clock.
        modified: Whether upstream listed the conversation as modified. If not, and nothing of it
            looks changed, threads that are not shown are as they were.
        current: Whether upstream showed the conversation by itself, and so as it was then. A list
            may show an old state.
    """

    threads: tuple[Thread, ...]
    complete: bool
    seen: int
    modified: bool = False
    current: bool = False

    def proves_absence_of(self, held: Iterable[Thread]) -> bool:
        """Whether all threads are known, and those that are held and not shown are gone."""
        shown = {each.id for each in self.threads}
        return self.complete and (self.current or all(each.id in shown for each in held))

    def adds_nothing_to(self, held: Iterable[Thread]) -> bool:
        """Whether nothing suggests that the threads are others than those that are held."""
        return not (self.complete or self.modified) and set(self.threads) <= set(held)


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """A conversation as an answer of API 2.0 showed it. Instants are epoch seconds UTC.

    Attributes:
        row: What counting needs of it.
        seen: When that answer was requested, by upstream's clock.
        number: The number that Help Scout's users see.
        closed: When it was last closed; None if never.
        closed_by: The user who closed it, or 0.
        created_by: Who created it, a user or a customer, or 0.
        customer: Its primary customer, or 0.
        assignee: The user it is assigned to, or 0.
        threads: How many threads it has.
        updated: When a user last changed it; None if unknown.
        waiting_since: Since when its customer waits; None if unknown.
        by_user: 1 if a user created it; 0 if a customer did, or it is unknown.
        document: The JSON as received; None if it is not to be stored.
        shown: Its threads; None if they were not requested.
    """

    row: Row
    seen: int
    number: int = 0
    closed: int | None = None
    closed_by: int = 0
    created_by: int = 0
    customer: int = 0
    assignee: int = 0
    threads: int = 0
    updated: int | None = None
    waiting_since: int | None = None
    by_user: int = 0
    document: bytes | None = None
    shown: ShownThreads | None = None


def to_record(
    conversation: FullConversation, seen: int, *, modified: bool, current: bool
) -> ConversationRecord:
    """The record of a conversation from API 2.0.

    Args:
        conversation: As an answer showed it.
        seen: When that answer was requested, epoch seconds by upstream's clock.
        modified: Whether that answer was a list of what was modified.
        current: Whether that answer was about this conversation alone.
    """
    waiting = waiting_time(conversation.waiting_since)
    closed, updated = conversation.closed_at, conversation.updated_at
    return ConversationRecord(
        row=to_row(conversation),
        seen=seen,
        number=conversation.number or 0,
        closed=whole_second(closed) if closed else None,
        closed_by=conversation.closed_by or 0,
        created_by=_id(conversation.created_by),
        customer=_id(conversation.customer),
        assignee=_id(conversation.assignee),
        threads=conversation.threads or 0,
        updated=whole_second(updated) if updated else None,
        waiting_since=whole_second(waiting) if waiting else None,
        by_user=int(is_by_user(conversation.created_by)),
        document=conversation.document or None,
        shown=_shown_threads(conversation, seen, modified=modified, current=current),
    )


def _shown_threads(
    conversation: FullConversation, seen: int, *, modified: bool, current: bool
) -> ShownThreads | None:
    if not isinstance(conversation, ConversationWithThreads):
        return None
    try:
        threads = to_threads(conversation.id, conversation.shown_threads)
    except MalformedData:  # the list of its threads may be readable, and else names the thread
        return ShownThreads((), complete=False, seen=seen, modified=True)
    return ShownThreads(threads, conversation.are_all_shown, seen, modified, current)


def _id(person: PersonId | None) -> int:
    return (person and person.id) or 0

"""What a report asks of the data, and what it gets: the words that reports and sources share.

A report says what it needs without knowing where it comes from; a source brings it without
knowing what for. Both know only these types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from compat.coverage import Span


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


@dataclass(frozen=True)
class Need:
    """Conversations created in some windows of time.

    Attributes:
        created: The windows, in epoch seconds UTC, both ends included. They may overlap.
        mailboxes: Only conversations in one of these mailboxes; all of them if empty.
        folders: Only conversations that one of these folders shows; all of them if empty. What a
            folder shows is the source's to know: some folders are views over others.
        spam: Whether conversations marked as spam are needed as well.
    """

    created: tuple[Span, ...]
    mailboxes: frozenset[int] = frozenset()
    folders: frozenset[int] = frozenset()
    spam: bool = False


@dataclass(frozen=True)
class Found:
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
    taken: int = 0


class Source(Protocol):
    """Where conversations come from; safe to share between threads."""

    @property
    def ready(self) -> bool:
        """Whether a question asked now has a chance."""

    def rows(self, need: Need, progress: Progress) -> Found:
        """Bring the conversations that a report needs."""

    def held(self) -> float:
        """Seconds for which a rate limit holds everything up; usually zero."""

    def close(self) -> None:
        """Give up what is under way and let go of all connections."""

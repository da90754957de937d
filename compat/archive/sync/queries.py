"""What an archive holds, and what earlier runs noted in it: for synchronisation and sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from compat.archive import schema
from compat.archive.connections import sa
from compat.archive.reader import Snapshot
from compat.core.intervals import Interval

ALL_LISTS_SPAM: Final = "all lists spam"
"""The name of the note that says whether upstream's list of `all` shows spam."""

ACCEPTED_OFFSETS: Final = "accepted offsets"
"""The name of the note that holds the accepted offsets."""

NOT_STORED: Final = "not stored"
"""The name of the note that holds conversations whose ids are too large for databases: pairs of
an id and the second of creation. A second that was covered since holds none any more."""

ALL_MAILBOXES: Final = 0
"""In place of a mailbox's id: conversations of all mailboxes, listed or not."""

_ROW = schema.conversation.c


class Part(NamedTuple):
    """A part of the archive's conversations.

    Attributes:
        interval: Those created in these seconds.
        mailbox: Those of this mailbox; of any if None.
        spam: Those that are spam, or are not; either if None.
    """

    interval: Interval
    mailbox: int | None = None
    spam: bool | None = None

    def where(self) -> list[sa.ColumnElement[bool]]:
        """The same as conditions of a query."""
        conditions: list[sa.ColumnElement[bool]] = [
            _ROW.created.between(self.interval.first, self.interval.last)
        ]
        if self.mailbox is not None:
            conditions.append(_ROW.mailbox == self.mailbox)
        if self.spam is not None:
            conditions.append(_ROW.status == "spam" if self.spam else _ROW.status != "spam")
        return conditions


class Offset(NamedTuple):
    """By how many conversations upstream's total exceeds what its list shows.

    Attributes:
        mailbox: The list's mailbox, or `ALL_MAILBOXES`.
        spam: Whether it is the list of spam; else that of `all`.
        first: The first second of creation that the offset belongs to.
        last: The last second; None if the offset belongs to no part of the interval that begins
            at `first`, but only to its total.
        rows: The number of conversations; negative if the total is too low.
    """

    mailbox: int
    spam: bool
    first: int
    last: int | None
    rows: int


def count_by_mailbox(snapshot: Snapshot) -> dict[int, int]:
    """How many conversations the archive holds of each mailbox that is known."""
    query = sa.select(_ROW.mailbox, sa.func.count().label("many")).group_by(_ROW.mailbox)
    known = query.where(_ROW.mailbox.is_not(None)).order_by(_ROW.mailbox)
    found = snapshot.execute(known).mappings()
    return {each["mailbox"]: each["many"] for each in found}


def count(snapshot: Snapshot, part: Part) -> int:
    """How many conversations the archive holds of a part."""
    query = sa.select(sa.func.count()).select_from(schema.conversation).where(*part.where())
    return int(snapshot.execute(query).scalar_one())


def not_seen_since(snapshot: Snapshot, part: Part, since: int) -> list[int]:
    """The ids of conversations that were last seen before a second, sorted by creation and id."""
    query = sa.select(_ROW.id).where(*part.where(), _ROW.seen < since)
    return list(snapshot.execute(query.order_by(_ROW.created, _ROW.id)).scalars())


def creation_of_nth(snapshot: Snapshot, part: Part, n: int) -> int | None:
    """The second of creation of the conversation that n others follow; None if there is none."""
    query = sa.select(_ROW.created).where(*part.where()).order_by(_ROW.created.desc())
    return snapshot.execute(query.offset(n).limit(1)).scalar()


def newest_window(snapshot: Snapshot, interval: Interval, rows: int) -> Interval:
    """The end of an interval in which about so many conversations were created."""
    before = creation_of_nth(snapshot, Part(interval), rows)
    return interval if before is None else Interval(min(before + 1, interval.last), interval.last)


def has_unread_threads(snapshot: Snapshot, interval: Interval) -> bool:
    """Whether the threads of a conversation created in an interval are not known completely."""
    created = schema.unread_threads.c.created
    within = sa.select(created).where(created.between(*interval)).limit(1)
    return snapshot.execute(within).first() is not None


def unread_seen_since(snapshot: Snapshot, since: int) -> list[int]:
    """The ids of conversations that were seen in a second or later, with unread threads."""
    unread = schema.unread_threads.c.conversation
    both = schema.unread_threads.join(schema.conversation, _ROW.id == unread)
    query = sa.select(unread).select_from(both).where(_ROW.seen >= since)
    return list(snapshot.execute(query).scalars())


def all_lists_spam(snapshot: Snapshot) -> bool | None:
    """Whether upstream's list of `all` shows spam; None if no run has found out."""
    shown: bool | None = snapshot.get_note(ALL_LISTS_SPAM)
    return shown


def not_stored(snapshot: Snapshot) -> dict[int, int]:
    """The conversations that runs could not store, and when each was created, epoch seconds UTC."""
    return dict(snapshot.get_note(NOT_STORED) or ())


def accepted_offsets(snapshot: Snapshot) -> list[Offset]:
    """The differences between totals and lists that earlier runs found to last."""
    return offsets_from_note(snapshot.get_note(ACCEPTED_OFFSETS))


def offsets_from_note(note: Iterable[Sequence[int]] | None) -> list[Offset]:
    """The offsets that a note holds; none without a note."""
    return [Offset(mailbox, bool(spam), *rest) for mailbox, spam, *rest in note or ()]


def offsets_within(offsets: Iterable[Offset], interval: Interval, *, spam: bool) -> list[Offset]:
    """The offsets in an interval, of its parts and of its total, for all mailboxes.

    Args:
        offsets: The offsets.
        interval: The interval, in seconds of creation.
        spam: Whether those of the lists of spam are asked for; else those of `all`.
    """
    return [
        each
        for each in offsets
        if each.spam is spam
        and interval.first <= each.first
        and (each.last or interval.last) <= interval.last
    ]

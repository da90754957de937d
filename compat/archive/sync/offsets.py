"""Differences between upstream's totals and its rows that last, and are accepted; pure.

What could be narrowed down belongs to a stretch of time. What is left is the list's rest: its
total differs, and that of no part of it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from compat.core.intervals import Interval
from compat.v2.search import Selection

NOTE: Final = "accepted offsets"
"""The note that they are kept in."""


EVERY: Final = 0
"""In the place of a mailbox's id: conversations of all mailboxes, listed or not."""


class Compared(NamedTuple):
    """One list that is compared. `spam` says whether it is that of spam, or of all."""

    mailbox: int
    spam: bool

    def selection(self) -> Selection:
        """The same for upstream."""
        mailboxes = () if self.mailbox == EVERY else (self.mailbox,)
        return Selection(mailboxes, status="spam" if self.spam else "all")


class Offset(NamedTuple):
    """By how many rows upstream's total exceeds what it shows.

    Attributes:
        last: The last second of the stretch; None for the rest of all that begins at `first`.
    """

    mailbox: int
    spam: bool
    first: int
    last: int | None
    rows: int


def read(note: Iterable[Sequence[int]] | None) -> list[Offset]:
    """The offsets in a note."""
    return [Offset(mailbox, bool(spam), *rest) for mailbox, spam, *rest in note or ()]


def within(offsets: Iterable[Offset], compared: Compared, span: Interval) -> int:
    """The sum of the offsets of parts of a span."""
    return sum(each.rows for each in offsets if _inside(each, compared, span))


def rest(offsets: Iterable[Offset], compared: Compared, span: Interval) -> int:
    """The offset of a span that belongs to no part of it."""
    return sum(each.rows for each in offsets if _is_rest(each, compared, span))


def inside(offsets: Iterable[Offset], span: Interval, *, spam: bool) -> list[Offset]:
    """The offsets in a span of all mailboxes, of parts of it and of its rest."""
    return [
        each
        for each in offsets
        if each.spam is spam and span.first <= each.first and (each.last or span.last) <= span.last
    ]


def with_part(
    offsets: Iterable[Offset], compared: Compared, span: Interval, rows: int
) -> list[Offset]:
    """The offsets once a span has one of so many rows, in place of those within it."""
    kept = [each for each in offsets if not _inside(each, compared, span)]
    return sorted([*kept, *([Offset(*compared, *span, rows)] if rows else [])], key=repr)


def with_rest(
    offsets: Iterable[Offset], compared: Compared, span: Interval, rows: int
) -> list[Offset]:
    """The offsets once the rest of a span is so many rows."""
    kept = [each for each in offsets if not _is_rest(each, compared, span)]
    fresh = [Offset(*compared, span.first, None, rows)] if rows else []
    return sorted([*kept, *fresh], key=repr)


def clear_of(offsets: Iterable[Offset], compared: Compared, span: Interval, cut: int) -> int | None:
    """A cut near one that goes through no stretch with an offset; None if there is none."""
    for each in offsets:
        inside = _inside(each, compared, span)
        if inside and each.last is not None and each.first <= cut < each.last:
            cut = each.first - 1 if each.first > span.first else each.last
    return cut if span.first <= cut < span.last else None


def _inside(offset: Offset, compared: Compared, span: Interval) -> bool:
    return (
        (offset.mailbox, offset.spam) == compared
        and offset.last is not None
        and span.first <= offset.first
        and offset.last <= span.last
    )


def _is_rest(offset: Offset, compared: Compared, span: Interval) -> bool:
    return (
        (offset.mailbox, offset.spam) == compared
        and offset.last is None
        and offset.first == span.first
    )

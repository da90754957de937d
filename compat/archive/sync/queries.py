"""What a run asks the archive of its own rows."""

from __future__ import annotations

from typing import NamedTuple

from compat.archive import schema
from compat.archive.connections import sa
from compat.archive.reader import Snapshot
from compat.core.intervals import Interval

_ROW = schema.conversation.c


class Part(NamedTuple):
    """Conversations of one mailbox that are spam, or are not, or either, created in a span."""

    interval: Interval
    mailbox: int | None = None
    spam: bool | None = None

    def where(self) -> list[sa.ColumnElement[bool]]:
        """The same as conditions."""
        chosen: list[sa.ColumnElement[bool]] = [
            _ROW.created.between(self.interval.first, self.interval.last)
        ]
        if self.mailbox is not None:
            chosen.append(_ROW.mailbox == self.mailbox)
        if self.spam is not None:
            chosen.append(_ROW.status == "spam" if self.spam else _ROW.status != "spam")
        return chosen


def mailboxes(snapshot: Snapshot) -> dict[int, int]:
    """How many conversations there are of each mailbox."""
    query = sa.select(_ROW.mailbox, sa.func.count().label("many")).group_by(_ROW.mailbox)
    found = snapshot.execute(query.order_by(_ROW.mailbox)).mappings()
    return {each["mailbox"]: each["many"] for each in found}


def held(snapshot: Snapshot, part: Part) -> int:
    """How many conversations there are."""
    query = sa.select(sa.func.count()).select_from(schema.conversation).where(*part.where())
    return int(snapshot.execute(query).scalar_one())


def unseen(snapshot: Snapshot, part: Part, since: int) -> list[int]:
    """The ids of those that were last seen before a second."""
    query = sa.select(_ROW.id).where(*part.where(), _ROW.seen < since)
    return list(snapshot.execute(query.order_by(_ROW.created, _ROW.id)).scalars())


def nth(snapshot: Snapshot, part: Part, rows: int) -> int | None:
    """The second in which the conversation was created that has so many younger ones."""
    query = sa.select(_ROW.created).where(*part.where()).order_by(_ROW.created.desc())
    return snapshot.execute(query.offset(rows).limit(1)).scalar()


def newest(snapshot: Snapshot, span: Interval, rows: int) -> Interval:
    """The end of a span in which about so many conversations were created, at least a second."""
    before = nth(snapshot, Part(span), rows)
    return span if before is None else Interval(min(before + 1, span.last), span.last)

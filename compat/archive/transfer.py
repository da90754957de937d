"""Conversations carried out of an archive and into another, as JSON lines.

A line is a conversation as Mailbox API 2.0's list shows it. Where no document is kept, it holds
what counting needs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError

from compat.archive import schema
from compat.archive.database import Archive
from compat.archive.locks import SyncLock
from compat.archive.reader import Snapshot, tags_of
from compat.archive.records import LAYERS, MARGIN
from compat.archive.sql import sa
from compat.archive.sync import queries
from compat.archive.sync.queries import Part
from compat.archive.sync.session import sighting_of
from compat.core.intervals import Coverage, Interval
from compat.v2.models import ConversationWithDocument
from compat.v2.pagination import creation_second
from compat.v2.search import format_timestamp

_BATCH: Final = 500


class CannotImport(Exception):
    """A file cannot be taken in; the text says where and why."""


def export(snapshot: Snapshot) -> Iterator[bytes]:
    """All conversations of one state, the oldest first, a line each."""
    table = schema.conversation
    after = (-(1 << 62), 0)
    key = sa.tuple_(table.c.created, table.c.id)
    query = sa.select(table).order_by(table.c.created, table.c.id).limit(_BATCH)
    while found := snapshot.ask(query.where(key > after)).all():
        kept = snapshot.raw_documents([row.id for row in found])
        for row in found:
            yield (kept.get(row.id) or _facts(row)) + b"\n"
        after = (found[-1].created, found[-1].id)


def take_in(
    archive: Archive, lock: SyncLock, lines: Iterable[bytes], covers: tuple[int, int], as_of: int
) -> int:
    """Take in what was exported, or fetched elsewhere: all of it, or nothing.

    Args:
        archive: Where to.
        lock: The lock on it.
        lines: Conversations, a line each.
        covers: What was created from this second to that is all in the lines.
        as_of: The second as of which that is so, epoch UTC.

    Returns:
        How many conversations were new to the archive, or newer than there.

    Raises:
        CannotImport: A line is no conversation, or was created elsewhere; or the archive holds
            conversations that the lines would have to show.
    """
    span = Interval(*covers)
    if span.last > as_of - MARGIN:
        raise CannotImport(
            f"nothing later than {MARGIN // 60} minutes before --as-of can be covered: what is "
            "younger may not have been in upstream's index yet"
        )
    numbered = enumerate(lines, 1)
    with archive.reading() as snapshot:
        missing = set(queries.unseen(snapshot, Part(span), as_of))
    changed = 0
    with archive.writing(lock) as writer:
        while some := list(islice(numbered, _BATCH)):
            read = [_read(line, number, span) for number, line in some if line.strip()]
            changed += writer.see([sighting_of(each, as_of) for each in read])
            missing.difference_update(each.id for each in read)
        if missing:
            raise CannotImport(
                f"the archive holds {len(missing):,} conversations that were created in --covers, "
                "were seen before --as-of and are not in the file: it is not all, or they are "
                "gone; import it into an archive of its own, or run `helpscout-v1 sync`"
            )
        for layer in LAYERS:
            writer.know(layer, Coverage(span, as_of))
    return changed


def _read(line: bytes, number: int, covers: Interval) -> ConversationWithDocument:
    try:
        read = ConversationWithDocument.model_validate_json(line)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        what = f"{place}: {fault['msg']}" if place else fault["msg"]
        raise CannotImport(f"line {number} is no conversation: {what}") from None
    if not covers.first <= creation_second(read) <= covers.last:
        raise CannotImport(f"line {number}: a conversation that was not created in --covers")
    return read


def _facts(row: Any) -> bytes:
    """What the columns tell of a conversation, in the list's words; absent keys are unknown."""
    told: dict[str, Any] = {
        "id": row.id,
        "number": row.number,
        "threads": row.threads,
        "type": row.type,
        "folderId": row.folder,
        "status": row.status,
        "state": row.state,
        "mailboxId": row.mailbox,
        "createdAt": format_timestamp(row.created),
        "closedBy": row.closed_by,
        "tags": [{"id": tag} for tag in tags_of(row.tags)],
    }
    people = {
        "createdBy": row.created_by,
        "primaryCustomer": row.customer,
        "assignee": row.assignee,
    }
    told |= {key: {"id": person} for key, person in people.items() if person}
    moments = {"closedAt": row.closed, "userUpdatedAt": row.updated}
    told |= {key: format_timestamp(moment) for key, moment in moments.items() if moment is not None}
    if row.waiting_since is not None:
        told["customerWaitingSince"] = {"time": format_timestamp(row.waiting_since)}
    return json.dumps(told, separators=(",", ":")).encode()

"""Administration of an archive: its status, sealing it, and exporting and importing conversations.

An export has one conversation on each line, as the JSON that Mailbox API 2.0's list shows, with its
threads if all of them are known, without their texts, but with those of ratings. Where no document
is stored, the line holds the columns that counting uses.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO, Final

from pydantic import Field, ValidationError

from compat.archive import schema
from compat.archive.connections import sa
from compat.archive.database import Archive
from compat.archive.locks import SyncLock
from compat.archive.personal_data import to_json
from compat.archive.reader import Snapshot
from compat.archive.records import (
    INDEX_LAG,
    LAYERS,
    THREADS_KNOWN,
    ConversationRecord,
    to_record,
)
from compat.archive.repository import tags_from_text
from compat.archive.sync import queries
from compat.archive.sync.backfill import READ_WITH_THREADS
from compat.archive.sync.queries import Part
from compat.archive.threads import to_payload
from compat.config.settings import Settings
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.intervals import Coverage, Interval, MaxAges, usable
from compat.core.models import UPSTREAM_KEYS, Thread
from compat.json_lines import MAX_LINE_BYTES, Line, read_lines
from compat.v2.json_text import json_text
from compat.v2.models import LARGEST_ID
from compat.v2.pagination import creation_second
from compat.v2.search import format_timestamp
from compat.v2.threads import ConversationWithThreadsAndDocument

_SEALED_FROM: Final = "sealed from"
"""The name of a note: from this second of creation on, coverage exists only because of the seal."""

_BATCH: Final = 500


_THREADS: Final = "_threads"
_ALL_THREADS: Final = "all"
"""With this key and value a line says that it has all threads of its conversation. Mailbox API 2.0
does not say it, and shows only a part of the threads of a chat."""


class _ImportedConversation(ConversationWithThreadsAndDocument):
    """A conversation as a line of an export shows it."""

    all_threads: str = Field(alias=_THREADS, default="")

    def set_document(self, received: object) -> None:
        """Keep the payload as upstream sent it."""
        if isinstance(received, dict):
            received = {key: each for key, each in received.items() if key != _THREADS}
        super().set_document(received)


class CannotSeal(Exception):
    """The archive may lack something that happened before; the text says what to do."""


class CannotImport(Exception):
    """A file cannot be imported; the text says where and why."""


def seal(archive: Archive, lock: SyncLock, at: int) -> None:
    """Note that the account was closed: its archive is final, and never too old.

    Args:
        archive: The archive.
        lock: The lock on it.
        at: When the account was closed, epoch seconds UTC.

    Raises:
        CannotSeal: It is sealed already, or may lack something that happened before `at`.
    """
    with archive.reading() as snapshot:
        covered, sealed = snapshot.coverage(), snapshot.sealed_at is not None
        lacking = _lacking_threads(snapshot, at)
    if sealed:
        raise CannotSeal("it is sealed already; --undo takes that back")
    if not covered:
        raise CannotSeal("it covers nothing yet: run `helpscout-v1 sync`")
    rest = Interval(covered[-1].interval.last + 1, LAST_SECOND)
    held = min(covered[-1].interval.last, *(known.as_of - INDEX_LAG for known in covered))
    if at > held:
        raise CannotSeal(
            f"what it holds is certain until {format_timestamp(held)}, which is before --at: run "
            f"`helpscout-v1 sync` once more, {INDEX_LAG // 60} minutes after the account was used "
            "last, or name a time that is not later than that"
        )
    if lacking:
        raise CannotSeal(
            f"{lacking}: run `helpscout-v1 sync` once more, or erase the threads with "
            "`helpscout-v1 sync --no-threads`"
        )
    with archive.writing(lock) as writer:
        for layer in LAYERS:
            writer.add_coverage(layer, Coverage(rest, at))
        writer.set_note(_SEALED_FROM, rest.first)
        writer.set_sealed_at(at)


def _lacking_threads(snapshot: Snapshot, at: int) -> str:
    """What is missing of the threads before the account was closed; empty if nothing.

    An archive that lacks old conversations never knows all threads, and is sealed without them.
    """
    state = threads_status(snapshot)
    if not state.kept or not state.can_be_known:
        return ""
    if state.unread:
        return f"it does not have all threads of {state.unread:,} conversations"
    if state.since is not None:
        return f"it has only the threads created since {format_timestamp(state.since)}"
    if state.until is None or state.until < at:
        until = "no time" if state.until is None else format_timestamp(state.until)
        return f"its threads are certain until {until}, which is before --at"
    return ""


def unseal(archive: Archive, lock: SyncLock) -> None:
    """Take back that the account was closed: its archive has to be synchronised again.

    Raises:
        CannotSeal: The archive is not sealed.
    """
    with archive.reading() as snapshot:
        sealed, first = snapshot.sealed_at is not None, snapshot.get_note(_SEALED_FROM)
    if not sealed:
        raise CannotSeal("it is not sealed")
    with archive.writing(lock) as writer:
        writer.remove_coverage(Interval(first, LAST_SECOND))
        writer.set_sealed_at(None)


@dataclass(frozen=True)
class CoveredInterval:
    """An interval of creation time that is covered. Instants are epoch seconds UTC.

    Attributes:
        first: Its first second.
        last: Its last second, included.
        as_of: The instant whose state it has.
        age: How many seconds ago that was.
        young: Whether conversations in it that are more than a day old are used without a request
            to Help Scout.
    """

    first: int
    last: int
    as_of: int
    age: int
    young: bool


@dataclass(frozen=True)
class ThreadsStatus:
    """What an archive knows of threads.

    Attributes:
        kept: Whether it keeps them.
        can_be_known: Whether it holds the conversations of all times. A thread of any time may be
            in an old one.
        since: The first second of which all threads are known, epoch UTC, while a first fill
            knows recent ones alone; None if older ones are known as well, or none.
        until: All threads that were created up to this second are known, epoch UTC; None if that
            cannot be said of any time.
        unread: How many conversations there are whose threads are not known completely.
    """

    kept: bool
    can_be_known: bool
    since: int | None
    until: int | None
    unread: int


def threads_status(snapshot: Snapshot) -> ThreadsStatus:
    """What a snapshot of an archive knows of threads."""
    covered, known = snapshot.coverage(), snapshot.activity_coverage()
    from_the_beginning = bool(covered) and covered[0].interval.first <= FIRST_SECOND
    recent_alone = bool(known) and known[0].interval.first > FIRST_SECOND
    return ThreadsStatus(
        kept=snapshot.keeps_threads,
        can_be_known=from_the_beginning and snapshot.kept_since is None,
        since=known[0].interval.first if recent_alone else None,
        until=known[0].interval.last if known else None,
        unread=snapshot.unread_thread_count(),
    )


@dataclass(frozen=True)
class ArchiveStatus:
    """What an archive holds. Instants are epoch seconds UTC.

    Attributes:
        where: Its location, without a password.
        conversations: How many there are, including spam, drafts and other states.
        size: Its size in bytes.
        covered: The intervals that answers may rely on.
        slim: Whether subjects, previews, names, addresses and comments are left out.
        sealed_at: When the account was closed; None if it is open.
        kept_since: Conversations created before this second are not stored; None if all are.
        unknown: How many conversations have a value that is unknown, by the key of Mailbox API 2.0
            that is missing; questions that filter by it are refused where they are.
        threads: What it knows of threads.
    """

    where: str
    conversations: int
    size: int
    covered: tuple[CoveredInterval, ...]
    slim: bool
    sealed_at: int | None
    kept_since: int | None
    unknown: Mapping[str, int]
    threads: ThreadsStatus


def archive_status(archive: Archive, snapshot: Snapshot, settings: Settings) -> ArchiveStatus:
    """What a snapshot of an archive holds, and what of it is too old by the settings."""
    now = int(time.time())
    ages = MaxAges(settings.recent_age, settings.max_age)
    sealed = snapshot.sealed_at is not None
    return ArchiveStatus(
        where=archive.location,
        conversations=snapshot.conversation_count(),
        size=archive.size_bytes(),
        covered=tuple(_covered(known, now, ages, sealed) for known in snapshot.coverage()),
        slim=snapshot.slim,
        sealed_at=snapshot.sealed_at,
        kept_since=snapshot.kept_since,
        unknown={
            UPSTREAM_KEYS[name]: each.rows for name, each in snapshot.unknown_values().items()
        },
        threads=threads_status(snapshot),
    )


def _covered(known: Coverage, now: int, ages: MaxAges, sealed: bool) -> CoveredInterval:
    young = sealed or bool(usable([known], now, ages))
    return CoveredInterval(*known.interval, known.as_of, now - known.as_of, young)


def export(snapshot: Snapshot) -> Iterator[bytes]:
    """All conversations of a snapshot, the oldest first, one line each."""
    table = schema.conversation
    after = (-(1 << 62), 0)
    key = sa.tuple_(table.c.created, table.c.id)
    query = sa.select(table).order_by(table.c.created, table.c.id).limit(_BATCH)
    while found := snapshot.execute(query.where(key > after)).all():
        ids = [row.id for row in found]
        kept = snapshot.raw_documents(ids)
        known = _known_threads(snapshot, ids)
        for row in found:
            line = kept.get(row.id) or _line_from_columns(row)
            yield (_with_threads(line, known[row.id]) if row.id in known else line) + b"\n"
        after = (found[-1].created, found[-1].id)


def _known_threads(snapshot: Snapshot, ids: Sequence[int]) -> dict[int, tuple[Thread, ...]]:
    """The threads of conversations, by id, where all of them are known."""
    if not snapshot.keeps_threads:
        return {}
    found, unread = snapshot.threads_of(ids), snapshot.unread_among(ids)
    return {id_: found.get(id_, ()) for id_ in ids if id_ not in unread}


def _with_threads(line: bytes, threads: Sequence[Thread]) -> bytes:
    """A line with the conversation's threads, and the note that these are all."""
    payload = json.loads(line)
    embedded = {"threads": list(map(to_payload, threads))}
    payload["_embedded"] = payload.get("_embedded", {}) | embedded
    return to_json(payload | {_THREADS: _ALL_THREADS})


def import_lines(
    archive: Archive, lock: SyncLock, file: BinaryIO, covers: tuple[int, int], as_of: int
) -> int:
    """Import conversations that were exported, or fetched by other means: all of them, or none.

    Args:
        archive: The archive to import into.
        lock: The lock on it.
        file: Conversations as JSON, one line each.
        covers: The first and last second of creation, both included, between which the lines hold
            all conversations; epoch seconds UTC.
        as_of: The instant whose state the lines have, epoch seconds UTC.

    Returns:
        How many conversations were new to the archive, or changed.

    Raises:
        CannotImport: There is no line; a line is no conversation, or one created outside of
            `covers`; or the archive holds conversations that are missing from the lines.
    """
    span = Interval(*covers)
    if span.last > as_of - INDEX_LAG:
        raise CannotImport(
            f"nothing later than {INDEX_LAG // 60} minutes before --as-of can be covered: what is "
            "younger may not have been in upstream's index yet"
        )
    lines = read_lines(file)
    with archive.reading() as snapshot:
        missing = set(queries.not_seen_since(snapshot, Part(span), as_of))
        is_empty, known = not snapshot.conversation_count(), snapshot.get_note(THREADS_KNOWN)
        keeps_threads = snapshot.keeps_threads
    changed, all_known, is_empty_file = 0, True, True
    with archive.writing(lock) as writer:
        while some := list(islice(lines, _BATCH)):
            is_empty_file = False
            records = [_parse_line(line, span, as_of) for line in some]
            if is_empty and not changed and all(map(_has_all_threads, records)):
                writer.keep_threads(kept=True)
                keeps_threads = True
            if not keeps_threads:  # as a run of `sync` without threads would write them
                records = [replace(each, by_user=0) for each in records]
            changed += writer.save(records)
            missing.difference_update(each.row.id for each in records)
            all_known &= all(map(_has_all_threads, records))
        if is_empty_file:
            raise CannotImport(
                "there is no conversation in the file, and the archive would answer that there "
                "were none in --covers: was the export complete?"
            )
        if missing:
            raise CannotImport(
                f"the archive holds {len(missing):,} conversations that were created in --covers, "
                "were seen before --as-of and are not in the file: it is not all, or they are "
                "gone; import it into an archive of its own, or run `helpscout-v1 sync`"
            )
        for layer in LAYERS:
            writer.add_coverage(layer, Coverage(span, as_of))
        # The lines may hold conversations that were gone when recent threads were read.
        writer.forget_recent_threads()
        if keeps_threads and not all_known:
            writer.remove_coverage(span, [READ_WITH_THREADS])
        elif keeps_threads and (known is not None or is_empty):
            writer.set_note(THREADS_KNOWN, min(as_of, as_of if known is None else known))
    return changed


def _has_all_threads(record: ConversationRecord) -> bool:
    return record.shown is not None and record.shown.complete


def _parse_line(line: Line, covers: Interval, as_of: int) -> ConversationRecord:
    if line.too_long:
        limit = MAX_LINE_BYTES // 1024**2
        raise CannotImport(f"line {line.number} is longer than {limit} MiB")
    try:
        read = _ImportedConversation.model_validate_json(json_text(line.content))
    except UnicodeDecodeError:
        raise CannotImport(f"line {line.number} is not UTF-8") from None
    except ValidationError as error:
        fault = error.errors()[0]
        what = ": ".join([*map(str, fault["loc"]), fault["msg"]])
        raise CannotImport(f"line {line.number} is no conversation: {what}") from None
    if not covers.first <= creation_second(read) <= covers.last:
        raise CannotImport(f"line {line.number}: a conversation that was not created in --covers")
    if abs(read.id) > LARGEST_ID:
        raise CannotImport(f"line {line.number}: the id {read.id} is larger than databases store")
    record = to_record(read, as_of, modified=False, current=False)
    if record.shown is None or read.embedded is None or read.embedded.threads is None:
        return replace(record, shown=None)
    complete = record.shown.complete or read.all_threads == _ALL_THREADS
    return replace(record, shown=replace(record.shown, complete=complete))


def _line_from_columns(row: Any) -> bytes:
    """A conversation's columns as JSON with the list's keys; what is unknown is left out."""
    line: dict[str, Any] = {
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
    }
    line = {key: value for key, value in line.items() if value is not None}
    tags = tags_from_text(row.tags)
    if tags is not None:
        line["tags"] = [{"id": tag} for tag in tags]
    people = {
        "createdBy": row.created_by,
        "primaryCustomer": row.customer,
        "assignee": row.assignee,
    }
    line |= {key: {"id": person} for key, person in people.items() if person}
    if row.by_user:  # its id may be unknown
        line["createdBy"] = line.get("createdBy", {}) | {"type": "user"}
    instants = {"closedAt": row.closed, "userUpdatedAt": row.updated}
    line |= {
        key: format_timestamp(instant) for key, instant in instants.items() if instant is not None
    }
    if row.waiting_since is not None:
        line["customerWaitingSince"] = {"time": format_timestamp(row.waiting_since)}
    return json.dumps(line, separators=(",", ":")).encode()

"""Reads and writes the rows of conversations, with their tags, documents and tombstones.

Functions take a batch of at most as many ids as one statement can name; see `batches`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from compat.archive import schema
from compat.archive.connections import postgresql, sa, sqlite
from compat.core.counting import UNTAGGED
from compat.core.intervals import Coverage, Interval
from compat.v2.models import LARGEST_ID

Columns: TypeAlias = Mapping[str, Any]
"""The columns of a row by their names."""

StoredConversation: TypeAlias = tuple[Columns, bytes | None]
"""The columns of a conversation, and its compressed document if it is stored."""

_BATCH: Final = 500
"""Ids in one statement; databases limit how many there may be."""
_REPEATED_PER_TAG: Final = ("created", "state", "status", "type", "mailbox", "folder")
_INSERT: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def batches(ids: Iterable[int]) -> Iterator[Sequence[int]]:
    """Split ids into batches that fit into a statement; ids too large to be stored are left out."""
    ids = [id_ for id_ in ids if abs(id_) <= LARGEST_ID]
    for first in range(0, len(ids), _BATCH):
        yield ids[first : first + _BATCH]


def tags_to_text(tags: Iterable[int] | None) -> str | None:
    """Ids of tags as the column `tags` stores them; None if they are unknown."""
    return None if tags is None else ",".join(map(str, tags))


def tags_from_text(text: str | None) -> tuple[int, ...] | None:
    """The ids of tags in a value of the column `tags`; None if they are unknown."""
    if text is None:
        return None
    return tuple(map(int, text.split(","))) if text else ()


def compress(document: bytes) -> bytes:
    """A document as the column `packed` stores it."""
    return zlib.compress(document)


def decompress(packed: bytes) -> bytes:
    """The document in a value of the column `packed`.

    Raises:
        zlib.error: The value is damaged.
    """
    return zlib.decompress(packed)


def conversations(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Columns]:
    """The columns of a batch of conversations, by id."""
    table = schema.conversation
    found = connection.execute(sa.select(table).where(table.c.id.in_(ids))).mappings()
    return {each["id"]: dict(each) for each in found}


def packed_documents(connection: sa.Connection, ids: Collection[int]) -> dict[int, bytes]:
    """The compressed documents of a batch of conversations, by id."""
    table = schema.document.c
    query = sa.select(table.conversation, table.packed).where(table.conversation.in_(ids))
    return {conversation: bytes(packed) for conversation, packed in connection.execute(query)}


def tombstones(connection: sa.Connection, ids: Sequence[int]) -> Mapping[int, int]:
    """When conversations of a batch were seen to be deleted or merged, by id."""
    table = schema.gone.c
    query = sa.select(table.conversation, table.seen).where(table.conversation.in_(ids))
    return {found.conversation: found.seen for found in connection.execute(query)}


def layer_coverage(connection: sa.Connection, layer: str) -> list[Coverage]:
    """The coverage of a layer, as disjoint intervals in ascending order."""
    table = schema.known.c
    query = sa.select(table.first, table.last, table.as_of).where(table.layer == layer)
    return [
        Coverage(Interval(first, last), as_of)
        for first, last, as_of in connection.execute(query.order_by(table.first))
    ]


def replace(
    connection: sa.Connection,
    before: Mapping[int, Columns],
    changed: Sequence[StoredConversation],
) -> None:
    """Store a batch of conversations in place of what was stored of them.

    Args:
        connection: In a transaction.
        before: The columns that were stored, by id.
        changed: What to store.
    """
    rows = [columns for columns, _ in changed]
    ids = [columns["id"] for columns in rows]
    _delete_tags(connection, [before[id_] for id_ in ids if id_ in before])
    upsert(connection, schema.conversation, "id", rows, newest=True)
    tags = [
        {name: row[name] for name in _REPEATED_PER_TAG} | {"conversation": row["id"], "tag": tag}
        for row in rows
        for tag in _tags(row)
    ]
    insert(connection, schema.conversation_tag, tags)
    documents = {columns["id"]: packed for columns, packed in changed if packed}
    without = [id_ for id_ in ids if id_ not in documents]
    delete(connection, schema.document, "conversation", without)
    packed = [{"conversation": id_, "packed": packed} for id_, packed in documents.items()]
    upsert(connection, schema.document, "conversation", packed)
    delete(connection, schema.gone, "conversation", ids)


def set_seen(connection: sa.Connection, seen: Mapping[int, int]) -> None:
    """Store when unchanged conversations were last seen.

    Args:
        connection: In a transaction.
        seen: Epoch seconds UTC, by id.
    """
    if seen:
        table = schema.conversation
        one = table.update().where(table.c.id == sa.bindparam("which"))
        connection.execute(
            one.values(seen=sa.bindparam("when")),
            [{"which": id_, "when": second} for id_, second in seen.items()],
        )


def remove(connection: sa.Connection, ids: Sequence[int], seen: int) -> list[int]:
    """Remove a batch of conversations that were not seen later, and store tombstones for them.

    Args:
        connection: In a transaction.
        ids: The conversations.
        seen: When they were seen to be deleted or merged, epoch seconds UTC.

    Returns:
        The creation times of those that were removed.
    """
    stored = conversations(connection, ids)
    old = {id_: columns for id_, columns in stored.items() if columns["seen"] <= seen}
    _delete_tags(connection, list(old.values()))
    delete(connection, schema.conversation, "id", list(old))
    for table in (schema.document, schema.thread, schema.unread_threads):
        delete(connection, table, "conversation", list(old))
    marks = [{"conversation": id_, "seen": seen} for id_ in ids if id_ in old or id_ not in stored]
    upsert(connection, schema.gone, "conversation", marks, newest=True)
    return [columns["created"] for columns in old.values()]


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Columns]) -> None:
    """Insert rows whose keys are new."""
    if rows:
        connection.execute(table.insert(), rows)


def delete(connection: sa.Connection, table: sa.Table, key: str, ids: Sequence[int]) -> None:
    """Delete the rows of a batch of ids."""
    if ids:
        connection.execute(table.delete().where(table.c[key].in_(ids)))


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    key: str,
    rows: Sequence[Columns],
    *,
    newest: bool = False,
) -> None:
    """Insert rows, or replace those with the same key.

    Args:
        connection: In a transaction.
        table: The table.
        key: The name of its key.
        rows: The rows.
        newest: Do not replace a row that was seen later.
    """
    if not rows:
        return
    statement = _INSERT[connection.dialect.name](table)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[key],
            set_={column: statement.excluded[column] for column in rows[0] if column != key},
            where=statement.excluded.seen >= table.c.seen if newest else None,
        ),
        rows,
    )


def _delete_tags(connection: sa.Connection, rows: Sequence[Columns]) -> None:
    """Delete the rows of conversations from the table that counting by tag reads."""
    table = schema.conversation_tag.c
    keys = (table.tag, table.created, table.conversation)
    old = [
        {"old_tag": tag, "old_created": row["created"], "old_conversation": row["id"]}
        for row in rows
        for tag in _tags(row)
    ]
    if old:
        one = [column == sa.bindparam(f"old_{column.name}") for column in keys]
        connection.execute(schema.conversation_tag.delete().where(*one), old)


def _tags(columns: Columns) -> list[int]:
    """The tags under which a conversation is counted; none if they are unknown."""
    tags = tags_from_text(columns["tags"])
    return [] if tags is None else sorted(set(tags)) or [UNTAGGED]

"""Reads and writes the rows of conversations, with their tags, documents and tombstones.

Functions take a batch of at most as many ids as one statement can name; see `batches`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from compat.archive import schema
from compat.archive.connections import postgresql, sa, sqlite
from compat.archive.records import ConversationRecord
from compat.core.counting import UNTAGGED
from compat.v2.models import LARGEST_ID

Columns: TypeAlias = Mapping[str, Any]
"""The columns of a row by their names."""

StoredConversation: TypeAlias = tuple[Columns, bytes | None]
"""The columns of a conversation, and its document if it is to be stored."""

_BATCH: Final = 500
"""Ids in one statement; databases limit how many there may be."""
_STATEMENTS: Final = 256
"""How many compiled statements of each kind are kept."""
_LEVEL: Final = 1
"""Of compression: a higher one saves a sixth of the space, and takes half as long again."""
_FIELDS: Final = tuple(
    name for name in ConversationRecord.__slots__ if name not in ("row", "document", "shown")
)
"""The fields of a record that are columns of the same name."""
_REPEATED_PER_TAG: Final = ("created", "state", "status", "type", "mailbox", "folder")
_INSERT: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

_SELECT: Final = "SELECT {columns} FROM {table} WHERE {key} "
_AMONG: Final[Mapping[str, tuple[str, Callable[[Sequence[int]], Any]]]] = {
    "sqlite": ("IN (SELECT value FROM json_each(:ids))", json.dumps),
    "postgresql": ("= ANY(CAST(%(ids)s AS BIGINT[]))", list),
}
"""For each database, how a statement finds a batch of ids, and how it gets them: as one value. A
value for each id would be another statement for each number of ids, which takes longer."""

_PERSON: Final = '{"id":,"type":"customer","first":"","last":"","email":"@gmail.com","photoUrl":"'
_USER: Final = _PERSON.replace("customer", "user").replace("@gmail.com", "")
_INSTANT: Final = "2020-10-01T10:00:00Z"
_LINK: Final = '{"href":"https://api.helpscout.net/v2/'
_DICTIONARY: Final = (
    f'"type":"phone""type":"chat""status":"spam""status":"pending""state":"draft","snooze":{{'
    f'"snoozedBy":,"snoozedUntil":"{_INSTANT}","unsnoozeOnCustomerReply":true}},"closedBy":0,'
    '{"id":,"number":,"threads":1,"type":"email","folderId":,"status":"active","status":"closed",'
    '"state":"published","subject":"Re: ","preview":"Hello, Hi ","mailboxId":,'
    f'"assignee":{_USER}"}},"createdBy":{_PERSON}"}},"createdAt":"{_INSTANT}","closedBy":,'
    f'"closedAt":"{_INSTANT}","closedByUser":{_USER}"}},"userUpdatedAt":"{_INSTANT}",'
    f'"customerWaitingSince":{{"time":"{_INSTANT}","friendly":" ago"}},'
    '"source":{"type":"email","via":"customer"},"tags":[{"id":,"color":"#","tag":""}],"cc":[],'
    f'"bcc":[],"primaryCustomer":{_PERSON}"}},"customFields":[{{"id":,"name":"","value":"",'
    f'"text":""}}],"_embedded":{{"threads":[]}},"_links":{{"assignee":{_LINK}users/"}},'
    f'"closedBy":{_LINK}users/"}},"createdByCustomer":{_LINK}customers/"}},'
    f'"createdByUser":{_LINK}users/"}},"mailbox":{_LINK}mailboxes/"}},'
    f'"primaryCustomer":{_LINK}customers/"}},"self":{_LINK}conversations/"}},'
    f'"threads":{_LINK}conversations//threads/"}},"web":{{"href":"https://secure.helpscout.net/'
    'conversation/"}}}'
).encode()
"""What documents have in common, in their own order: it makes them a third smaller when compressed.
What was compressed with it cannot be read with another, so it must never change. What was
compressed without one can be read as well."""


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


def to_columns(record: ConversationRecord) -> dict[str, Any]:
    """The columns of a record."""
    columns = record.row._asdict()
    columns["tags"] = tags_to_text(record.row.tags)
    for name in _FIELDS:
        columns[name] = getattr(record, name)
    return columns


def is_same(stored: Columns | None, columns: Columns) -> bool:
    """Whether a conversation has the columns that are stored, whenever it was seen."""
    return stored is not None and {**stored, "seen": 0} == {**columns, "seen": 0}


def is_packed(document: bytes | None, packed: bytes | None) -> bool:
    """Whether a document is the one that is stored."""
    if document is None or packed is None:
        return document is packed
    return document == decompress(packed)


def compress(document: bytes) -> bytes:
    """A document as the column `packed` stores it."""
    stream = zlib.compressobj(_LEVEL, zdict=_DICTIONARY)
    return stream.compress(document) + stream.flush()


def decompress(packed: bytes) -> bytes:
    """The document in a value of the column `packed`.

    Raises:
        zlib.error: The value is damaged.
    """
    stream = zlib.decompressobj(zdict=_DICTIONARY)
    document = stream.decompress(packed)
    if not stream.eof:
        raise zlib.error("the value is cut short")
    return document


def conversations(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Columns]:
    """The columns of a batch of conversations, by id."""
    names = schema.conversation.columns.keys()
    found = _select(connection, schema.conversation, "id", ids)
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}


def packed_documents(connection: sa.Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """The compressed documents of a batch of conversations, by id."""
    found = _select(connection, schema.document, "conversation", ids) if ids else ()
    return {conversation: bytes(packed) for conversation, packed in found}


def tombstones(connection: sa.Connection, ids: Sequence[int]) -> dict[int, int]:
    """When conversations of a batch were seen to be deleted or merged, by id."""
    return dict(_select(connection, schema.gone, "conversation", ids))


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
    stored = [columns["id"] for columns in rows if columns["id"] in before]
    _delete_tags(connection, [before[id_] for id_ in stored])
    upsert(connection, schema.conversation, "id", rows)
    tags = [
        {name: row[name] for name in _REPEATED_PER_TAG} | {"conversation": row["id"], "tag": tag}
        for row in rows
        for tag in _tags(row)
    ]
    insert(connection, schema.conversation_tag, tags)
    documents = {columns["id"]: document for columns, document in changed if document is not None}
    without = [id_ for id_ in stored if id_ not in documents]
    delete(connection, schema.document, "conversation", without)
    packed = [{"conversation": id_, "packed": compress(each)} for id_, each in documents.items()]
    upsert(connection, schema.document, "conversation", packed)


def set_seen(connection: sa.Connection, seen: Mapping[int, int]) -> None:
    """Store when unchanged conversations were last seen.

    Args:
        connection: In a transaction.
        seen: Epoch seconds UTC, by id.
    """
    if seen:
        rows = [{"which": id_, "when": second} for id_, second in seen.items()]
        _execute_many(connection, _compiled_set_seen(connection.dialect), rows)


def set_chunk_versions(connection: sa.Connection, chunks: Sequence[int]) -> None:
    """Store that chunks last changed in the version that the archive has now."""
    if chunks:
        rows = [{"number": chunk} for chunk in chunks]
        _execute_many(connection, _compiled_set_chunk_version(connection.dialect), rows)


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
    """Insert rows whose keys are new, with all columns of the table."""
    if rows:
        _execute_many(connection, _compiled_insert(connection.dialect, table), rows)


def delete(connection: sa.Connection, table: sa.Table, key: str, ids: Sequence[int]) -> None:
    """Delete the rows of a batch of ids."""
    delete_rows(connection, table, [{key: id_} for id_ in ids])


def delete_rows(connection: sa.Connection, table: sa.Table, keys: Sequence[Columns]) -> None:
    """Delete rows by all columns of their keys."""
    if keys:
        _execute_many(connection, _compiled_delete(connection.dialect, table, tuple(keys[0])), keys)


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    key: str | Sequence[str],
    rows: Sequence[Columns],
    *,
    newest: bool = False,
) -> None:
    """Insert rows, or replace those with the same key.

    Args:
        connection: In a transaction.
        table: The table.
        key: The name of its key, or the names of its columns.
        rows: The rows; all of them have the same columns.
        newest: Do not replace a row that was seen later.
    """
    if rows:
        keys, columns = (key,) if isinstance(key, str) else tuple(key), tuple(rows[0])
        statement = _compiled_upsert(connection.dialect, table, keys, columns, newest=newest)
        _execute_many(connection, statement, rows)


def _select(
    connection: sa.Connection, table: sa.Table, key: str, ids: Sequence[int]
) -> Sequence[tuple[Any, ...]]:
    """All columns, in the order of the schema, of the rows with one of some ids."""
    among, to_value = _AMONG[connection.dialect.name]
    columns = ", ".join(table.columns.keys())
    statement = _SELECT.format(columns=columns, table=table.name, key=key) + among
    return connection.exec_driver_sql(statement, {"ids": to_value(ids)}).all()


def _execute_many(connection: sa.Connection, statement: str, rows: Sequence[Columns]) -> None:
    """Execute a compiled statement for each row.

    The driver gets the rows as they are. To compose a statement, and to copy its values, SQLAlchemy
    takes longer than a database takes to execute it.
    """
    connection.exec_driver_sql(statement, rows)


@lru_cache(_STATEMENTS)
def _compiled_insert(dialect: sa.Dialect, table: sa.Table) -> str:
    return str(table.insert().compile(dialect=dialect))


@lru_cache(_STATEMENTS)
def _compiled_upsert(
    dialect: sa.Dialect,
    table: sa.Table,
    key: Sequence[str],
    columns: Sequence[str],
    *,
    newest: bool,
) -> str:
    statement = _INSERT[dialect.name](table)
    statement = statement.on_conflict_do_update(
        index_elements=key,
        set_={column: statement.excluded[column] for column in columns if column not in key},
        where=statement.excluded.seen >= table.c.seen if newest else None,
    )
    return str(statement.compile(dialect=dialect, column_keys=columns))


@lru_cache(_STATEMENTS)
def _compiled_set_chunk_version(dialect: sa.Dialect) -> str:
    version = sa.select(schema.state.c.version).scalar_subquery()
    statement = _INSERT[dialect.name](schema.chunk).values(
        number=sa.bindparam("number"), version=version
    )
    statement = statement.on_conflict_do_update(
        index_elements=["number"], set_={"version": statement.excluded.version}
    )
    return str(statement.compile(dialect=dialect))


@lru_cache(_STATEMENTS)
def _compiled_delete(dialect: sa.Dialect, table: sa.Table, key: Sequence[str]) -> str:
    same = [table.c[name] == sa.bindparam(name) for name in key]
    return str(table.delete().where(*same).compile(dialect=dialect))


@lru_cache(_STATEMENTS)
def _compiled_set_seen(dialect: sa.Dialect) -> str:
    table = schema.conversation
    one = table.update().where(table.c.id == sa.bindparam("which"))
    return str(one.values(seen=sa.bindparam("when")).compile(dialect=dialect))


def _delete_tags(connection: sa.Connection, rows: Sequence[Columns]) -> None:
    """Delete the rows of conversations from the table that counting by tag reads."""
    old = [
        {"tag": tag, "created": row["created"], "conversation": row["id"]}
        for row in rows
        for tag in _tags(row)
    ]
    delete_rows(connection, schema.conversation_tag, old)


def _tags(columns: Columns) -> list[int]:
    """The tags under which a conversation is counted; none if they are unknown."""
    tags = tags_from_text(columns["tags"])
    return [] if tags is None else sorted(set(tags)) or [UNTAGGED]

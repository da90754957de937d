"""The rows of conversations, and what is kept beside them: tags for counting, documents, marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from compat.archive import schema
from compat.archive.reader import tags_of
from compat.archive.sql import postgresql, sa, sqlite
from compat.core.counting import UNTAGGED

Facts = Mapping[str, Any]
"""A conversation's columns by their names."""

News = tuple[Facts, bytes | None]
"""A conversation as it is to be kept, and its document, compressed."""

_SAME_FOR_EACH_TAG: Final = ("created", "state", "status", "type", "mailbox", "folder")


def kept(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Facts]:
    """The columns of a batch of conversations, by id."""
    table = schema.conversation
    found = connection.execute(sa.select(table).where(table.c.id.in_(ids))).mappings()
    return {each["id"]: dict(each) for each in found}


def gone(connection: sa.Connection, ids: Sequence[int]) -> Mapping[int, int]:
    """When conversations of a batch were found gone, by id."""
    table = schema.gone.c
    query = sa.select(table.conversation, table.seen).where(table.conversation.in_(ids))
    return {found.conversation: found.seen for found in connection.execute(query)}


def put(connection: sa.Connection, before: Mapping[int, Facts], news: Sequence[News]) -> None:
    """Put a batch of conversations in the place of what was kept of them.

    Args:
        connection: In a transaction.
        before: What was kept.
        news: What is to be kept.
    """
    rows = [facts for facts, _ in news]
    ids = [facts["id"] for facts in rows]
    _drop_tags(connection, [before[id_] for id_ in ids if id_ in before])
    upsert(connection, schema.conversation, "id", rows, newest=True)
    tags = [{**each, "tag": tag} for each in rows for tag in _tags(each)]
    columns = (*_SAME_FOR_EACH_TAG, "tag")
    insert(
        connection,
        schema.conversation_tag,
        [{name: each[name] for name in columns} | {"conversation": each["id"]} for each in tags],
    )
    documents = {facts["id"]: packed for facts, packed in news if packed}
    without = [id_ for id_ in ids if id_ not in documents]
    delete(connection, schema.document, "conversation", without)
    packed = [{"conversation": id_, "packed": packed} for id_, packed in documents.items()]
    upsert(connection, schema.document, "conversation", packed)
    delete(connection, schema.gone, "conversation", ids)


def see_again(connection: sa.Connection, seen: Mapping[int, int]) -> None:
    """Note when conversations were seen that are as they were, by id."""
    if seen:
        table = schema.conversation
        same = table.update().where(table.c.id == sa.bindparam("which"))
        connection.execute(
            same.values(seen=sa.bindparam("when")),
            [{"which": id_, "when": second} for id_, second in seen.items()],
        )


def remove(connection: sa.Connection, ids: Sequence[int], seen: int) -> list[int]:
    """Take out a batch of conversations that were not seen later, and mark them as gone.

    Returns:
        The seconds in which those that were there had been created.
    """
    there = kept(connection, ids)
    old = {id_: facts for id_, facts in there.items() if facts["seen"] <= seen}
    _drop_tags(connection, list(old.values()))
    delete(connection, schema.conversation, "id", list(old))
    for table in (schema.document, schema.thread):
        delete(connection, table, "conversation", list(old))
    marks = [{"conversation": id_, "seen": seen} for id_ in ids if id_ in old or id_ not in there]
    upsert(connection, schema.gone, "conversation", marks, newest=True)
    return [facts["created"] for facts in old.values()]


def _drop_tags(connection: sa.Connection, rows: Sequence[Facts]) -> None:
    """Take what is kept of conversations out of what counting by tags reads."""
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


def _tags(facts: Facts) -> list[int]:
    """The tags under which a conversation is counted."""
    return sorted(set(tags_of(facts["tags"]))) or [UNTAGGED]


_INSERT: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

Rows = Sequence[Mapping[str, Any]]


def insert(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows that are not there yet."""
    if rows:
        connection.execute(table.insert(), rows)


def delete(connection: sa.Connection, table: sa.Table, key: str, ids: Sequence[int]) -> None:
    """Delete the rows of some ids; as many as fit into a statement."""
    if ids:
        connection.execute(table.delete().where(table.c[key].in_(ids)))


def upsert(
    connection: sa.Connection, table: sa.Table, key: str, rows: Rows, *, newest: bool = False
) -> None:
    """Insert rows or replace them; with `newest`, only by what was not seen earlier."""
    if not rows:
        return
    given = _INSERT[connection.dialect.name](table)
    connection.execute(
        given.on_conflict_do_update(
            index_elements=[key],
            set_={column: given.excluded[column] for column in rows[0] if column != key},
            where=given.excluded.seen >= table.c.seen if newest else None,
        ),
        rows,
    )

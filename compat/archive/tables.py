"""Writing many rows at once, the same on both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from compat.archive.sql import postgresql, sa, sqlite

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

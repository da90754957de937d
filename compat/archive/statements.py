"""Statements as text, and their conditions, in which `t` is a thread and `c` its conversation.

Composing statements of SQLAlchemy's objects took longer than counting a month. Values are
parameters, except where an index is only used for a constant.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from compat.archive.connections import sa
from compat.core.activity import FROM_CUSTOMERS, IMPORTED
from compat.core.counting import CountQuery

_PLACEHOLDER: Final[Mapping[str, str]] = {"sqlite": ":{}", "postgresql": "%({})s"}
"""How the text of a statement names a value."""
_LIST: Final[Mapping[str, str]] = {
    "sqlite": "(SELECT value FROM json_each({}))",
    "postgresql": (
        "(SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST({} AS jsonb))"
        " AS each (value))"
    ),
}
_WITH_TAG: Final = (
    "+t.conversation IN (SELECT conversation FROM conversation_tag WHERE tag IN ({}))"
)
"""The plus sign keeps SQLite from reading the threads of all these conversations, of any time."""
_WITHOUT_AUTHOR: Final = (
    "t.author_type = '' AND t.state = 'published' AND t.action NOT IN ({}) AND t.type IN ({})"
    " AND t.type <> 'customer'"
)
_WITHOUT_TYPE: Final = "t.type = ''"
_WITHOUT_STATE: Final = "t.state = '' AND t.type <> 'lineitem'"
_WITHOUT_RATING: Final = "t.rating = -1"
_WITHOUT_VALUE: Final = "SELECT id FROM conversation WHERE {} IS NULL"


class Parameters:
    """The values of a statement, each with a name that the text contains in its place."""

    def __init__(self, connection: sa.Connection) -> None:
        self.values: dict[str, int | str] = {}
        self._dialect = connection.dialect.name

    def add(self, value: int | str) -> str:
        """The text that stands for a value."""
        name = f"given{len(self.values)}"
        self.values[name] = value
        return _PLACEHOLDER[self._dialect].format(name)

    def add_all(self, values: Iterable[int | str]) -> str:
        """The text that stands for a few values, separated by commas."""
        return ", ".join(map(self.add, values))

    def add_list(self, ids: Iterable[int]) -> str:
        """The text that stands for a list of ids, of any length, after IN or NOT IN."""
        return _LIST[self._dialect].format(self.add(json.dumps([*ids])))


def fetch(
    connection: sa.Connection, statement: str, parameters: Parameters
) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement as the driver returns them: SQLAlchemy's own take twice as long."""
    with connection.exec_driver_sql(statement, parameters.values) as result:
        yield from cast("Iterator[tuple[Any, ...]]", result.cursor)


def conversation_conditions(query: CountQuery, parameters: Parameters) -> Iterator[str]:
    """The filters of a query except the tags."""
    which, need = query.filter, query.conversations
    yield among("c.state", sorted(which.states), parameters)
    if which.excluded_statuses:
        yield f"c.status NOT IN ({parameters.add_all(sorted(which.excluded_statuses))})"
    if which.types:
        yield among("c.type", sorted(which.types), parameters)
    if need.mailboxes:
        yield among("c.mailbox", sorted(need.mailboxes), parameters)
    if need.folders:
        yield among("c.folder", sorted(need.folders), parameters)


def tag_conditions(query: CountQuery, parameters: Parameters) -> Iterator[str]:
    """The tags of a query, for threads."""
    which = query.filter
    tags = sorted(which.tags)
    groups = [[tag] for tag in tags] if which.all_tags else [tags] if tags else []
    for group in groups:
        yield _WITH_TAG.format(parameters.add_all(group))


def among(column: str, values: list[Any], parameters: Parameters) -> str:
    """That a column has one of a few values."""
    if len(values) == 1:
        return f"{column} = {parameters.add(values[0])}"
    return f"{column} IN ({parameters.add_all(values)})"


def is_uncertain(connection: sa.Connection, query: CountQuery, *, rated: bool = False) -> bool:
    """Whether a value may be needed that is unknown.

    It is the author of a message in the ranges, the type or state of a thread there, or what the
    query filters by of a conversation. Each condition begins with what an index of its own has,
    which is small.

    Args:
        connection: In a transaction.
        query: The query.
        rated: Whether it may also be the rating of a thread.
    """
    without = [
        *(_WITHOUT_TYPE, _WITHOUT_STATE),
        *([_WITHOUT_RATING] if rated else []),
        *(f"t.conversation IN ({_WITHOUT_VALUE.format(name)})" for name in query.filtered_fields),
    ]
    for first, after in ((edges[0], edges[-1]) for edges in query.ranges):
        for condition in (_WITHOUT_AUTHOR, *without):
            parameters = Parameters(connection)
            values = map(parameters.add_all, (sorted(IMPORTED), sorted(FROM_CUSTOMERS)))
            statement = (
                f"SELECT 1 FROM thread AS t WHERE {condition.format(*values)}"  # noqa: S608 (no values)
                f" AND t.created >= {parameters.add(first)} AND t.created < {parameters.add(after)}"
                " LIMIT 1"
            )
            if connection.exec_driver_sql(statement, parameters.values).scalar():
                return True
    return False

"""Counts conversations and messages in the database, with one statement for each question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from compat.archive.connections import sa
from compat.core.activity import FROM_CUSTOMERS, IMPORTED
from compat.core.counting import CountQuery

_BUCKET_TABLE: Final[Mapping[str, str]] = {
    "sqlite": (
        "(SELECT key AS number, json_extract(value, '$[0]') AS first,"
        " json_extract(value, '$[1]') AS after FROM json_each({})) AS bucket"
    ),
    "postgresql": (
        "(SELECT number, CAST(value ->> 0 AS bigint) AS first,"
        " CAST(value ->> 1 AS bigint) AS after FROM jsonb_array_elements(CAST({} AS jsonb))"
        " WITH ORDINALITY AS each (value, number)) AS bucket"
    ),
}
_PLACEHOLDER: Final[Mapping[str, str]] = {"sqlite": ":{}", "postgresql": "%({})s"}
"""How the text of a statement names a value."""

_HAS_TAG: Final = (
    "EXISTS (SELECT 1 FROM conversation_tag AS other WHERE other.tag = {}"
    " AND other.created = c.created AND other.conversation = c.conversation)"
)
_WITH_TAG: Final = (
    "+t.conversation IN (SELECT conversation FROM conversation_tag WHERE tag IN ({}))"
)
"""The plus sign keeps SQLite from reading the threads of all these conversations, of any time."""

_MESSAGES: Final = "thread AS t JOIN conversation AS c ON c.id = t.conversation"
_IS_MESSAGE: Final = (
    "t.state = 'published' AND t.action NOT IN ({}) AND t.type IN ({})"
    " AND (t.type = 'customer' OR t.author_type = 'customer')"
)
"""The same as `compat.core.activity.customer_messages`, if all authors are known."""

_WITHOUT_AUTHOR: Final = (
    "t.author_type = '' AND t.state = 'published' AND t.action NOT IN ({}) AND t.type IN ({})"
    " AND t.type <> 'customer'"
)
_WITHOUT_VALUE: Final = "SELECT id FROM conversation WHERE {} IS NULL"


def count(connection: sa.Connection, query: CountQuery) -> list[list[int]]:
    """Count in one statement, bucket by bucket, on an index alone.

    One count for each bucket is faster than one GROUP BY, with and without tags, as long as the
    index contains all columns of the query. The statement is composed as text: composing it of
    SQLAlchemy's objects took longer than counting a month.
    """
    parameters = _Parameters(_PLACEHOLDER[connection.dialect.name])
    conditions = [*_conditions(query, parameters), *_tag_conditions(query, parameters)]
    one = f"{_count_expression(query)} FROM {_counted_table(query)} AS c"
    return _count_by_bucket(connection, query, (one, "c"), conditions, parameters)


def count_messages(connection: sa.Connection, query: CountQuery) -> list[list[int]] | None:
    """Count the messages of customers, bucket by bucket.

    Returns:
        For each range the number in each of its buckets; None if that may depend on a value that
        is unknown.
    """
    if _is_uncertain(connection, query):
        return None
    parameters = _Parameters(_PLACEHOLDER[connection.dialect.name])
    conditions = [
        _IS_MESSAGE.format(*map(parameters.add_all, (sorted(IMPORTED), sorted(FROM_CUSTOMERS)))),
        *_conditions(query, parameters),
        *_having_tags(query, parameters),
    ]
    one = f"count(*) FROM {_MESSAGES}"
    return _count_by_bucket(connection, query, (one, "t"), conditions, parameters)


def _is_uncertain(connection: sa.Connection, query: CountQuery) -> bool:
    """Whether a message in the ranges has no known author, or a conversation no filtered value.

    Each condition begins with what an index of its own has, which is small.
    """
    without = [
        f"t.conversation IN ({_WITHOUT_VALUE.format(name)})" for name in query.filtered_fields
    ]
    for first, after in ((edges[0], edges[-1]) for edges in query.ranges):
        for condition in (_WITHOUT_AUTHOR, *without):
            parameters = _Parameters(_PLACEHOLDER[connection.dialect.name])
            values = map(parameters.add_all, (sorted(IMPORTED), sorted(FROM_CUSTOMERS)))
            statement = (
                f"SELECT 1 FROM thread AS t WHERE {condition.format(*values)}"  # noqa: S608 (no values)
                f" AND t.created >= {parameters.add(first)} AND t.created < {parameters.add(after)}"
                " LIMIT 1"
            )
            if connection.exec_driver_sql(statement, parameters.values).scalar():
                return True
    return False


def _count_by_bucket(
    connection: sa.Connection,
    query: CountQuery,
    counted: tuple[str, str],
    conditions: Iterable[str],
    parameters: _Parameters,
) -> list[list[int]]:
    """Count in all buckets with one statement.

    Args:
        connection: In a transaction.
        query: The query.
        counted: What is counted, from which tables; and the table whose creation time counts.
        conditions: What must hold.
        parameters: The values of the conditions.
    """
    buckets = [list(pairwise(edges)) for edges in query.ranges]
    edges = parameters.add(json.dumps([bucket for some in buckets for bucket in some]))
    what, table = counted
    statement = (
        f"SELECT (SELECT {what} WHERE {table}.created >= bucket.first"  # noqa: S608 (no values)
        f" AND {table}.created < bucket.after AND {' AND '.join(conditions)})"
        f" FROM {_BUCKET_TABLE[connection.dialect.name].format(edges)} ORDER BY bucket.number"
    )
    counts = iter(connection.exec_driver_sql(statement, parameters.values).scalars())
    return [[next(counts) for _ in some] for some in buckets]


class _Parameters:
    """The values of a statement, each with a name that the text contains in its place."""

    def __init__(self, placeholder: str) -> None:
        self.values: dict[str, int | str] = {}
        self._placeholder = placeholder

    def add(self, value: int | str) -> str:
        name = f"given{len(self.values)}"
        self.values[name] = value
        return self._placeholder.format(name)

    def add_all(self, values: Iterable[int | str]) -> str:
        return ", ".join(map(self.add, values))


def _counted_table(query: CountQuery) -> str:
    return "conversation_tag" if query.filter.tags else "conversation"


def _count_expression(query: CountQuery) -> str:
    several = len(query.filter.tags) > 1 and not query.filter.all_tags
    return "count(DISTINCT c.conversation)" if several else "count(*)"


def _conditions(query: CountQuery, parameters: _Parameters) -> Iterator[str]:
    which, need = query.filter, query.conversations
    yield _among("state", sorted(which.states), parameters)
    if which.excluded_statuses:
        yield f"c.status NOT IN ({parameters.add_all(sorted(which.excluded_statuses))})"
    if which.types:
        yield _among("type", sorted(which.types), parameters)
    if need.mailboxes:
        yield _among("mailbox", sorted(need.mailboxes), parameters)
    if need.folders:
        yield _among("folder", sorted(need.folders), parameters)


def _tag_conditions(query: CountQuery, parameters: _Parameters) -> Iterator[str]:
    """The tags, where the table has a row for each tag."""
    which = query.filter
    tags = sorted(which.tags)
    if tags and which.all_tags:
        yield _among("tag", tags[:1], parameters)
        yield from (_HAS_TAG.format(parameters.add(tag)) for tag in tags[1:])
    elif tags:
        yield _among("tag", tags, parameters)


def _having_tags(query: CountQuery, parameters: _Parameters) -> Iterator[str]:
    """The tags, where the table has a row for each conversation."""
    which = query.filter
    tags = sorted(which.tags)
    groups = [[tag] for tag in tags] if which.all_tags else [tags] if tags else []
    for group in groups:
        yield _WITH_TAG.format(parameters.add_all(group))


def _among(column: str, values: list[Any], parameters: _Parameters) -> str:
    if len(values) == 1:
        return f"c.{column} = {parameters.add(values[0])}"
    return f"c.{column} IN ({parameters.add_all(values)})"

"""Counts conversations and messages in the database, with one statement for each question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from compat.archive.connections import sa
from compat.archive.statements import (
    Parameters,
    among,
    conversation_conditions,
    is_uncertain,
    tag_conditions,
)
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
_HAS_TAG: Final = (
    "EXISTS (SELECT 1 FROM conversation_tag AS other WHERE other.tag = {}"
    " AND other.created = c.created AND other.conversation = c.conversation)"
)
_MESSAGES: Final = "thread AS t JOIN conversation AS c ON c.id = t.conversation"
_IS_MESSAGE: Final = (
    "t.state = 'published' AND t.action NOT IN ({}) AND t.type IN ({})"
    " AND (t.type = 'customer' OR t.author_type = 'customer')"
)
"""The same as `compat.core.activity.customer_messages`, if all authors are known."""


def count(connection: sa.Connection, query: CountQuery) -> list[list[int]]:
    """Count in one statement, bucket by bucket, on an index alone.

    One count for each bucket is faster than one GROUP BY, with and without tags, as long as the
    index contains all columns of the query.
    """
    parameters = Parameters(connection)
    conditions = [*conversation_conditions(query, parameters), *_rows_with_tags(query, parameters)]
    one = f"{_count_expression(query)} FROM {_counted_table(query)} AS c"
    return _count_by_bucket(connection, query, (one, "c"), conditions, parameters)


def count_messages(connection: sa.Connection, query: CountQuery) -> list[list[int]] | None:
    """Count the messages of customers, bucket by bucket.

    Returns:
        For each range the number in each of its buckets; None if that may depend on a value that
        is unknown.
    """
    if is_uncertain(connection, query):
        return None
    parameters = Parameters(connection)
    conditions = [
        _IS_MESSAGE.format(*map(parameters.add_all, (sorted(IMPORTED), sorted(FROM_CUSTOMERS)))),
        *conversation_conditions(query, parameters),
        *tag_conditions(query, parameters),
    ]
    one = f"count(*) FROM {_MESSAGES}"
    return _count_by_bucket(connection, query, (one, "t"), conditions, parameters)


def _count_by_bucket(
    connection: sa.Connection,
    query: CountQuery,
    counted: tuple[str, str],
    conditions: Iterable[str],
    parameters: Parameters,
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


def _counted_table(query: CountQuery) -> str:
    return "conversation_tag" if query.filter.tags else "conversation"


def _count_expression(query: CountQuery) -> str:
    several = len(query.filter.tags) > 1 and not query.filter.all_tags
    return "count(DISTINCT c.conversation)" if several else "count(*)"


def _rows_with_tags(query: CountQuery, parameters: Parameters) -> Iterator[str]:
    """The tags, where the table has a row for each tag."""
    which = query.filter
    tags = sorted(which.tags)
    if tags and which.all_tags:
        yield among("c.tag", tags[:1], parameters)
        yield from (_HAS_TAG.format(parameters.add(tag)) for tag in tags[1:])
    elif tags:
        yield among("c.tag", tags, parameters)

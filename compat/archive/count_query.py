"""Counting in the database: one statement, which counts bucket by bucket on an index alone.

A count for each bucket is ahead of one grouping of everything, with and without tags, as long as
the index holds all that is asked: a grouping computes a number for each row and looks it up. The
statement is put together as text; to build it of objects took longer than a month's count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from compat.archive.sql import sa
from compat.core.counting import CountQuery

_BUCKETS: Final[Mapping[str, str]] = {
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
_NAMED: Final[Mapping[str, str]] = {"sqlite": ":{}", "postgresql": "%({})s"}
"""How a statement names a value that is given beside it."""

_EACH_TAG: Final = (
    "EXISTS (SELECT 1 FROM conversation_tag AS other WHERE other.tag = {}"
    " AND other.created = c.created AND other.conversation = c.conversation)"
)


def count(connection: sa.Connection, tally: CountQuery) -> list[list[int]]:
    """The counts of a tally.

    Folders are taken for home folders; what views show is not known to a database.
    """
    buckets = [list(pairwise(edges)) for edges in tally.ranges]
    given = _Given(_NAMED[connection.dialect.name])
    edges = given.name(json.dumps([bucket for some in buckets for bucket in some]))
    conditions = " AND ".join(_conditions(tally, given))
    statement = (
        f"SELECT (SELECT {_how_many(tally)} FROM {_table(tally)} AS c"  # noqa: S608 (no values)
        f" WHERE c.created >= bucket.first AND c.created < bucket.after AND {conditions})"
        f" FROM {_BUCKETS[connection.dialect.name].format(edges)} ORDER BY bucket.number"
    )
    counts = iter(connection.exec_driver_sql(statement, given.values).scalars())
    return [[next(counts) for _ in some] for some in buckets]


class _Given:
    """Values of a statement, each under a name that stands for it in the text."""

    def __init__(self, named: str) -> None:
        self.values: dict[str, int | str] = {}
        self._named = named

    def name(self, value: int | str) -> str:
        name = f"given{len(self.values)}"
        self.values[name] = value
        return self._named.format(name)

    def names(self, values: Iterable[int | str]) -> str:
        return ", ".join(map(self.name, values))


def _table(tally: CountQuery) -> str:
    return "conversation_tag" if tally.filter.tags else "conversation"


def _how_many(tally: CountQuery) -> str:
    several = len(tally.filter.tags) > 1 and not tally.filter.all_tags
    return "count(DISTINCT c.conversation)" if several else "count(*)"


def _conditions(tally: CountQuery, given: _Given) -> Iterator[str]:
    which, need = tally.filter, tally.conversations
    yield _among("state", sorted(which.states), given)
    if which.excluded_statuses:
        yield f"c.status NOT IN ({given.names(sorted(which.excluded_statuses))})"
    if which.types:
        yield _among("type", sorted(which.types), given)
    if need.mailboxes:
        yield _among("mailbox", sorted(need.mailboxes), given)
    if need.folders:
        yield _among("folder", sorted(need.folders), given)
    tags = sorted(which.tags)
    if tags and which.all_tags:
        yield _among("tag", tags[:1], given)
        yield from (_EACH_TAG.format(given.name(tag)) for tag in tags[1:])
    elif tags:
        yield _among("tag", tags, given)


def _among(column: str, values: list[Any], given: _Given) -> str:
    if len(values) == 1:
        return f"c.{column} = {given.name(values[0])}"
    return f"c.{column} IN ({given.names(values)})"

"""Counting in the database: one statement, which counts bucket by bucket on an index alone.

A count for each bucket is ahead of one grouping of everything, with and without tags, as long as
the index holds all that is asked: a grouping computes a number for each row and looks it up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from compat.archive import schema
from compat.archive.sql import postgresql, sa
from compat.tally import Filter, Tally

_EDGES: Final = "edges"


def count(connection: sa.Connection, tally: Tally) -> list[list[int]]:
    """The counts of a tally.

    Folders are taken for home folders; what views show is not known to a database.
    """
    buckets = [list(pairwise(edges)) for edges in tally.ranges]
    given = {_EDGES: json.dumps([bucket for some in buckets for bucket in some])}
    statement = _statement(connection.dialect.name, tally)
    counts: Iterator[int] = iter(connection.execute(statement, given).scalars())
    return [[next(counts) for _ in some] for some in buckets]


def _statement(dialect: str, tally: Tally) -> sa.Select[Any]:
    """A count for each bucket, in their order."""
    bucket, first, after = _buckets(dialect)
    created = _table(tally.filter).c.created
    counted = sa.select(_how_many(tally.filter)).where(
        created >= first, created < after, *_conditions(tally)
    )
    each = counted.correlate(bucket).scalar_subquery()
    return sa.select(each).select_from(bucket).order_by(bucket.c.key)


def _buckets(
    dialect: str,
) -> tuple[sa.TableValuedAlias, sa.ColumnElement[int], sa.ColumnElement[int]]:
    """The buckets, read from a parameter; their first second, and the first one after."""
    edges = sa.bindparam(_EDGES, type_=sa.Text())
    if dialect == "sqlite":
        bucket = sa.func.json_each(edges).table_valued("key", "value", name="bucket")
        value = bucket.c.value
        return bucket, sa.func.json_extract(value, "$[0]"), sa.func.json_extract(value, "$[1]")
    rows = sa.func.jsonb_array_elements(sa.cast(edges, postgresql.JSONB))
    column = sa.column("value", postgresql.JSONB)
    bucket = rows.table_valued(column, with_ordinality="key", name="bucket").render_derived()
    first, after = (sa.cast(bucket.c.value[end].astext, sa.BigInteger) for end in (0, 1))
    return bucket, first, after


def _table(which: Filter) -> sa.Table:
    return schema.conversation_tag if which.tags else schema.conversation


def _how_many(which: Filter) -> sa.ColumnElement[int]:
    if len(which.tags) > 1 and not which.each_tag:
        return sa.func.count(sa.distinct(schema.conversation_tag.c.conversation))
    return sa.func.count()


def _conditions(tally: Tally) -> list[sa.ColumnElement[bool]]:
    which, need = tally.filter, tally.need
    table = _table(which).c
    chosen: Sequence[tuple[sa.Column[Any], frozenset[Any]]] = (
        (table.state, which.states),
        (table.type, which.types),
        (table.mailbox, need.mailboxes),
        (table.folder, need.folders),
    )
    conditions = [_among(column, values) for column, values in chosen if values]
    if which.uncounted:
        conditions.append(table.status.not_in(sorted(which.uncounted)))
    return [*conditions, *_tagged(which)]


def _tagged(which: Filter) -> Iterator[sa.ColumnElement[bool]]:
    """A row for each tag of a conversation: with one of the tags asked for, or all of them."""
    table = schema.conversation_tag
    tags = sorted(which.tags)
    if not which.each_tag:
        if tags:
            yield _among(table.c.tag, which.tags)
        return
    yield from (table.c.tag == tag for tag in tags[:1])
    for tag in tags[1:]:
        other = table.alias()
        same = (other.c.created == table.c.created, other.c.conversation == table.c.conversation)
        yield sa.exists().where(other.c.tag == tag, *same).correlate(table)


def _among(column: sa.Column[Any], values: frozenset[Any]) -> sa.ColumnElement[bool]:
    return column == next(iter(values)) if len(values) == 1 else column.in_(sorted(values))

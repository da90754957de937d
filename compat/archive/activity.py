"""Reads the conversations in which something happened, with all of their threads.

A year of a busy team has a million threads, so rows are read as the driver returns them, and
neither columns nor threads that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from compat.archive.connections import sa
from compat.archive.repository import tags_from_text
from compat.archive.statements import Parameters, among, fetch
from compat.archive.threads import COLUMNS, from_columns
from compat.core.intervals import Interval
from compat.core.models import Activity, Row, Thread

_TOUCHED: Final = (
    "SELECT t.conversation FROM thread AS t WHERE t.created {0}"
    " UNION ALL SELECT id FROM conversation WHERE created {0}"
    " UNION ALL SELECT id FROM conversation WHERE closed {0}"
)
_RATED: Final = "SELECT t.conversation FROM thread AS t WHERE t.rating <> 0 AND t.created {0}"
_TAKES_PART: Final = (
    "(c.by_user = 1 AND {0} OR {1} OR EXISTS (SELECT 1 FROM thread AS own"
    " WHERE own.conversation = c.id AND own.author_type = 'user' AND {2})"
    " OR c.id IN (SELECT t.conversation FROM thread AS t"
    " WHERE t.author_type = '' AND t.type IN ('chat', 'beaconchat', '')))"
)
"""The same as `compat.core.activity.takes_part`. Threads without an author have a small index."""
_ROW: Final = ", ".join(f"c.{name}" for name in Row._fields)
_FIELDS: Final = len(Row._fields)
_REST: Final = "c.customer, c.created_by * c.by_user, c.closed, c.closed_by, c.number"
_THREAD: Final = ", ".join(f"t.{name}" for name in COLUMNS)
_ALL: Final = 1 << 62


def touched(
    connection: sa.Connection,
    spans: Sequence[Interval],
    users: Collection[int] = (),
    *,
    rated: bool,
    is_needed: Callable[[Row], bool],
) -> list[Activity]:
    """The conversations in which something happened in some intervals, each once, sorted by id.

    They have a thread created there, or were themselves created or closed there.

    Args:
        connection: In a transaction.
        spans: Disjoint intervals, epoch seconds UTC.
        users: Only those that one of these users began, wrote a thread of, or last closed, or may
            have written in, as a chat does not show who did; all if empty.
        rated: Only those that have a thread with a rating created in the intervals.
        is_needed: Whether a conversation is needed.
    """
    if not spans:
        return []
    parameters = Parameters(connection)
    ids = " UNION ALL ".join(_touched(span, parameters, rated=rated) for span in spans)
    conditions = [f"c.id IN ({ids})"]
    if users:
        names = ("c.created_by", "c.closed_by", "own.author")
        conditions.append(
            _TAKES_PART.format(*(among(name, sorted(users), parameters) for name in names))
        )
    return _load(connection, conditions, parameters, is_needed)


def unread(connection: sa.Connection, span: Interval, most: int | None = None) -> list[int]:
    """The ids of conversations in which something happened, whose threads are not known completely.

    Args:
        connection: In a transaction.
        span: When it happened: it was created or closed then, or has a stored thread from then.
        most: How many, at most; all if None.
    """
    parameters = Parameters(connection)
    touched = _touched(span, parameters)
    statement = (
        f"SELECT conversation FROM unread_threads WHERE conversation IN ({touched})"  # noqa: S608 (no values)
        f" LIMIT {parameters.add(_ALL if most is None else most)}"
    )
    return [id_ for (id_,) in fetch(connection, statement, parameters)]


def not_seen_since(connection: sa.Connection, span: Interval, since: int) -> list[int]:
    """The ids of conversations in which something happened, that were last seen before a second."""
    parameters = Parameters(connection)
    touched = _touched(span, parameters)
    statement = (
        f"SELECT id FROM conversation WHERE id IN ({touched})"  # noqa: S608 (no values)
        f" AND seen < {parameters.add(since)} ORDER BY created, id"
    )
    return [id_ for (id_,) in fetch(connection, statement, parameters)]


def by_id(connection: sa.Connection, ids: Collection[int]) -> list[Activity]:
    """Conversations by their ids, sorted by id, without unknown ones."""
    parameters = Parameters(connection)
    return _load(connection, [f"c.id IN {parameters.add_list(ids)}"], parameters, lambda _: True)


def _touched(span: Interval, parameters: Parameters, *, rated: bool = False) -> str:
    between = f"BETWEEN {parameters.add(span.first)} AND {parameters.add(span.last)}"
    return (_RATED if rated else _TOUCHED).format(between)


def _load(
    connection: sa.Connection,
    conditions: Collection[str],
    parameters: Parameters,
    is_needed: Callable[[Row], bool],
) -> list[Activity]:
    statement = (
        f"SELECT {_ROW}, {_REST} FROM conversation AS c"  # noqa: S608 (no values)
        f" WHERE {' AND '.join(conditions)} ORDER BY c.id"
    )
    found = [
        (row, rest)
        for row, rest in map(_split, fetch(connection, statement, parameters))
        if is_needed(row)
    ]
    threads = _threads(connection, [row.id for row, _ in found])
    return [Activity(row, tuple(sorted(threads[row.id])), *rest) for row, rest in found]


def _split(columns: tuple[Any, ...]) -> tuple[Row, tuple[Any, ...]]:
    """The row of a conversation, and the other fields of an activity except the threads."""
    *fields, tags = columns[:_FIELDS]
    return Row._make((*fields, tags_from_text(tags))), columns[_FIELDS:]


def _threads(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[Thread]]:
    """The threads of conversations in no particular order, by the conversation's id."""
    parameters = Parameters(connection)
    statement = (
        f"SELECT {_THREAD}, t.conversation FROM thread AS t"  # noqa: S608 (no values)
        f" WHERE t.conversation IN {parameters.add_list(ids)}"
    )
    found: dict[int, list[Thread]] = {id_: [] for id_ in ids}
    for columns in fetch(connection, statement, parameters):
        found[columns[-1]].append(from_columns(columns))
    return found

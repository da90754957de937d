"""Reads and writes the threads of conversations.

Functions that take ids take a batch of at most as many as one statement can name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, Final

from compat.archive import repository, schema
from compat.archive.connections import sa
from compat.archive.records import ShownThreads
from compat.archive.repository import Columns, batches
from compat.core.models import UNKNOWN_RATING, Rating, Thread
from compat.v2.search import format_timestamp

_COLUMN_OF: Final[Mapping[str, str]] = {"by": "author_type"}
"""The columns that have another name than the field of a thread."""

_RATING_COLUMNS: Final = tuple(f"rating_{name}" for name in Rating._fields[1:])
"""The columns of a rating, apart from its value in `rating`."""

COLUMNS: Final = (*(_COLUMN_OF.get(each, each) for each in Thread._fields), *_RATING_COLUMNS)
"""The names of the columns that `from_columns` makes a thread of."""

_THREAD: Final = tuple(schema.thread.c[each] for each in COLUMNS)
_RATING: Final = COLUMNS.index("rating")
"""Only `attachments` and the other columns of the rating follow."""
_RATINGS: Final = {1: "great", 2: "okay", 3: "not_good", UNKNOWN_RATING: "unknown"}
_UNRATED: Final = Rating(0)


def from_columns(columns: Sequence[Any]) -> Thread:
    """A thread from its stored columns, of which there may be more at the end."""
    value = columns[_RATING]
    rating = Rating(value, *columns[_RATING + 2 : len(COLUMNS)]) if value else None
    return Thread._make((*columns[:_RATING], rating, bool(columns[_RATING + 1])))


def read(connection: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[Thread, ...]]:
    """The stored threads of a batch of conversations, sorted by creation and id.

    Conversations without one are left out.
    """
    table = schema.thread.c
    query = sa.select(table.conversation, *_THREAD).where(table.conversation.in_(ids))
    return dict(_by_conversation(connection, query))


def rated(connection: sa.Connection) -> Iterator[list[tuple[int, Thread]]]:
    """All threads with a rating in batches, each with the customer of its conversation, 0 if none.

    Args:
        connection: In a transaction. A batch may be changed before the next one is read.
    """
    table, customer = schema.thread.c, schema.conversation.c.customer
    both = schema.thread.outerjoin(
        schema.conversation, schema.conversation.c.id == table.conversation
    )
    query = sa.select(sa.func.coalesce(customer, 0), *_THREAD).select_from(both)
    ids = connection.execute(sa.select(table.id).where(table.rating != 0)).scalars()
    for some in batches(ids):
        found = connection.execute(query.where(table.id.in_(some)))
        yield [(row[0], from_columns(row[1:])) for row in found]


def set_ratings(connection: sa.Connection, ratings: Mapping[int, Rating]) -> None:
    """Store ratings in place of those that threads have, by the thread's id."""
    if ratings:
        table = schema.thread
        rows = [{"which": id_} | _rating_columns(each) for id_, each in ratings.items()]
        connection.execute(table.update().where(table.c.id == sa.bindparam("which")), rows)


def places(connection: sa.Connection, ids: Sequence[int]) -> dict[int, int]:
    """The conversations that have a batch of threads, by the thread's id, without unknown ones."""
    table = schema.thread.c
    query = sa.select(table.id, table.conversation).where(table.id.in_(ids))
    return {thread: conversation for thread, conversation in connection.execute(query)}  # noqa: C416


def replace(connection: sa.Connection, shown: Mapping[int, ShownThreads]) -> None:
    """Store the complete threads of a batch of conversations in place of what was stored of them.

    A thread that was shown later in another conversation stays there: they were merged. The other
    way round, the threads of a conversation that one was taken from are not known any more.

    Args:
        connection: In a transaction.
        shown: The threads, by the conversation's id.
    """
    rows = [
        _columns(id_, thread, each.seen) for id_, each in shown.items() for thread in each.threads
    ]
    kept = [row["id"] for row in rows]
    stored = chain.from_iterable(read(connection, list(shown)).values())
    removed = {thread.id for thread in stored}.difference(kept)
    repository.delete(connection, schema.thread, "id", sorted(removed))
    mark_unread(connection, _others_with(connection, kept, shown))
    repository.upsert(connection, schema.thread, "id", rows, newest=True)
    repository.delete(connection, schema.unread_threads, "conversation", list(shown))


def _others_with(
    connection: sa.Connection, ids: Sequence[int], shown: Mapping[int, ShownThreads]
) -> dict[int, int]:
    """The stored conversations, except some, that have one of these threads; when they began."""
    thread, conversation = schema.thread.c, schema.conversation.c
    query = sa.select(conversation.id, conversation.created).join(
        schema.thread, thread.conversation == conversation.id
    )
    return {
        found.id: found.created
        for some in batches(sorted(ids))
        for found in connection.execute(query.where(thread.id.in_(some)).distinct())
        if found.id not in shown
    }


def mark_unread(connection: sa.Connection, created: Mapping[int, int]) -> None:
    """Note that the threads of some conversations are not known completely.

    Args:
        connection: In a transaction.
        created: When each was created, epoch seconds UTC, by its id.
    """
    rows = [{"conversation": id_, "created": second} for id_, second in created.items()]
    repository.upsert(connection, schema.unread_threads, "conversation", rows)


def unread(connection: sa.Connection, ids: Sequence[int]) -> set[int]:
    """Those of a batch of conversations whose threads are not known completely."""
    table = schema.unread_threads.c
    query = sa.select(table.conversation).where(table.conversation.in_(ids))
    return set(connection.execute(query).scalars())


def to_payload(thread: Thread) -> dict[str, Any]:
    """A thread as Mailbox API 2.0 shows it, without texts and names, apart from its rating's.

    Those names have keys of their own, `_customerName` and `_userName`.
    """
    by = {"id": thread.author, "type": thread.by}
    payload: dict[str, Any] = {
        "id": thread.id,
        "type": thread.type or None,
        "status": thread.status or "nochange",
        "state": thread.state or None,
        "action": {"type": thread.action},
        "source": {"type": thread.source},
        "createdBy": {name: value for name, value in by.items() if value},
        "savedReplyId": thread.saved_reply,
        "createdAt": format_timestamp(thread.created),
    }
    payload |= {"customer": {"id": thread.customer}} if thread.customer else {}
    payload |= {"rating": _rating_to_payload(thread.rating)} if thread.rating else {}
    payload |= {"_embedded": {"attachments": [{}]}} if thread.attachments else {}
    return payload


def _rating_to_payload(rating: Rating) -> dict[str, Any]:
    return {
        "customerId": rating.customer,
        "rating": _RATINGS[rating.value],
        "comments": rating.comments,
        "_customerName": rating.customer_name,
        "_userName": rating.user_name,
    }


def set_kept(connection: sa.Connection, *, kept: bool) -> None:
    """Keep threads from now on, or erase them all and keep none.

    Args:
        connection: In a transaction.
        kept: Whether they are kept. All stored conversations are then to be read again.
    """
    connection.execute(schema.state.update().values(threads=int(kept)))
    for table in (schema.thread, schema.unread_threads):
        connection.execute(table.delete())
    if kept:
        source = sa.select(schema.conversation.c.id, schema.conversation.c.created)
        columns = ["conversation", "created"]
        connection.execute(schema.unread_threads.insert().from_select(columns, source))


def _by_conversation(
    connection: sa.Connection, query: sa.Select[Any]
) -> Iterator[tuple[int, tuple[Thread, ...]]]:
    """Threads by conversation, in the order of ids; a query selects the id and the columns."""
    table = schema.thread.c
    ordered = query.order_by(table.conversation, table.created, table.id)
    found = connection.execute(ordered)
    for id_, rows in groupby(found, key=lambda row: row[0]):
        yield id_, tuple(from_columns(row[1:]) for row in rows)


def _columns(conversation: int, thread: Thread, seen: int) -> Columns:
    fields = {_COLUMN_OF.get(name, name): value for name, value in thread._asdict().items()}
    return {
        **fields,
        **_rating_columns(thread.rating or _UNRATED),
        "attachments": int(thread.attachments),
        "conversation": conversation,
        "seen": seen,
    }


def _rating_columns(rating: Rating) -> dict[str, Any]:
    value, *others = rating
    return {"rating": value, **dict(zip(_RATING_COLUMNS, others, strict=True))}

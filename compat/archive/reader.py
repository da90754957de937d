"""Reads one committed state of an archive: coverage, rows, counts, lists and documents."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, Final, NamedTuple

from compat.archive import (
    activity,
    counts,
    coverage,
    documents,
    ratings,
    repository,
    schema,
    threads,
)
from compat.archive.connections import sa
from compat.archive.ratings import CountedRatings
from compat.archive.records import INDEX_LAG, LAYERS, RECENT_THREADS, THREADS_KNOWN
from compat.archive.repository import batches, tags_from_text
from compat.core import intervals
from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.counting import CountQuery
from compat.core.intervals import Coverage, Interval
from compat.core.models import (
    Activity,
    Document,
    ListItem,
    ListKind,
    ListQuery,
    Row,
    Thread,
)

_STATE: Final = "SELECT version, slim, sealed_at, kept_since, threads FROM state"
_HAS_UNKNOWN: Final = "SELECT " + ", ".join(  # noqa: S608 (no values)
    f"EXISTS (SELECT 1 FROM conversation WHERE {name} IS NULL)"  # noqa: S608 (no values)
    for name in schema.CAN_BE_UNKNOWN
)
_ROW: Final = tuple(schema.conversation.c[name] for name in Row._fields)
_COVERED: Final = (
    sa.select(*(schema.known.c[name] for name in ("layer", "first", "last", "as_of")))
    .where(schema.known.c.layer.in_(LAYERS))
    .order_by(schema.known.c.first)
)
_ITEM: Final = tuple(schema.menu_item.c[name] for name in ListItem._fields)


class UnknownColumn(NamedTuple):
    """Conversations in which a value is unknown: how many, and the id of the newest."""

    rows: int
    newest: int


class Snapshot:
    """One committed state of an archive; made by `Archive.reading`, and valid within it.

    Attributes:
        version: A number that grows with each commit that changes conversations, coverage or lists.
        slim: Whether subjects, previews, names, addresses and comments are left out.
        sealed_at: When the account was closed, epoch seconds UTC; None if it is open.
        kept_since: Conversations created before this second are not stored, epoch seconds UTC; None
            if all are stored.
        keeps_threads: Whether the threads of conversations are stored.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        # The first statement of the transaction decides which state all others see.
        state = connection.exec_driver_sql(_STATE).one()
        self.version: int = state.version
        self.slim = bool(state.slim)
        self.sealed_at: int | None = state.sealed_at
        self.kept_since: int | None = state.kept_since
        self.keeps_threads = bool(state.threads)

    def coverage(self) -> list[Coverage]:
        """What is covered in all layers, as of the oldest of them: answers may rely on it."""
        layers: dict[str, list[Coverage]] = {name: [] for name in LAYERS}
        for layer, first, last, as_of in self._connection.execute(_COVERED):
            layers[layer].append(Coverage(Interval(first, last), as_of))
        return reduce(intervals.intersection, layers.values())

    def layer_coverage(self, name: str) -> list[Coverage]:
        """The coverage of one layer, as disjoint intervals in ascending order."""
        return coverage.layer_coverage(self._connection, name)

    def activity_coverage(self) -> list[Coverage]:
        """The interval of thread time in which every thread is known; none if there is none.

        A thread may stand on a conversation of any age. So all conversations since the beginning
        must be covered, and the threads of each must be known. Merges move threads between
        conversations that are read one after the other: only a note of the run that has dealt
        with them says that none is missing that was created before, less the margin for
        upstream's index.

        Before that, a first fill may know recent threads: of each conversation that was modified
        since some second. It then goes on with conversations that have older threads alone. They
        need not be known, so the interval begins with that second.
        """
        if not self.keeps_threads or self.kept_since is not None:
            return []
        as_of: int | None = self.get_note(THREADS_KNOWN)
        if as_of is None:
            recent = self.recent_threads()
            return [] if recent is None or self.unread_in(recent.interval, 1) else [recent]
        covered = self.coverage()
        spans = intervals.union(known.interval for known in covered)
        if not spans or spans[0].first > FIRST_SECOND or self.unread_threads(1):
            return []
        last = spans[0].last if self._is_sealed_before(as_of - INDEX_LAG) else as_of - INDEX_LAG
        return [Coverage(Interval(FIRST_SECOND, min(last, spans[0].last)), as_of)]

    def recent_threads(self) -> Coverage | None:
        """The interval of thread time that a first fill has read before all others; None if none.

        All threads in it are known if the conversations in which something happened then have no
        unread threads.
        """
        note: Mapping[str, int] | None = self.get_note(RECENT_THREADS)
        if note is None:
            return None
        as_of = note["as_of"]
        last = LAST_SECOND if self._is_sealed_before(as_of - INDEX_LAG) else as_of - INDEX_LAG
        return Coverage(Interval(note["since"], last), as_of)

    def unread_in(self, span: Interval, most: int | None = None) -> list[int]:
        """The conversations in which something happened, whose threads are not known completely.

        Args:
            span: When it happened: they were created or closed then, or have a stored thread from
                then.
            most: How many, at most; all if None.

        Returns:
            Their ids, in no particular order.
        """
        if not self.unread_threads(1):
            return []
        return activity.unread(self._connection, span, most)

    def not_seen_in(self, span: Interval, since: int) -> list[int]:
        """The conversations in which something happened, that were last seen before a second.

        Args:
            span: When it happened, as in `unread_in`.
            since: The second, epoch UTC by upstream's clock.

        Returns:
            Their ids, sorted by creation and id.
        """
        return activity.not_seen_since(self._connection, span, since)

    def unread_threads(self, most: int) -> list[tuple[int, int]]:
        """The conversations whose threads are not known completely, those created last first.

        Args:
            most: How many, at most.

        Returns:
            The id of each, and when it was created, epoch seconds UTC.
        """
        table = schema.unread_threads.c
        order = (table.created.desc(), table.conversation.desc())
        query = sa.select(table.conversation, table.created).order_by(*order).limit(most)
        return [(found.conversation, found.created) for found in self._connection.execute(query)]

    def unread_thread_count(self) -> int:
        """How many conversations there are whose threads are not known completely."""
        query = sa.select(sa.func.count()).select_from(schema.unread_threads)
        return int(self._connection.execute(query).scalar_one())

    def activities(
        self,
        spans: Iterable[Interval],
        users: Collection[int] = (),
        *,
        rated: bool = False,
        is_needed: Callable[[Row], bool] = lambda _: True,
    ) -> list[Activity]:
        """The conversations in which something happened in some intervals, each once, with threads.

        They have a thread created there, or were themselves created or closed there.

        Args:
            spans: Intervals of time, epoch seconds UTC; they may overlap, and need not be covered.
            users: Only those that one of these users began, wrote a thread of, or last closed; all
                if empty.
            rated: Only those that have a thread with a rating created in the intervals.
            is_needed: Whether a conversation is needed.
        """
        return activity.touched(
            self._connection, intervals.union(spans), users, rated=rated, is_needed=is_needed
        )

    def activities_by_id(self, ids: Collection[int]) -> list[Activity]:
        """Conversations with their threads, sorted by id, without unknown ones."""
        return activity.by_id(self._connection, ids) if ids else []

    def unread_among(self, ids: Sequence[int]) -> set[int]:
        """Those of some conversations whose threads are not known completely."""
        return {id_ for some in batches(ids) for id_ in threads.unread(self._connection, some)}

    def threads_of(self, ids: Sequence[int]) -> dict[int, tuple[Thread, ...]]:
        """The stored threads of conversations, by id, without those that have none."""
        return {
            id_: found
            for some in batches(ids)
            for id_, found in threads.read(self._connection, some).items()
        }

    def conversations_of_threads(self, ids: Sequence[int]) -> dict[int, int]:
        """The conversations that have some threads, by the thread's id, without unknown ones."""
        return {
            thread: conversation
            for some in batches(ids)
            for thread, conversation in threads.places(self._connection, some).items()
        }

    def rows(
        self, spans: Iterable[Interval], *, mailboxes: Collection[int] = frozenset()
    ) -> list[Row]:
        """The conversations created in some intervals, each once, sorted by creation and id.

        Args:
            spans: Intervals of creation time; they may overlap, and need not be covered.
            mailboxes: Only conversations in one of these mailboxes, or in an unknown one; in any if
                empty.
        """
        table = schema.conversation.c
        chosen = (
            [table.mailbox.in_(sorted(mailboxes)) | table.mailbox.is_(None)] if mailboxes else []
        )
        found: list[Row] = []
        for span in intervals.union(spans):
            within = table.created.between(span.first, span.last)
            query = sa.select(*_ROW).where(within, *chosen).order_by(table.created, table.id)
            found += map(_row, self._connection.execute(query))
        return found

    def rows_by_id(self, ids: Sequence[int]) -> list[Row]:
        """Conversations by their ids, in no particular order, without unknown ones."""
        return [
            _row(found)
            for some in batches(ids)
            for found in self._connection.execute(
                sa.select(*_ROW).where(schema.conversation.c.id.in_(some))
            )
        ]

    def count(self, query: CountQuery) -> list[list[int]]:
        """Count conversations for each bucket of each range of a query, covered or not.

        The folders of the query must be home folders: views are not stored.

        Raises:
            UnknownValue: The query filters by a value that is unknown.
        """
        self.check_known(query)
        return counts.count(self._connection, query)

    def count_messages(self, query: CountQuery) -> list[list[int]] | None:
        """Count messages of customers for each bucket of each range of a query, covered or not.

        The folders of the query must be home folders.

        Returns:
            The counts; None if they may depend on a value that is unknown.
        """
        return counts.count_messages(self._connection, query)

    def count_ratings(
        self, query: CountQuery, without: Collection[int] = ()
    ) -> list[CountedRatings] | None:
        """Count ratings for each range of a query, covered or not.

        The folders of the query must be home folders.

        Args:
            query: The query.
            without: The ids of conversations that do not count.

        Returns:
            None if they may depend on a value that is unknown.
        """
        return ratings.count(self._connection, query, without)

    def customers_helped(self, query: CountQuery, without: Collection[int] = ()) -> set[int] | None:
        """The ids of the customers who got a reply in the ranges of a query, covered or not.

        Args:
            query: The query.
            without: The ids of conversations that do not count.

        Returns:
            None if that may depend on a value that is unknown. 0 is among them if one is unknown.
        """
        return ratings.customers_helped(self._connection, query, without)

    def check_known(self, query: CountQuery) -> None:
        """Check that a query filters by no value that is unknown in its ranges.

        Raises:
            UnknownValue: It does; the first such conversation is named.
        """
        for row in self._unknown_rows(query):
            query.matches(row)

    def unknown_values(self) -> dict[str, UnknownColumn]:
        """The columns in which values are unknown, by name, without those that have none."""
        table = schema.conversation.c
        found: dict[str, UnknownColumn] = {}
        for name in schema.CAN_BE_UNKNOWN:
            unknown = table[name].is_(None)
            rows = sa.select(sa.func.count()).where(unknown)
            if count := self._connection.execute(rows).scalar_one():
                ids = sa.select(table.id).where(unknown).order_by(table.created.desc(), table.id)
                newest = self._connection.execute(ids.limit(1)).scalar_one()
                found[name] = UnknownColumn(count, newest)
        return found

    def _unknown_rows(self, query: CountQuery) -> Iterator[Row]:
        """The rows in a query's ranges in which a value that it filters by is unknown."""
        table = schema.conversation.c
        filtered = query.filtered_fields
        for name in self._columns_with_unknown() if filtered else ():
            for edges in query.ranges if name in filtered else ():
                within = (table.created >= edges[0]) & (table.created < edges[-1])
                rows = sa.select(*_ROW).where(table[name].is_(None), within)
                found = self._connection.execute(rows.order_by(table.created, table.id))
                yield from map(_row, found)

    def _columns_with_unknown(self) -> list[str]:
        """The columns in which some value is unknown: mostly none, and one statement tells that."""
        found = self._connection.exec_driver_sql(_HAS_UNKNOWN).one()
        return [
            name for name, has_some in zip(schema.CAN_BE_UNKNOWN, found, strict=True) if has_some
        ]

    def chunk_versions(self) -> dict[int, int]:
        """The version in which each chunk of creation time last changed, by its number.

        Chunks that never held a conversation are left out.
        """
        table = schema.chunk.c
        query = sa.select(table.number, table.version)
        return {number: version for number, version in self._connection.execute(query)}  # noqa: C416

    def documents(self, ids: Sequence[int]) -> list[Document]:
        """Conversations in full, in the order of the given ids, without unknown ones.

        Where no document is stored, texts and names are empty.
        """
        found = {id_: documents.from_packed(packed) for id_, packed in self._packed(ids)}
        if missing := [id_ for id_ in ids if id_ not in found]:
            tags = {item.id: item for item in self.list_items(ListQuery("tags")) or ()}
            for each in documents.from_columns(self._connection, missing, tags):
                found[each.id] = each
        return [found[id_] for id_ in ids if id_ in found]

    def raw_documents(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The JSON of conversations as it was received, by id, without those that have none."""
        return {id_: repository.decompress(packed) for id_, packed in self._packed(ids)}

    def list_items(self, query: ListQuery) -> tuple[ListItem, ...] | None:
        """The items of a list, in upstream's order; None if the list was never read."""
        if self.list_seen_at(query) is None:
            return None
        item = schema.menu_item.c
        chosen = [] if query.item is None else [item.id == query.item]
        found = (
            sa.select(*_ITEM)
            .where(item.kind == query.kind, item.parent == query.parent, *chosen)
            .order_by(item.position)
        )
        return tuple(ListItem(*each) for each in self._connection.execute(found))

    def list_seen_at(self, query: ListQuery) -> int | None:
        """When a list was last read, in epoch seconds by upstream's clock; None if never."""
        table = schema.menu.c
        found = sa.select(table.seen).where(table.kind == query.kind, table.parent == query.parent)
        return self._connection.execute(found).scalar()

    def list_parents(self, kind: ListKind) -> list[int]:
        """The ids of the mailboxes or teams of which a list of this kind was read."""
        table = schema.menu.c
        found = sa.select(table.parent).where(table.kind == kind).order_by(table.parent)
        return list(self._connection.execute(found).scalars())

    def folder_types(self) -> dict[int, str]:
        """The type of each folder of the mailboxes whose folders were read, by its id."""
        item = schema.menu_item.c
        query = sa.select(item.id, item.type).where(item.kind == "folders")
        return {folder: type_ for folder, type_ in self._connection.execute(query)}  # noqa: C416

    def seen_at(self, ids: Sequence[int]) -> dict[int, int]:
        """When conversations were last seen, epoch seconds UTC, by id, without unknown ones."""
        table = schema.conversation.c
        return {
            found.id: found.seen
            for some in batches(ids)
            for found in self._connection.execute(
                sa.select(table.id, table.seen).where(table.id.in_(some))
            )
        }

    def conversation_ids(self, span: Interval, *, mailbox: int | None = None) -> list[int]:
        """The ids of the conversations created in an interval, sorted by creation and id."""
        table = schema.conversation.c
        chosen = [table.mailbox == mailbox] if mailbox is not None else []
        query = sa.select(table.id).where(table.created.between(*span), *chosen)
        return list(self._connection.execute(query.order_by(table.created, table.id)).scalars())

    def conversation_count(self) -> int:
        """How many conversations there are, including spam, drafts and other states."""
        query = sa.select(sa.func.count()).select_from(schema.conversation)
        return int(self._connection.execute(query).scalar_one())

    def created_bounds(self) -> Interval | None:
        """From the earliest to the latest creation of a conversation; None if there is none."""
        created = schema.conversation.c.created
        # As two statements, each reads one entry at an end of the index.
        first = self._connection.execute(sa.select(sa.func.min(created))).scalar()
        last = self._connection.execute(sa.select(sa.func.max(created))).scalar()
        return None if first is None or last is None else Interval(first, last)

    def execute(self, query: sa.Select[Any]) -> sa.Result[Any]:
        """The result of a query that a caller composed."""
        return self._connection.execute(query)

    def get_note(self, name: str) -> Any:
        """The value of a note; None if there is none of this name."""
        query = sa.select(schema.note.c.value).where(schema.note.c.name == name)
        value = self._connection.execute(query).scalar()
        return None if value is None else json.loads(value)

    def _is_sealed_before(self, second: int) -> bool:
        """Whether the account was closed, in this second or before: nothing came later."""
        return self.sealed_at is not None and self.sealed_at <= second

    def _packed(self, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for some in batches(ids):
            yield from repository.packed_documents(self._connection, some).items()


def _row(found: Any) -> Row:
    created, id_, mailbox, folder, type_, status, state, tags = found
    type_ = None if type_ is None else sys.intern(type_)
    status, state = map(sys.intern, (status, state))
    return Row(created, id_, mailbox, folder, type_, status, state, tags_from_text(tags))

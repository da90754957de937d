"""Reading an archive: one committed state, asked for coverage, rows, menus and documents."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, Final

from compat.archive import count_query, document_codec, schema
from compat.archive.records import LAYERS
from compat.archive.sql import sa
from compat.core import intervals
from compat.core.counting import CountQuery
from compat.core.intervals import Coverage, Interval
from compat.core.models import Document, ListItem, ListQuery, NamedTag, Person, Row

_BATCH: Final = 500
"""Ids in one statement; databases allow only so many."""

_STATE: Final = "SELECT version, slim, sealed_at, kept_since FROM state"
_ROW: Final = tuple(schema.conversation.c[name] for name in Row._fields)
_COVERED: Final = (
    sa.select(*(schema.known.c[name] for name in ("layer", "first", "last", "as_of")))
    .where(schema.known.c.layer.in_(LAYERS))
    .order_by(schema.known.c.first)
)
_ITEM: Final = tuple(schema.menu_item.c[name] for name in ListItem._fields)


class Snapshot:
    """One committed state of an archive; made by `Archive.reading`, and valid within it.

    Attributes:
        version: Changes with each commit that changed conversations, coverage or menus.
        slim: Whether no subjects, previews, names and addresses are kept.
        sealed_at: When the account was closed for good, epoch seconds UTC; None if it was not.
        kept_since: The second of creation before which nothing is kept; None if all is.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        # The first statement fixes what all others see.
        state = connection.exec_driver_sql(_STATE).one()
        self.version: int = state.version
        self.slim = bool(state.slim)
        self.sealed_at: int | None = state.sealed_at
        self.kept_since: int | None = state.kept_since

    def coverage(self) -> list[Coverage]:
        """What answers may rely on: covered in all layers, as of the oldest of them."""
        layers: dict[str, list[Coverage]] = {name: [] for name in LAYERS}
        for layer, first, last, as_of in self._connection.execute(_COVERED):
            layers[layer].append(Coverage(Interval(first, last), as_of))
        return reduce(intervals.intersection, layers.values())

    def layer(self, name: str) -> list[Coverage]:
        """What is covered in one layer, as disjoint ascending spans."""
        return layer_of(self._connection, name)

    def rows(
        self, spans: Iterable[Interval], *, mailboxes: Collection[int] = frozenset()
    ) -> list[Row]:
        """The conversations created in some spans, each once, sorted by creation and id.

        Args:
            spans: Seconds of creation; they may overlap, and need not be covered.
            mailboxes: Only conversations in one of these; in any if empty.
        """
        table = schema.conversation.c
        chosen = [table.mailbox.in_(sorted(mailboxes))] if mailboxes else []
        found: list[Row] = []
        for span in intervals.union(spans):
            within = table.created.between(span.first, span.last)
            query = sa.select(*_ROW).where(within, *chosen).order_by(table.created, table.id)
            found += map(_row, self._connection.execute(query))
        return found

    def rows_of(self, ids: Sequence[int]) -> list[Row]:
        """Conversations by their ids, in no particular order; unknown ones left out."""
        return [
            _row(found)
            for some in batches(ids)
            for found in self._connection.execute(
                sa.select(*_ROW).where(schema.conversation.c.id.in_(some))
            )
        ]

    def count(self, tally: CountQuery) -> list[list[int]]:
        """The counts of a tally, whose folders must be home folders; covered or not."""
        return count_query.count(self._connection, tally)

    def chunks(self) -> dict[int, int]:
        """For each chunk of creation time that ever held something, when it last changed."""
        table = schema.chunk.c
        query = sa.select(table.number, table.version).order_by(table.number)
        return {number: version for number, version in self._connection.execute(query)}  # noqa: C416

    def documents(self, ids: Sequence[int]) -> list[Document]:
        """Conversations in full, in the order of their ids given; unknown ones left out.

        Where no document is kept, texts and names are empty.
        """
        kept = {id_: document_codec.shown(packed) for id_, packed in self._packed(ids)}
        lacking = [id_ for id_ in ids if id_ not in kept]
        kept |= {each.id: each for each in self._bare(lacking)}
        return [kept[id_] for id_ in ids if id_ in kept]

    def raw_documents(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The JSON of conversations as it was received, by id; those without any left out."""
        return {id_: document_codec.unpacked(packed) for id_, packed in self._packed(ids)}

    def menu(self, menu: ListQuery) -> tuple[ListItem, ...] | None:
        """What a menu shows, in upstream's order; None if it was never read."""
        table = schema.menu_item.c
        if self.menu_seen(menu) is None:
            return None
        query = sa.select(*_ITEM).where(table.kind == menu.kind, table.mailbox == menu.mailbox)
        return tuple(
            ListItem(*item) for item in self._connection.execute(query.order_by(table.position))
        )

    def menu_seen(self, menu: ListQuery) -> int | None:
        """When a menu was read, by upstream's clock; None if never."""
        table = schema.menu.c
        query = sa.select(table.seen).where(table.kind == menu.kind, table.mailbox == menu.mailbox)
        return self._connection.execute(query).scalar()

    def folders(self) -> dict[int, str]:
        """The types of the folders of all mailboxes that were read, by their ids."""
        item = schema.menu_item.c
        query = sa.select(item.id, item.type).where(item.kind == "folders")
        return {folder: type_ for folder, type_ in self._connection.execute(query)}  # noqa: C416

    def seen(self, ids: Sequence[int]) -> dict[int, int]:
        """When conversations were last seen, by id; unknown ones left out."""
        table = schema.conversation.c
        return {
            found.id: found.seen
            for some in batches(ids)
            for found in self._connection.execute(
                sa.select(table.id, table.seen).where(table.id.in_(some))
            )
        }

    def ids(self, span: Interval, *, mailbox: int | None = None) -> list[int]:
        """The conversations created in a span, sorted by creation and id."""
        table = schema.conversation.c
        chosen = [table.mailbox == mailbox] if mailbox is not None else []
        query = sa.select(table.id).where(table.created.between(*span), *chosen)
        return list(self._connection.execute(query.order_by(table.created, table.id)).scalars())

    def size(self) -> int:
        """How many conversations there are, spam, drafts and the like included."""
        query = sa.select(sa.func.count()).select_from(schema.conversation)
        return int(self._connection.execute(query).scalar_one())

    def bounds(self) -> Interval | None:
        """The first and the last second of creation there is; None of an empty archive."""
        created = schema.conversation.c.created
        # Apart, each is one look at the end of the index.
        first = self._connection.execute(sa.select(sa.func.min(created))).scalar()
        last = self._connection.execute(sa.select(sa.func.max(created))).scalar()
        return None if first is None or last is None else Interval(first, last)

    def ask(self, query: sa.Select[Any]) -> sa.Result[Any]:
        """What a query of one's own brings."""
        return self._connection.execute(query)

    def note(self, name: str) -> Any:
        """What was noted under a name; None if nothing was."""
        query = sa.select(schema.note.c.value).where(schema.note.c.name == name)
        value = self._connection.execute(query).scalar()
        return None if value is None else json.loads(value)

    def _packed(self, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for some in batches(ids):
            yield from packed_of(self._connection, some).items()

    def _bare(self, ids: Sequence[int]) -> Iterator[Document]:
        """Documents made of the columns alone."""
        table = schema.conversation
        names = {item.id: item for item in self.menu(ListQuery("tags")) or ()} if ids else {}
        for some in batches(ids):
            for found in self._connection.execute(sa.select(table).where(table.c.id.in_(some))):
                yield _bare_document(found, names)


def layer_of(connection: sa.Connection, name: str) -> list[Coverage]:
    """What is covered in a layer, as disjoint ascending spans."""
    table = schema.known.c
    query = sa.select(table.first, table.last, table.as_of).where(table.layer == name)
    return [
        Coverage(Interval(first, last), as_of)
        for first, last, as_of in connection.execute(query.order_by(table.first))
    ]


def packed_of(connection: sa.Connection, ids: Collection[int]) -> dict[int, bytes]:
    """The kept documents of a batch of conversations."""
    table = schema.document.c
    query = sa.select(table.conversation, table.packed).where(table.conversation.in_(ids))
    return {conversation: bytes(kept) for conversation, kept in connection.execute(query)}


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Ids in portions that fit into a statement."""
    for first in range(0, len(ids), _BATCH):
        yield ids[first : first + _BATCH]


def tags_text(tags: Iterable[int]) -> str:
    """Ids of tags as they are kept."""
    return ",".join(map(str, tags))


def tags_of(text: str) -> tuple[int, ...]:
    """The ids of tags out of the text they are kept in."""
    return tuple(map(int, text.split(","))) if text else ()


def _row(found: Any) -> Row:
    created, id_, mailbox, folder, type_, status, state, tags = found
    type_, status, state = map(sys.intern, (type_, status, state))
    return Row(created, id_, mailbox, folder, type_, status, state, tags_of(tags))


def _bare_document(found: Any, names: dict[int, ListItem]) -> Document:
    tags = [names.get(tag, ListItem(tag, "")) for tag in tags_of(found.tags)]
    return Document(
        id=found.id,
        number=found.number,
        type=found.type,
        mailbox=found.mailbox,
        subject="",
        status=found.status,
        threads=found.threads,
        preview="",
        customer=Person(max(found.customer, 0)),  # a surrogate is shown to nobody
        assignee=Person(found.assignee),
        updated=found.created if found.updated is None else found.updated,
        waiting_since=found.created if found.waiting_since is None else found.waiting_since,
        tags=tuple(NamedTag(tag.id, tag.name, tag.color) for tag in tags),
    )

"""Writing to an archive: sightings, coverage, menus; all of it in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from compat import coverage
from compat.archive import packing, schema
from compat.archive.errors import LockLost
from compat.archive.reading import batches, layer_of, packed_of, tags_of, tags_text
from compat.archive.sighting import LAYERS, Sighting
from compat.archive.sql import postgresql, sa, sqlite
from compat.coverage import Known, Span
from compat.needs import Menu, MenuItem
from compat.tally import UNTAGGED

_INSERT: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
_COUNTED: Final = ("created", "mailbox", "folder", "type", "status", "state", "tags")
"""The columns that counting looks at."""


class Writer:
    """One transaction on an archive; made by `Archive.writing`, and valid within it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._changed = False
        self._chunks: set[int] = set()
        state = connection.execute(sa.select(schema.state)).one()
        self._slim = bool(state.slim)
        self._kept_since: int | None = state.kept_since

    def see(self, sightings: Iterable[Sighting]) -> int:
        """Put down what was seen of conversations; what was seen later already stays as it is.

        Returns:
            How many conversations are new or changed.
        """
        latest: dict[int, Sighting] = {}
        for sighting in sightings:
            earlier = latest.get(sighting.row.id)
            if earlier is None or sighting.seen >= earlier.seen:
                latest[sighting.row.id] = sighting
        return sum(self._see([latest[id_] for id_ in some]) for some in batches(list(latest)))

    def know(self, layer: str, known: Known) -> None:
        """Put down that a span is covered in a layer; where younger coverage is, that stays."""
        if self._kept_since is not None:
            if known.span.last < self._kept_since:
                return
            kept = Span(max(known.span.first, self._kept_since), known.span.last)
            known = Known(kept, known.as_of)
        before = layer_of(self._connection, layer)
        younger = [part.span for part in before if part.as_of > known.as_of]
        after: Sequence[Known] = before
        for part in coverage.without([known.span], younger):
            after = coverage.learn(after, Known(part, known.as_of))
        self._set_layer(layer, before, coverage.joined(after))

    def unknow(self, span: Span, layers: Iterable[str] = LAYERS) -> None:
        """Take coverage back: the span is not known any more."""
        for layer in layers:
            before = layer_of(self._connection, layer)
            after = [
                Known(part, as_of)
                for kept, as_of in before
                for part in coverage.without([kept], [span])
            ]
            self._set_layer(layer, before, after)

    def remove(self, ids: Collection[int], seen: int) -> int:
        """Take out conversations that were found gone; earlier sightings do not bring them back.

        Args:
            ids: Conversations that upstream says are deleted or merged.
            seen: The second at which it was asked, by its clock; what was seen later stays.

        Returns:
            How many were taken out.
        """
        return sum(self._remove(some, seen) for some in batches(sorted(ids)))

    def set_menu(self, menu: Menu, items: Sequence[MenuItem] | None, seen: int) -> None:
        """Put down what a menu shows, in upstream's order; None if there is no such mailbox.

        What was read later already stays.
        """
        table = schema.menu.c
        is_it = (table.kind == menu.kind) & (table.mailbox == menu.mailbox)
        read = self._connection.execute(sa.select(table.seen).where(is_it)).scalar()
        if read is not None and read > seen:
            return
        self._connection.execute(schema.menu.delete().where(is_it))
        item = schema.menu_item.c
        mine = (item.kind == menu.kind) & (item.mailbox == menu.mailbox)
        self._connection.execute(schema.menu_item.delete().where(mine))
        if items is None:
            return
        which = {"kind": menu.kind, "mailbox": menu.mailbox}
        self._connection.execute(schema.menu.insert().values(**which, seen=seen))
        self._insert(
            schema.menu_item,
            [
                {**each._asdict(), **which, "position": position}
                | ({"email": ""} if self._slim else {})
                for position, each in enumerate(items)
            ],
        )

    def set_note(self, name: str, value: Any) -> None:
        """Note something that JSON can hold under a name, in place of what was noted there."""
        self._upsert(schema.note, "name", [{"name": name, "value": json.dumps(value)}])

    def seal(self, at: int | None) -> None:
        """Note when the account was closed for good, epoch seconds UTC; None takes it back."""
        self._connection.execute(schema.state.update().values(sealed_at=at))
        self._changed = True

    def finish(self, epoch: int) -> None:
        """See at the end that the lock was not lost, and give the changes their version.

        Args:
            epoch: That of the lock.

        Raises:
            LockLost: Another process has taken it.
        """
        table = schema.state.c
        step = int(self._changed or bool(self._chunks))
        mine = schema.state.update().where(table.epoch == epoch)
        if not self._connection.execute(mine.values(version=table.version + step)).rowcount:
            raise LockLost(
                "another process took over the writing to this archive while this one was "
                "silent; nothing of the last step was written: run it again if need be"
            )
        if self._chunks:
            version = self._connection.execute(sa.select(table.version)).scalar_one()
            changed = [{"number": chunk, "version": version} for chunk in sorted(self._chunks)]
            self._upsert(schema.chunk, "number", changed)

    def _see(self, sightings: Sequence[Sighting]) -> int:
        ids = [sighting.row.id for sighting in sightings]
        table = schema.conversation
        before = {
            found["id"]: dict(found)
            for found in self._connection.execute(
                sa.select(table).where(table.c.id.in_(ids))
            ).mappings()
        }
        documents = packed_of(self._connection, ids)
        gone = self._gone(ids)
        news: list[tuple[dict[str, Any], bytes | None]] = []
        again: list[dict[str, int]] = []
        for sighting in self._admitted(sightings):
            id_, facts = sighting.row.id, _facts(sighting)
            kept = before.get(id_)
            if sighting.seen < max(gone.get(id_, sighting.seen), (kept or facts)["seen"]):
                continue
            packed = None if sighting.document is None else packing.packed(sighting.document)
            same = kept and {**kept, "seen": 0} == {**facts, "seen": 0}
            if same and packed == documents.get(id_):
                again.append({"which": id_, "when": sighting.seen})
            else:
                news.append((facts, packed))
                self._note_chunks(kept, facts)
        self._drop_tags([before[facts["id"]] for facts, _ in news if facts["id"] in before])
        self._put(news, again)
        return len(news)

    def _admitted(self, sightings: Sequence[Sighting]) -> Iterable[Sighting]:
        """The sightings that may be kept, without what may not be."""
        table = schema.forgotten.c
        asked = sa.select(table.customer).where(
            table.customer.in_({sighting.customer for sighting in sightings})
        )
        forgotten = set(self._connection.execute(asked).scalars())
        for sighting in sightings:
            if self._kept_since is not None and sighting.row.created < self._kept_since:
                continue
            if sighting.customer in forgotten:
                author = 0 if sighting.created_by == sighting.customer else sighting.created_by
                yield replace(sighting, customer=0, created_by=author, document=None)
            else:
                yield replace(sighting, document=None) if self._slim else sighting

    def _put(
        self,
        news: Sequence[tuple[dict[str, Any], bytes | None]],
        again: Sequence[dict[str, int]],
    ) -> None:
        table = schema.conversation
        if again:
            same = table.update().where(table.c.id == sa.bindparam("which"))
            same = same.values(seen=sa.bindparam("when"))
            self._connection.execute(same, again)
        if not news:
            return
        ids = [facts["id"] for facts, _ in news]
        self._upsert(table, "id", [facts for facts, _ in news], newest=True)
        self._insert(schema.conversation_tag, [each for facts, _ in news for each in _tags(facts)])
        kept = {facts["id"]: packed for facts, packed in news if packed}
        self._delete(schema.document, "conversation", [id_ for id_ in ids if id_ not in kept])
        rows = [{"conversation": id_, "packed": packed} for id_, packed in kept.items()]
        self._upsert(schema.document, "conversation", rows)
        self._delete(schema.gone, "conversation", ids)
        self._changed = True

    def _remove(self, ids: Sequence[int], seen: int) -> int:
        table = schema.conversation.c
        old = table.id.in_(ids) & (table.seen <= seen)
        query = sa.select(table.id, table.created, table.tags).where(old)
        found = [dict(each) for each in self._connection.execute(query).mappings()]
        self._drop_tags(found)
        later = set(
            self._connection.execute(
                sa.select(table.id).where(table.id.in_(ids), table.seen > seen)
            ).scalars()
        )
        for each in (schema.conversation, schema.document):
            key = "id" if each is schema.conversation else "conversation"
            self._delete(each, key, [each["id"] for each in found])
        marks = [{"conversation": id_, "seen": seen} for id_ in ids if id_ not in later]
        self._upsert(schema.gone, "conversation", marks, newest=True)
        self._chunks |= {schema.chunk_of(each["created"]) for each in found}
        return len(found)

    def _drop_tags(self, kept: Sequence[Mapping[str, Any]]) -> None:
        """Take what is kept of conversations out of what counting by tags reads."""
        keys = [(tag, row["created"], row["id"]) for row in kept for tag in _tag_ids(row["tags"])]
        if keys:
            table = schema.conversation_tag
            key = (table.c.tag, table.c.created, table.c.conversation)
            one = [column == sa.bindparam(f"old_{column.name}") for column in key]
            names = [f"old_{column.name}" for column in key]
            self._connection.execute(
                table.delete().where(*one), [dict(zip(names, each, strict=True)) for each in keys]
            )

    def _gone(self, ids: Sequence[int]) -> Mapping[int, int]:
        table = schema.gone.c
        query = sa.select(table.conversation, table.seen).where(table.conversation.in_(ids))
        return {found.conversation: found.seen for found in self._connection.execute(query)}

    def _note_chunks(self, kept: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> None:
        if kept is None or any(kept[name] != facts[name] for name in _COUNTED):
            created = {facts["created"], (kept or facts)["created"]}
            self._chunks |= set(map(schema.chunk_of, created))

    def _set_layer(self, layer: str, before: Sequence[Known], after: Sequence[Known]) -> None:
        gone = [known.span.first for known in before if known not in after]
        news = [known for known in after if known not in before]
        table = schema.known.c
        if gone:
            old = schema.known.delete().where(table.layer == layer, table.first.in_(gone))
            self._connection.execute(old)
        rows = [
            {"layer": layer, "first": span.first, "last": span.last, "as_of": as_of}
            for span, as_of in news
        ]
        self._insert(schema.known, rows)
        self._changed |= bool(gone or news)

    def _insert(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._connection.execute(table.insert(), rows)

    def _delete(self, table: sa.Table, key: str, ids: Sequence[int]) -> None:
        if ids:
            self._connection.execute(table.delete().where(table.c[key].in_(ids)))

    def _upsert(
        self,
        table: sa.Table,
        key: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        newest: bool = False,
    ) -> None:
        """Insert rows or replace them; with `newest`, only by what was not seen earlier."""
        if not rows:
            return
        insert = _INSERT[self._connection.dialect.name](table)
        given = insert.excluded
        self._connection.execute(
            insert.on_conflict_do_update(
                index_elements=[key],
                set_={column: given[column] for column in rows[0] if column != key},
                where=given.seen >= table.c.seen if newest else None,
            ),
            rows,
        )


def _tag_ids(tags: str) -> list[int]:
    """The tags under which a conversation is counted."""
    return sorted(set(tags_of(tags))) or [UNTAGGED]


def _tags(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A conversation as counting by tags reads it."""
    same = {
        name: facts[name] for name in ("created", "state", "status", "type", "mailbox", "folder")
    }
    return [{**same, "tag": tag, "conversation": facts["id"]} for tag in _tag_ids(facts["tags"])]


def _facts(sighting: Sighting) -> dict[str, Any]:
    """The columns of a sighting."""
    fields = {name: getattr(sighting, name) for name in Sighting.__slots__ if name != "row"}
    del fields["document"]
    return {**sighting.row._asdict(), **fields, "tags": tags_text(sighting.row.tags)}

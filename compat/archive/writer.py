"""Writing to an archive: sightings, coverage, menus; all of it in one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from compat.archive import document_codec, erasure, repository, schema
from compat.archive.errors import LockLost
from compat.archive.personal_data import Erased, People, encoded
from compat.archive.reader import batches, layer_of, packed_of, tags_text
from compat.archive.records import BEGINNING, LAYERS, ConversationRecord
from compat.archive.sql import sa
from compat.core import intervals
from compat.core.intervals import Coverage, Interval
from compat.core.models import ListItem, ListQuery

_COUNTED: Final = ("created", "mailbox", "folder", "type", "status", "state", "tags")
"""The columns that counting looks at."""


class Writer:
    """One transaction on an archive; made by `Archive.writing`, and valid within it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._changed = False
        self._chunks: set[int] = set()
        self._erased: Erased | None = None
        state = connection.execute(sa.select(schema.state)).one()
        self._slim = bool(state.slim)
        self._kept_since: int | None = state.kept_since

    def see(self, sightings: Iterable[ConversationRecord]) -> int:
        """Put down what was seen of conversations; what was seen later already stays as it is.

        Returns:
            How many conversations are new or changed, as far as the columns show.
        """
        latest: dict[int, ConversationRecord] = {}
        for sighting in sightings:
            earlier = latest.get(sighting.row.id)
            if earlier is None or sighting.seen >= earlier.seen:
                latest[sighting.row.id] = sighting
        return sum(self._see([latest[id_] for id_ in some]) for some in batches(list(latest)))

    def know(self, layer: str, known: Coverage) -> None:
        """Put down that a span is covered in a layer; where younger coverage is, that stays."""
        if self._kept_since is not None:
            if known.interval.last < self._kept_since:
                return
            kept = Interval(max(known.interval.first, self._kept_since), known.interval.last)
            known = Coverage(kept, known.as_of)
        before = layer_of(self._connection, layer)
        younger = [part.interval for part in before if part.as_of > known.as_of]
        after: Sequence[Coverage] = before
        for part in intervals.difference([known.interval], younger):
            after = intervals.add_coverage(after, Coverage(part, known.as_of))
        self._set_layer(layer, before, intervals.coalesce(after))

    def unknow(self, span: Interval, layers: Iterable[str] = LAYERS) -> None:
        """Take coverage back: the span is not known any more."""
        for layer in layers:
            before = layer_of(self._connection, layer)
            after = [
                Coverage(part, as_of)
                for kept, as_of in before
                for part in intervals.difference([kept], [span])
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
        removed = [
            created
            for some in batches(sorted(ids))
            for created in repository.remove(self._connection, some, seen)
        ]
        self._chunks |= set(map(schema.chunk_of, removed))
        return len(removed)

    def forget(self, customers: Collection[int], addresses: Collection[str] = ()) -> dict[int, int]:
        """Erase what is kept of customers, and keep none of it again; counts stay the same.

        `Archive.scrub` is to follow, or the database's own files still hold what was erased.

        Args:
            customers: Their numbers.
            addresses: E-mail addresses of theirs that conversations need not show.

        Returns:
            How many conversations were their own, by number; under 0, by address alone.
        """
        self._changed = True
        self._erased = None
        return erasure.forget(self._connection, customers, addresses)

    def keep(self, since: int | None) -> None:
        """Take out all conversations created before a second, their coverage too, for good.

        Args:
            since: Epoch seconds UTC; None keeps from now on whatever is seen.
        """
        self._kept_since = since
        self._changed = True
        self._chunks |= erasure.drop_before(self._connection, since)
        if since is not None:
            names = sa.select(schema.known.c.layer).distinct()
            layers = list(self._connection.execute(names).scalars())
            self.unknow(Interval(BEGINNING, since - 1), layers)

    def set_menu(self, menu: ListQuery, items: Sequence[ListItem] | None, seen: int) -> None:
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
        self._changed = True
        if items is None:
            return
        if menu.kind != "mailboxes" and (erased := self._erased_people()):
            items = [each._replace(name=erased.remove_from_text(each.name)) for each in items]
        which = {"kind": menu.kind, "mailbox": menu.mailbox}
        self._connection.execute(schema.menu.insert().values(**which, seen=seen))
        repository.insert(
            self._connection,
            schema.menu_item,
            [
                {**each._asdict(), **which, "position": position}
                | ({"email": ""} if self._slim else {})
                for position, each in enumerate(items)
            ],
        )

    def set_note(self, name: str, value: Any) -> None:
        """Note something that JSON can hold under a name, in place of what was noted there."""
        repository.upsert(
            self._connection, schema.note, "name", [{"name": name, "value": json.dumps(value)}]
        )

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
            repository.upsert(self._connection, schema.chunk, "number", changed)

    def _see(self, sightings: Sequence[ConversationRecord]) -> int:
        ids = [sighting.row.id for sighting in sightings]
        before = repository.kept(self._connection, ids)
        documents = packed_of(self._connection, ids)
        gone = repository.gone(self._connection, ids)
        news: list[repository.News] = []
        again: dict[int, int] = {}
        changed = 0
        for sighting in self._admitted(sightings):
            id_, facts = sighting.row.id, _facts(sighting)
            kept = before.get(id_)
            if sighting.seen < max(gone.get(id_, sighting.seen), (kept or facts)["seen"]):
                continue
            packed = None if sighting.document is None else document_codec.packed(sighting.document)
            same = kept is not None and {**kept, "seen": 0} == {**facts, "seen": 0}
            if same and packed == documents.get(id_):
                again[id_] = sighting.seen
            else:
                news.append((facts, packed))
                changed += not same
                self._note_chunks(kept, facts)
        repository.put(self._connection, before, news)
        repository.see_again(self._connection, again)
        self._changed |= bool(news)
        return changed

    def _admitted(self, sightings: Sequence[ConversationRecord]) -> Sequence[ConversationRecord]:
        """The sightings that may be kept, without what may not be."""
        admitted = [
            sighting
            for sighting in sightings
            if self._kept_since is None or sighting.row.created >= self._kept_since
        ]
        erased = self._erased_people()
        if not erased:
            return [replace(each, document=None) for each in admitted] if self._slim else admitted
        read = [json.loads(each.document) if each.document else None for each in admitted]
        erased = erasure.learn_addresses(self._connection, erased, filter(None, read))
        self._erased = erased
        pairs = zip(admitted, read, strict=True)
        return [self._without(erased, each, document) for each, document in pairs]

    def _without(
        self, erased: Erased, sighting: ConversationRecord, document: Mapping[str, Any] | None
    ) -> ConversationRecord:
        """A sighting without erased customers."""
        people = People(*(getattr(sighting, name) for name in People._fields))
        after, kept = erased.remove_from(people, document)
        if kept is document and document is not None and not self._slim:
            return sighting
        written = None if kept is None or self._slim else encoded(kept)
        return replace(sighting, document=written, **after._asdict())

    def _erased_people(self) -> Erased:
        if self._erased is None:
            self._erased = erasure.erased_of(self._connection)
        return self._erased

    def _note_chunks(self, kept: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> None:
        if kept is None or any(kept[name] != facts[name] for name in _COUNTED):
            created = {facts["created"], (kept or facts)["created"]}
            self._chunks |= set(map(schema.chunk_of, created))

    def _set_layer(self, layer: str, before: Sequence[Coverage], after: Sequence[Coverage]) -> None:
        gone = [known.interval.first for known in before if known not in after]
        news = [known for known in after if known not in before]
        table = schema.known.c
        if gone:
            old = schema.known.delete().where(table.layer == layer, table.first.in_(gone))
            self._connection.execute(old)
        rows = [
            {"layer": layer, "first": span.first, "last": span.last, "as_of": as_of}
            for span, as_of in news
        ]
        repository.insert(self._connection, schema.known, rows)
        self._changed |= bool(gone or news)


def _facts(sighting: ConversationRecord) -> dict[str, Any]:
    """The columns of a sighting."""
    fields = {
        name: getattr(sighting, name) for name in ConversationRecord.__slots__ if name != "row"
    }
    del fields["document"]
    return {**sighting.row._asdict(), **fields, "tags": tags_text(sighting.row.tags)}

"""Writes to an archive: conversations, coverage and lists, all in one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from compat.archive import erasure, repository, schema, threads
from compat.archive.connections import sa
from compat.archive.coverage import CoverageChanges
from compat.archive.errors import LOCK_LOST, LockLost
from compat.archive.personal_data import ErasedCustomers, People, to_json
from compat.archive.records import LAYERS, RECENT_THREADS, ConversationRecord, ShownThreads
from compat.archive.repository import Columns, batches
from compat.core.calendar import FIRST_SECOND
from compat.core.intervals import Coverage, Interval
from compat.core.models import USER_LISTS, ListItem, ListKind, ListQuery, Rating, Thread

_COUNTED: Final = ("created", "mailbox", "folder", "type", "status", "state", "tags")
"""The columns that counting uses."""

_STATE: Final = sa.select(
    schema.state.c.slim,
    schema.state.c.threads,
    schema.state.c.kept_since,
    (sa.exists(sa.select(schema.forgotten)) | sa.exists(sa.select(schema.forgotten_address))).label(
        "has_erased"
    ),
    sa.exists(sa.select(schema.gone)).label("has_tombstones"),
)
_ADD_VERSION: Final = (
    schema.state.update()
    .where(schema.state.c.epoch == sa.bindparam("own_epoch"))
    .values(version=schema.state.c.version + sa.bindparam("increment"))
)


class Writer:
    """One transaction on an archive; made by `Archive.writing`, and valid within it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._coverage = CoverageChanges(connection)
        self._changed = False
        self._changed_chunks: set[int] = set()
        state = connection.execute(_STATE).one()
        self._erased: ErasedCustomers | None = None if state.has_erased else erasure.NOBODY
        self._has_tombstones = bool(state.has_tombstones)
        self._slim = bool(state.slim)
        self._keeps_threads = bool(state.threads)
        self._kept_since: int | None = state.kept_since

    def save(self, records: Iterable[ConversationRecord]) -> int:
        """Store conversations; what was seen later already stays as it is.

        Returns:
            How many conversations are new or changed, by their columns.
        """
        latest: dict[int, ConversationRecord] = {}
        for record in records:
            earlier = latest.get(record.row.id)
            if earlier is None or record.seen >= earlier.seen:
                latest[record.row.id] = record
        return sum(self._save([latest[id_] for id_ in some]) for some in batches(list(latest)))

    def save_threads(self, conversation: int, shown: ShownThreads) -> bool:
        """Store the complete threads of a conversation that was saved before.

        Args:
            conversation: Its id.
            shown: Its threads; `seen` is when the conversation itself was seen.

        Returns:
            Whether they were stored. They are not if the conversation was seen again since, or
            was removed.
        """
        stored = repository.conversations(self._connection, [conversation])
        columns = stored.get(conversation)
        if columns is None or columns["seen"] != shown.seen:
            return False
        self._replace_threads({conversation: self._storable_threads(shown, columns["customer"])})
        return True

    def keep_threads(self, *, kept: bool) -> None:
        """Keep the threads of conversations from now on, or erase them and keep none.

        The threads of what is stored are unknown then until they are read.
        """
        self.forget_recent_threads()
        threads.set_kept(self._connection, kept=kept)
        self._keeps_threads = kept
        self._changed = True

    def add_coverage(self, layer: str, coverage: Coverage) -> None:
        """Store that an interval is covered in a layer; more recent coverage in it stays."""
        if self._kept_since is not None:
            if coverage.interval.last < self._kept_since:
                return
            kept = Interval(max(coverage.interval.first, self._kept_since), coverage.interval.last)
            coverage = Coverage(kept, coverage.as_of)
        self._coverage.add(layer, coverage)

    def remove_coverage(self, span: Interval, layers: Iterable[str] = LAYERS) -> None:
        """Remove the coverage of an interval from some layers."""
        self._coverage.remove(span, layers)

    def remove(self, ids: Collection[int], seen: int) -> int:
        """Remove conversations that were deleted or merged; earlier records do not restore them.

        Args:
            ids: Conversations that upstream reports as deleted or merged.
            seen: When upstream was asked, epoch seconds by its clock. A conversation that was
                seen later stays.

        Returns:
            How many were removed.
        """
        self._has_tombstones = True
        removed = [
            created
            for some in batches(sorted(ids))
            for created in repository.remove(self._connection, some, seen)
        ]
        self._changed_chunks |= set(map(schema.chunk_of, removed))
        return len(removed)

    def erase_customers(
        self, customers: Collection[int], addresses: Collection[str] = ()
    ) -> dict[int, int]:
        """Erase what is stored of customers, and store none of it again; counts stay the same.

        Call `Archive.vacuum` afterwards: until then the database's files still contain what was
        erased.

        Args:
            customers: Their ids.
            addresses: E-mail addresses of theirs that no conversation needs to show.

        Returns:
            How many conversations were their own, by customer id; under 0, those found by address
            alone.
        """
        self._changed = True
        self._erased = None
        return erasure.erase_customers(self._connection, customers, addresses)

    def set_kept_since(self, since: int | None) -> None:
        """Remove all conversations created before a second, with their coverage, for good.

        Args:
            since: Epoch seconds UTC; None stores conversations of any age from now on.
        """
        self._kept_since = since
        self._changed = True
        self._changed_chunks |= erasure.delete_before(self._connection, since)
        if since is not None:
            self.forget_recent_threads()
            self._coverage.remove_from_all(Interval(FIRST_SECOND, since - 1))

    def set_list_items(self, query: ListQuery, items: Sequence[ListItem] | None, seen: int) -> None:
        """Store the items of a list, in upstream's order; what was read later already stays.

        Args:
            query: Which list.
            items: Its items; None if its mailbox or team does not exist.
            seen: When it was requested, epoch seconds by upstream's clock.
        """
        table = schema.menu.c
        this_list = (table.kind == query.kind) & (table.parent == query.parent)
        read = self._connection.execute(sa.select(table.seen).where(this_list)).scalar()
        if read is not None and read > seen:
            return
        self._connection.execute(schema.menu.delete().where(this_list))
        item = schema.menu_item.c
        its_items = (item.kind == query.kind) & (item.parent == query.parent)
        self._connection.execute(schema.menu_item.delete().where(its_items))
        self._changed = True
        if items is None:
            return
        if query.kind in erasure.LISTS_WITH_ADDRESSES and (erased := self._erased_customers()):
            items = [each._replace(name=erased.remove_from_text(each.name)) for each in items]
        key = {"kind": query.kind, "parent": query.parent}
        self._connection.execute(schema.menu.insert().values(**key, seen=seen))
        repository.insert(
            self._connection,
            schema.menu_item,
            [
                {**each._asdict(), **key, "position": position}
                | (_left_out(query.kind) if self._slim else {})
                for position, each in enumerate(items)
            ],
        )

    def set_note(self, name: str, value: Any) -> None:
        """Store a value that JSON can represent under a name, in place of an earlier one."""
        repository.upsert(
            self._connection, schema.note, "name", [{"name": name, "value": json.dumps(value)}]
        )

    def forget_recent_threads(self) -> None:
        """Do not say any more that recent threads are known, before all of them are."""
        name = schema.note.c.name
        self._connection.execute(schema.note.delete().where(name == RECENT_THREADS))

    def set_sealed_at(self, at: int | None) -> None:
        """Store when the account was closed, epoch seconds UTC; None if it is open."""
        self._connection.execute(schema.state.update().values(sealed_at=at))
        self._changed = True

    def finish(self, epoch: int) -> None:
        """Write the coverage, check that the lock was not lost, and give the changes their version.

        The last step.

        Args:
            epoch: The epoch of the lock.

        Raises:
            LockLost: Another process has taken the lock over.
        """
        self._changed |= self._coverage.write()
        increment = int(self._changed or bool(self._changed_chunks))
        updated = {"own_epoch": epoch, "increment": increment}
        if not self._connection.execute(_ADD_VERSION, updated).rowcount:
            raise LockLost(LOCK_LOST)
        repository.set_chunk_versions(self._connection, sorted(self._changed_chunks))

    def _save(self, records: Sequence[ConversationRecord]) -> int:
        ids = [record.row.id for record in records]
        stored = repository.conversations(self._connection, ids)
        tombstones = repository.tombstones(self._connection, ids) if self._has_tombstones else {}
        seen = tombstones | {id_: columns["seen"] for id_, columns in stored.items()}
        latest = {
            record.row.id: (record, repository.to_columns(record))
            for record in self._storable(records)
            if record.seen >= seen.get(record.row.id, record.seen)
        }
        same = {id_ for id_, (_, new) in latest.items() if repository.is_same(stored.get(id_), new)}
        packed = repository.packed_documents(self._connection, sorted(same))
        unchanged = {
            id_: latest[id_][0].seen
            for id_ in same
            if repository.is_packed(latest[id_][0].document, packed.get(id_))
        }
        changed = [
            (columns, record.document)
            for id_, (record, columns) in latest.items()
            if id_ not in unchanged
        ]
        repository.replace(self._connection, stored, changed)
        for columns, _ in changed:
            self._add_changed_chunks(stored.get(columns["id"]), columns)
        restored = [id_ for id_ in tombstones if id_ in latest]
        repository.delete(self._connection, schema.gone, "conversation", restored)
        repository.set_seen(self._connection, unchanged)
        self._changed |= bool(changed)
        if self._keeps_threads:
            self._save_shown_threads([(each, id_ in same) for id_, (each, _) in latest.items()])
        return len(latest) - len(same)

    def _save_shown_threads(self, records: Sequence[tuple[ConversationRecord, bool]]) -> None:
        """Store the threads of a batch of conversations, or note that they are unknown.

        Args:
            records: The conversations, and whether the columns of each are as they were.
        """
        ids = [record.row.id for record, _ in records]
        stored, unread = threads.read(self._connection, ids), threads.unread(self._connection, ids)
        replaced: dict[int, ShownThreads] = {}
        unknown: dict[int, int] = {}
        for record, same in records:
            id_, held = record.row.id, stored.get(record.row.id, ())
            shown = record.shown and self._storable_threads(record.shown, record.customer)
            if shown and shown.proves_absence_of(held):
                if shown.threads != held or id_ in unread:
                    replaced[id_] = shown
            elif not (shown and same and shown.adds_nothing_to(held)):
                unknown[id_] = record.row.created
        self._replace_threads(replaced)
        threads.mark_unread(self._connection, unknown)
        self._changed |= bool(unknown)

    def _replace_threads(self, shown: Mapping[int, ShownThreads]) -> None:
        threads.replace(self._connection, shown)
        self._changed |= bool(shown)

    def _storable_threads(self, shown: ShownThreads, customer: int) -> ShownThreads:
        """Threads without the data that may not be stored.

        Args:
            shown: The threads of a conversation.
            customer: The customer of the conversation as it is stored; negative if erased.
        """
        erased, stored = self._erased_customers(), shown.threads
        if erased:
            own = customer < 0
            stored = tuple(erased.remove_from_thread(each, own=own) for each in stored)
        if self._slim:
            stored = tuple(map(_without_texts, stored))
        return replace(shown, threads=stored)

    def _storable(self, records: Sequence[ConversationRecord]) -> Sequence[ConversationRecord]:
        """The records that may be stored, without the data that may not be."""
        young = [
            record
            for record in records
            if self._kept_since is None or record.row.created >= self._kept_since
        ]
        erased = self._erased_customers()
        if not erased:
            return [replace(each, document=None) for each in young] if self._slim else young
        documents = [json.loads(each.document) if each.document else None for each in young]
        erased = erasure.add_addresses(self._connection, erased, filter(None, documents))
        self._erased = erased
        pairs = zip(young, documents, strict=True)
        return [self._without_erased(erased, each, document) for each, document in pairs]

    def _without_erased(
        self,
        erased: ErasedCustomers,
        record: ConversationRecord,
        document: Mapping[str, Any] | None,
    ) -> ConversationRecord:
        """A record without erased customers."""
        people = People(*(getattr(record, name) for name in People._fields))
        after, kept = erased.remove_from(people, document)
        if kept is document and document is not None and not self._slim:
            return record
        written = None if kept is None or self._slim else to_json(kept)
        return replace(record, document=written, **after._asdict())

    def _erased_customers(self) -> ErasedCustomers:
        if self._erased is None:
            self._erased = erasure.load_erased(self._connection)
        return self._erased

    def _add_changed_chunks(self, before: Columns | None, columns: Columns) -> None:
        if before is None or any(before[name] != columns[name] for name in _COUNTED):
            created = {columns["created"], (before or columns)["created"]}
            self._changed_chunks |= set(map(schema.chunk_of, created))


def _without_texts(thread: Thread) -> Thread:
    """A thread as a slim archive stores it: who rated it how, without names and comments."""
    if thread.rating is None:
        return thread
    return thread._replace(rating=Rating(thread.rating.value, thread.rating.customer))


def _left_out(kind: ListKind) -> dict[str, str]:
    """The columns of a list that a slim archive leaves empty: addresses, and names of people."""
    names = ("name", "last") if kind in USER_LISTS else ()
    return dict.fromkeys(("email", "photo", *names), "")

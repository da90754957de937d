"""Erases from an archive what must not be stored: a customer's data, or conversations too old."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from compat.archive import repository, schema, threads
from compat.archive.connections import sa
from compat.archive.personal_data import (
    STAFF,
    ErasedCustomers,
    People,
    address_digest,
    customer_addresses,
    staff_ids,
    to_json,
)
from compat.archive.reader import Snapshot
from compat.core.models import USER_LISTS, Activity

_NUMBER: Final = re.compile("[0-9]{1,19}")
_LARGEST_ID: Final = 2**63 - 1
"""Databases store no larger one."""

_KEY_NOTE: Final = "key of erased addresses"
"""The name of the note that stores the key of the digests in `schema.forgotten_address`."""
_SURROGATES: Final = 2**48
LISTS_WITH_ADDRESSES: Final = ("folders", "tags")
"""The lists whose names may contain addresses of customers. The names of mailboxes, users and
teams stay as they are."""
_PEOPLE: Final = tuple(schema.conversation.c[name] for name in People._fields)


NOBODY: Final = ErasedCustomers({}, {}, frozenset(), b"")


def load_erased(connection: sa.Connection | Snapshot) -> ErasedCustomers:
    """The customers who were erased from an archive."""
    table, address = schema.forgotten.c, schema.forgotten_address
    found = connection.execute(sa.select(table.customer, table.surrogate, table.is_user)).all()
    return ErasedCustomers(
        numbers={each.customer: each.surrogate for each in found},
        addresses={each.digest: each.surrogate for each in connection.execute(sa.select(address))},
        users=frozenset(each.customer for each in found if each.is_user),
        key=_load_key(connection) or b"",
    )


def without_erased(snapshot: Snapshot, activities: Iterable[Activity]) -> list[Activity]:
    """Conversations that were read elsewhere, without the customers erased from the archive."""
    erased = load_erased(snapshot)
    if not erased:
        return list(activities)
    return [
        each._replace(
            customer=erased.numbers.get(each.customer, each.customer),
            threads=tuple(
                erased.remove_from_thread(thread, own=each.customer in erased.numbers)
                for thread in each.threads
            ),
        )
        for each in activities
    ]


def erase_customers(
    connection: sa.Connection, customers: Collection[int], addresses: Collection[str] = ()
) -> dict[int, int]:
    """Erase what is stored of customers, and store none of it again.

    Of their own conversations only the columns that counting uses stay. From the conversations of
    others, only what names the erased customers is removed. docs/explanation/what-is-erased.md
    says exactly what is erased, and what is not.

    Args:
        connection: In a transaction.
        customers: Their ids.
        addresses: E-mail addresses of theirs that no conversation needs to show.

    Returns:
        How many conversations were their own, by customer id; under 0, those found by address
        alone.
    """
    _record_customers(connection, customers, addresses)
    erased = load_erased(connection)
    own = dict.fromkeys(customers, 0)
    for some in _conversations(connection):
        for number in _erase_from(connection, erased, some):
            owner = number if number in own else 0
            own[owner] = own.get(owner, 0) + 1
    _erase_from_threads(connection, erased)
    _erase_from_lists(connection, erased)
    return own


def add_addresses(
    connection: sa.Connection, erased: ErasedCustomers, documents: Iterable[Mapping[str, Any]]
) -> ErasedCustomers:
    """Store further addresses of erased customers, which documents show.

    Returns:
        The erased customers with these addresses.
    """
    digests: dict[str, int] = {}
    for document in documents:
        digests |= erased.new_addresses(document)
    new = _add_digests(connection, erased.key, digests)
    return replace(erased, addresses={**erased.addresses, **new})


def delete_before(connection: sa.Connection, since: int | None) -> set[int]:
    """Delete the conversations created before a second, and store none of that age again.

    Args:
        connection: In a transaction.
        since: Epoch seconds UTC; None stores conversations of any age from now on.

    Returns:
        The numbers of the chunks that contained them.
    """
    connection.execute(schema.state.update().values(kept_since=since))
    if since is None:
        return set()
    created = schema.conversation.c.created
    old = sa.select(schema.conversation.c.id).where(created < since)
    chunk = created.op(">>")(sa.literal_column(str(schema.CHUNK_BITS)))
    chunks = connection.execute(sa.select(chunk).where(created < since).distinct()).scalars()
    changed = {int(number) for number in chunks}
    for table in (schema.document, schema.thread, schema.unread_threads):
        connection.execute(table.delete().where(table.c.conversation.in_(old)))
    for table in (schema.conversation_tag, schema.conversation):
        connection.execute(table.delete().where(table.c.created < since))
    return changed


def _record_customers(
    connection: sa.Connection, customers: Collection[int], addresses: Collection[str]
) -> None:
    """Store the ids of customers, and digests of all their addresses, as erased."""
    before = load_erased(connection)
    key = before.key or _create_key(connection)
    numbers = {each: before.numbers.get(each) or _new_surrogate() for each in customers}
    fallback = next(iter(numbers.values()), _new_surrogate())
    digests = {address_digest(key, each): fallback for each in addresses}
    users = _listed_users(connection)
    asked = ErasedCustomers(numbers, before.addresses, frozenset(), key)
    for some in _conversations(connection):
        for row, packed in some:
            if packed is None:
                users.add(row.assignee)
            else:
                document = json.loads(repository.decompress(packed))
                users.update(staff_ids(document))
                digests |= asked.new_addresses(document)
    rows = [
        {"customer": each, "surrogate": surrogate, "is_user": int(each in users)}
        for each, surrogate in numbers.items()
    ]
    repository.upsert(connection, schema.forgotten, "customer", rows)
    new = {each: number for each, number in digests.items() if each not in before.addresses}
    _add_digests(connection, key, new)


def _conversations(connection: sa.Connection) -> Iterator[list[tuple[Any, bytes | None]]]:
    """All conversations in batches: the id and people of each, and its compressed document."""
    row, document = schema.conversation.c, schema.document.c
    both = schema.conversation.outerjoin(
        schema.document, schema.document.c.conversation == schema.conversation.c.id
    )
    query = sa.select(row.id, *_PEOPLE, document.packed).select_from(both)
    for some in repository.batches(connection.execute(sa.select(row.id)).scalars()):
        found = connection.execute(query.where(row.id.in_(some)))
        yield [(each, None if each.packed is None else bytes(each.packed)) for each in found]


def _erase_from(
    connection: sa.Connection, erased: ErasedCustomers, some: Iterable[tuple[Any, bytes | None]]
) -> list[int]:
    """Erase from a batch of conversations.

    Returns:
        For each conversation that was an erased customer's own, the id of that customer.
    """
    columns: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []
    own: dict[int, int] = {}
    for row, packed in some:
        before = People(row.customer, row.created_by, row.closed_by, row.assignee)
        document = json.loads(repository.decompress(packed)) if packed else None
        after, kept = erased.remove_from(before, document)
        if after != before:
            columns.append({"which": row.id} | after._asdict())
        if after.customer != before.customer or (document is not None and kept is None):
            own[row.id] = before.customer
        elif kept is not None and kept is not document:
            documents.append({"conversation": row.id, "packed": repository.compress(to_json(kept))})
    if columns:
        table = schema.conversation
        one = table.update().where(table.c.id == sa.bindparam("which"))
        connection.execute(one, columns)
    repository.delete(connection, schema.document, "conversation", list(own))
    repository.upsert(connection, schema.document, "conversation", documents)
    return list(own.values())


def _erase_from_threads(connection: sa.Connection, erased: ErasedCustomers) -> None:
    for some in threads.rated(connection):
        after = {
            each.id: erased.remove_from_thread(each, own=customer < 0).rating
            for customer, each in some
        }
        before = {each.id: each.rating for _, each in some}
        changed = {id_: new for id_, new in after.items() if new and new != before[id_]}
        threads.set_ratings(connection, changed)
    thread = schema.thread
    for number, surrogate in erased.numbers.items():
        theirs = thread.update().where(thread.c.customer == number)
        connection.execute(theirs.values(customer=surrogate))
        by_customer = thread.c.author_type.not_in(sorted(STAFF))
        written = thread.update().where(thread.c.author == number, by_customer)
        connection.execute(written.values(author=surrogate))


def _erase_from_lists(connection: sa.Connection, erased: ErasedCustomers) -> None:
    """Erase addresses in the names of tags and folders."""
    item = schema.menu_item
    query = sa.select(item.c.kind, item.c.parent, item.c.position, item.c.name)
    for found in connection.execute(query.where(item.c.kind.in_(LISTS_WITH_ADDRESSES))).all():
        name = erased.remove_from_text(found.name)
        if name != found.name:
            one = (
                (item.c.kind == found.kind)
                & (item.c.parent == found.parent)
                & (item.c.position == found.position)
            )
            connection.execute(item.update().where(one).values(name=name))


def _add_digests(
    connection: sa.Connection, key: bytes, digests: Mapping[str, int]
) -> dict[str, int]:
    """Store digests of addresses, except those of mailboxes.

    Returns:
        The digests that were stored, with their surrogates.
    """
    mailboxes = (
        {address_digest(key, each) for each in _mailbox_addresses(connection)} if digests else ()
    )
    new = {each: number for each, number in digests.items() if each not in mailboxes}
    rows = [{"digest": each, "surrogate": number} for each, number in new.items()]
    repository.insert(connection, schema.forgotten_address, rows)
    return new


def _listed_users(connection: sa.Connection) -> set[int]:
    """The ids of the users in lists, and of those who own folders.

    Customers and users may be numbered separately: a customer and a user can have the same id.
    """
    item = schema.menu_item.c
    listed = sa.select(item.id).where(item.kind.in_(sorted(USER_LISTS)))
    return set(connection.execute(sa.select(item.user).union(listed)).scalars())


def _mailbox_addresses(connection: sa.Connection) -> list[str]:
    """The addresses of mailboxes, which are never taken for those of customers."""
    item = schema.menu_item.c
    query = sa.select(item.email).where(item.kind == "mailboxes")
    return list(connection.execute(query).scalars())


def _new_surrogate() -> int:
    """A random negative number: two archives do not use the same one for a customer."""
    return -1 - secrets.randbelow(_SURROGATES)


def _create_key(connection: sa.Connection) -> bytes:
    key = secrets.token_bytes(32)
    rows = [{"name": _KEY_NOTE, "value": json.dumps(key.hex())}]
    repository.upsert(connection, schema.note, "name", rows)
    return key


def _load_key(connection: sa.Connection | Snapshot) -> bytes | None:
    note = schema.note.c
    value = connection.execute(sa.select(note.value).where(note.name == _KEY_NOTE)).scalar()
    return None if value is None else bytes.fromhex(json.loads(value))


def find_customers(snapshot: Snapshot, text: str) -> list[int]:
    """The ids of the customers that a text names, in ascending order.

    Args:
        snapshot: Where to search.
        text: An id, which is returned as it is if a customer can have it; or an e-mail address, in
            upper or lower case, that documents show of a customer. A slim archive stores no
            addresses.
    """
    if "@" not in text:
        number = int(text) if _NUMBER.fullmatch(text) else 0
        return [number] if 0 < number <= _LARGEST_ID else []
    address = text.strip().casefold()
    found: set[int] = set()
    ids = snapshot.execute(sa.select(schema.document.c.conversation)).scalars()
    for some in repository.batches(ids):
        for document in snapshot.raw_documents(some).values():
            found |= {
                number
                for number, shown in customer_addresses(json.loads(document))
                if number > 0 and shown.strip().casefold() == address
            }
    return sorted(found)

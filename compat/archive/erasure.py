"""Taking out what must not be kept: a customer's data, or what is too old."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from compat.archive import document_codec, repository, schema
from compat.archive.personal_data import Erased, People, addressed, digest, encoded, staff
from compat.archive.reader import Snapshot
from compat.archive.sql import sa

_BATCH: Final = 500
_KEY: Final = "key of erased addresses"
"""The note on the key of the digests in `schema.forgotten_address`."""
_SURROGATES: Final = 2**48
_STAFF: Final = ("user", "team")
_PEOPLE: Final = tuple(schema.conversation.c[name] for name in People._fields)


def erased_of(connection: sa.Connection) -> Erased:
    """The customers who were erased from an archive."""
    table, address = schema.forgotten.c, schema.forgotten_address
    found = connection.execute(sa.select(table.customer, table.surrogate, table.is_user)).all()
    return Erased(
        numbers={each.customer: each.surrogate for each in found},
        addresses={each.digest: each.surrogate for each in connection.execute(sa.select(address))},
        users=frozenset(each.customer for each in found if each.is_user),
        key=_key(connection) or b"",
    )


def forget(
    connection: sa.Connection, customers: Collection[int], addresses: Collection[str] = ()
) -> dict[int, int]:
    """Erase what is kept of customers, and keep none of it again.

    Their conversations stay as far as counting sees them, without document. In conversations of
    others, only what names the erased customers is taken out. What is exactly erased, and what is
    not, is in docs/explanation/what-is-erased.md.

    Args:
        connection: In a transaction.
        customers: Their numbers.
        addresses: E-mail addresses of theirs that conversations need not show.

    Returns:
        How many conversations were their own, by number; under 0, by address alone.
    """
    _remember(connection, customers, addresses)
    erased = erased_of(connection)
    own = dict.fromkeys(customers, 0)
    for some in _conversations(connection):
        for number in _erase_from(connection, erased, some):
            whose = number if number in own else 0
            own[whose] = own.get(whose, 0) + 1
    _erase_from_threads(connection, erased)
    _erase_from_menus(connection, erased)
    return own


def learn_addresses(
    connection: sa.Connection, erased: Erased, documents: Iterable[Mapping[str, Any]]
) -> Erased:
    """Remember further addresses of erased customers, which documents show.

    Returns:
        The erased customers with these addresses.
    """
    digests: dict[str, int] = {}
    for document in documents:
        digests |= erased.new_addresses(document)
    new = _add_digests(connection, erased.key, digests)
    return replace(erased, addresses={**erased.addresses, **new}) if new else erased


def drop_before(connection: sa.Connection, since: int | None) -> set[int]:
    """Take out the conversations created before a second, and keep none of that age again.

    Args:
        connection: In a transaction.
        since: Epoch seconds UTC; None keeps all from now on.

    Returns:
        The chunks that something was taken out of.
    """
    connection.execute(schema.state.update().values(kept_since=since))
    if since is None:
        return set()
    created = schema.conversation.c.created
    old = sa.select(schema.conversation.c.id).where(created < since)
    chunk = created.op(">>")(sa.literal_column(str(schema.CHUNK_BITS)))
    chunks = connection.execute(sa.select(chunk).where(created < since).distinct()).scalars()
    changed = {int(number) for number in chunks}
    for table in (schema.document, schema.thread):
        connection.execute(table.delete().where(table.c.conversation.in_(old)))
    for table in (schema.conversation_tag, schema.conversation):
        connection.execute(table.delete().where(table.c.created < since))
    return changed


def _remember(
    connection: sa.Connection, customers: Collection[int], addresses: Collection[str]
) -> None:
    """Put customers on the list of those of whom nothing is kept, and all addresses of theirs."""
    before = erased_of(connection)
    key = before.key or _make_key(connection)
    numbers = {each: before.numbers.get(each) or _surrogate() for each in customers}
    of_addresses = next(iter(numbers.values()), _surrogate())
    digests = {digest(key, each): of_addresses for each in addresses}
    users = _users_of_folders(connection)
    asked = Erased(numbers, before.addresses, frozenset(), key)
    for some in _conversations(connection):
        for row, packed in some:
            if packed is None:
                users.add(row.assignee)
            else:
                document = json.loads(document_codec.unpacked(packed))
                users.update(staff(document))
                digests |= asked.new_addresses(document)
    rows = [
        {"customer": each, "surrogate": surrogate, "is_user": int(each in users)}
        for each, surrogate in numbers.items()
    ]
    repository.upsert(connection, schema.forgotten, "customer", rows)
    new = {each: number for each, number in digests.items() if each not in before.addresses}
    _add_digests(connection, key, new)


def _conversations(connection: sa.Connection) -> Iterator[list[tuple[Any, bytes | None]]]:
    """All conversations in batches: the id and the people of each, and its document."""
    row, document = schema.conversation.c, schema.document.c
    both = schema.conversation.outerjoin(
        schema.document, schema.document.c.conversation == schema.conversation.c.id
    )
    query = sa.select(row.id, *_PEOPLE, document.packed).select_from(both).order_by(row.id)
    after: int | None = None
    while True:
        rest = query if after is None else query.where(row.id > after)
        found = connection.execute(rest.limit(_BATCH)).all()
        if not found:
            return
        yield [(each, None if each.packed is None else bytes(each.packed)) for each in found]
        after = found[-1].id


def _erase_from(
    connection: sa.Connection, erased: Erased, some: Iterable[tuple[Any, bytes | None]]
) -> list[int]:
    """Erase from a batch of conversations.

    Returns:
        For each conversation that was an erased customer's own, the number of that customer.
    """
    columns: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []
    own: dict[int, int] = {}
    for row, packed in some:
        before = People(row.customer, row.created_by, row.closed_by, row.assignee)
        document = json.loads(document_codec.unpacked(packed)) if packed else None
        after, kept = erased.remove_from(before, document)
        if after != before:
            columns.append({"which": row.id} | after._asdict())
        if after.customer != before.customer or (document is not None and kept is None):
            own[row.id] = before.customer
        elif kept is not None and kept is not document:
            documents.append(
                {"conversation": row.id, "packed": document_codec.packed(encoded(kept))}
            )
    if columns:
        table = schema.conversation
        one = table.update().where(table.c.id == sa.bindparam("which"))
        connection.execute(one, columns)
    repository.delete(connection, schema.document, "conversation", list(own))
    repository.upsert(connection, schema.document, "conversation", documents)
    return list(own.values())


def _erase_from_threads(connection: sa.Connection, erased: Erased) -> None:
    thread = schema.thread
    for number, surrogate in erased.numbers.items():
        theirs = thread.update().where(thread.c.customer == number)
        connection.execute(theirs.values(customer=surrogate))
        by_customer = thread.c.created_by_type.not_in(_STAFF)
        written = thread.update().where(thread.c.created_by == number, by_customer)
        connection.execute(written.values(created_by=surrogate))


def _erase_from_menus(connection: sa.Connection, erased: Erased) -> None:
    """Erase addresses in the names of tags and folders; mailboxes have addresses of their own."""
    item = schema.menu_item
    query = sa.select(item.c.kind, item.c.mailbox, item.c.position, item.c.name)
    for found in connection.execute(query.where(item.c.kind != "mailboxes")).all():
        name = erased.remove_from_text(found.name)
        if name != found.name:
            one = (
                (item.c.kind == found.kind)
                & (item.c.mailbox == found.mailbox)
                & (item.c.position == found.position)
            )
            connection.execute(item.update().where(one).values(name=name))


def _add_digests(
    connection: sa.Connection, key: bytes, digests: Mapping[str, int]
) -> dict[str, int]:
    """Remember addresses, except those of mailboxes; the ones that are remembered."""
    mailboxes = {digest(key, each) for each in _mailbox_addresses(connection)} if digests else ()
    new = {each: number for each, number in digests.items() if each not in mailboxes}
    rows = [{"digest": each, "surrogate": number} for each, number in new.items()]
    repository.insert(connection, schema.forgotten_address, rows)
    return new


def _users_of_folders(connection: sa.Connection) -> set[int]:
    """Numbers of users.

    Customers and users may be numbered apart, so the same number can be one of each.
    """
    user = schema.menu_item.c.user
    return set(connection.execute(sa.select(user).distinct()).scalars())


def _mailbox_addresses(connection: sa.Connection) -> list[str]:
    """Addresses that are a mailbox's, and so never taken for a customer's."""
    item = schema.menu_item.c
    query = sa.select(item.email).where(item.kind == "mailboxes", item.email != "")
    return list(connection.execute(query).scalars())


def _surrogate() -> int:
    """A negative number at random, so that no two archives use the same."""
    return -1 - secrets.randbelow(_SURROGATES)


def _make_key(connection: sa.Connection) -> bytes:
    key = secrets.token_bytes(32)
    rows = [{"name": _KEY, "value": json.dumps(key.hex())}]
    repository.upsert(connection, schema.note, "name", rows)
    return key


def _key(connection: sa.Connection) -> bytes | None:
    note = schema.note.c
    value = connection.execute(sa.select(note.value).where(note.name == _KEY)).scalar()
    return None if value is None else bytes.fromhex(json.loads(value))


def customers(snapshot: Snapshot, wanted: str) -> list[int]:
    """The ids of the customers that a text means.

    Args:
        snapshot: Where to look.
        wanted: An id, which is taken as it is; or an e-mail address, in whatever case, which
            conversations show of a customer. A slim archive keeps none.
    """
    if "@" not in wanted:
        return [int(wanted)] if wanted.isascii() and wanted.isdigit() else []
    address = wanted.strip().casefold()
    table = schema.document.c
    found: set[int] = set()
    query = sa.select(table.conversation).order_by(table.conversation).limit(_BATCH)
    after: int | None = None
    while True:
        rest = query if after is None else query.where(table.conversation > after)
        ids = list(snapshot.ask(rest).scalars())
        if not ids:
            return sorted(found)
        for document in snapshot.raw_documents(ids).values():
            found |= {
                number
                for number, shown in addressed(json.loads(document))
                if number > 0 and shown.strip().casefold() == address
            }
        after = ids[-1]

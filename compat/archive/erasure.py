"""Taking out what must not be kept: a customer's data, or what is too old."""

from __future__ import annotations

import json
from typing import Any, Final

from compat.archive import repository, schema
from compat.archive.reader import Snapshot
from compat.archive.sql import sa

_TOLD_OF_CUSTOMERS: Final = "customer"
"""What upstream calls the author of a thread that a customer wrote."""


def forget(connection: sa.Connection, customer: int) -> int:
    """Erase what is kept of a customer, and keep none of it again.

    Their conversations stay as far as counting sees them, without document and author, so that
    every count stays what it was. The customer's id is kept in a list of those not to be kept.

    Returns:
        How many conversations were theirs.
    """
    repository.delete(connection, schema.forgotten, "customer", [customer])
    repository.insert(connection, schema.forgotten, [{"customer": customer}])
    row = schema.conversation.c
    theirs = sa.select(row.id).where(row.customer == customer)
    document = schema.document
    connection.execute(document.delete().where(document.c.conversation.in_(theirs)))
    _forget_threads(connection, customer)
    author = sa.case((row.created_by == customer, 0), else_=row.created_by)
    changed = schema.conversation.update().where(row.customer == customer)
    return connection.execute(changed.values(customer=0, created_by=author)).rowcount


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


def _forget_threads(connection: sa.Connection, customer: int) -> None:
    thread = schema.thread
    theirs = thread.update().where(thread.c.customer == customer)
    connection.execute(theirs.values(customer=0))
    written = thread.update().where(
        thread.c.created_by == customer, thread.c.created_by_type == _TOLD_OF_CUSTOMERS
    )
    connection.execute(written.values(created_by=0))


_BATCH: Final = 500


def customers(snapshot: Snapshot, wanted: str) -> list[int]:
    """The ids of the customers that a text means.

    Args:
        snapshot: Where to look.
        wanted: An id, which is taken as it is; or an e-mail address, in whatever case. A slim
            archive keeps none.
    """
    if "@" not in wanted:
        return [int(wanted)] if wanted.isascii() and wanted.isdigit() else []
    address = wanted.casefold()
    table = schema.document.c
    found: set[int] = set()
    after = -1
    query = sa.select(table.conversation).order_by(table.conversation).limit(_BATCH)
    while ids := list(snapshot.ask(query.where(table.conversation > after)).scalars()):
        for document in snapshot.raw_documents(ids).values():
            person = json.loads(document).get("primaryCustomer") or {}
            if _address(person) == address:
                found.add(int(person["id"]))
        after = ids[-1]
    return sorted(found)


def _address(person: dict[str, Any]) -> str:
    return str(person.get("email") or "").casefold()

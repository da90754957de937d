"""Makes documents of what an archive stores: the JSON as received, or the columns alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compat.archive import repository, schema
from compat.archive.connections import sa
from compat.archive.repository import batches, tags_from_text
from compat.core.models import Document, ListItem, NamedTag, Person
from compat.upstream import to_document
from compat.v2.models import ConversationDocument


def from_packed(packed: bytes) -> Document:
    """The document in a value of the column `packed`."""
    document = repository.decompress(packed)
    return to_document(ConversationDocument.model_validate_json(document))


def from_columns(
    connection: sa.Connection, ids: Sequence[int], tags: Mapping[int, ListItem]
) -> Iterator[Document]:
    """Documents of conversations without texts and names, without unknown ones.

    Args:
        connection: In a transaction.
        ids: The ids of the conversations.
        tags: The tags that have a name, by their ids.
    """
    table = schema.conversation
    for some in batches(ids):
        for found in connection.execute(sa.select(table).where(table.c.id.in_(some))):
            yield _from_row(found, tags)


def _from_row(found: Any, names: Mapping[int, ListItem]) -> Document:
    tags = [names.get(tag, ListItem(tag, "")) for tag in tags_from_text(found.tags) or ()]
    # An erased customer has a negative id, which is not shown.
    customer = max(found.customer, 0)
    return Document(
        id=found.id,
        number=found.number,
        type=found.type or "",
        mailbox=found.mailbox or 0,
        subject="",
        status=found.status,
        threads=found.threads,
        preview="",
        customer=Person(customer),
        assignee=Person(found.assignee),
        updated=found.created if found.updated is None else found.updated,
        waiting_since=found.created if found.waiting_since is None else found.waiting_since,
        tags=tuple(NamedTag(tag.id, tag.name, tag.color) for tag in tags),
    )

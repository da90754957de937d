"""Records as upstream would show them, and short ways to save them in an archive."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from compat.archive import schema
from compat.archive.database import Archive
from compat.archive.records import LAYERS, ConversationRecord
from compat.archive.writer import Writer
from compat.core.intervals import Coverage, Interval
from compat.core.models import Row

CREATED = 1_420_070_400
SEEN = 1_700_000_000
EVERYTHING = Interval(-(2**40), 2**40)


def instant(second: int) -> str:
    """A second in the format of API 2.0."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(
    id_: int = 7, *, seen: int = SEEN, customer: int = 91, name: str = "Ada", **row: Any
) -> ConversationRecord:
    """The record of a conversation with a customer, with its document."""
    facts = {
        "created": CREATED + id_,
        "mailbox": 1,
        "folder": 11,
        "type": "email",
        "status": "active",
        "state": "published",
        "tags": (),
        **row,
    }
    document = {
        "id": id_,
        "number": id_ + 1000,
        "mailboxId": facts["mailbox"],
        "type": facts["type"],
        "status": facts["status"],
        "state": facts["state"],
        "subject": f"Subject of {name}",
        "preview": f"Preview of {name}",
        "createdAt": instant(facts["created"]),
        "primaryCustomer": {"id": customer, "first": name, "email": f"{name}@example.org".lower()},
    }
    return ConversationRecord(
        Row(id=id_, **facts),
        seen,
        number=id_ + 1000,
        customer=customer,
        document=json.dumps(document).encode(),
    )


def save_all(archive: Archive, records: Iterable[ConversationRecord]) -> int:
    """Save records in one transaction; returns how many were new or changed."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        return writer.save(records)


def empty(writer: Writer) -> None:
    """Delete everything from an archive, between two examples."""
    for table in ("conversation", "conversation_tag", "document", "gone", "known"):
        writer._connection.execute(schema.TABLES[table].delete())


def cover(archive: Archive, span: Interval, as_of: int = SEEN) -> None:
    """Cover an interval in all layers."""
    with archive.lock() as lock, archive.writing(lock) as writer:
        for layer in LAYERS:
            writer.add_coverage(layer, Coverage(span, as_of))


def rows(archive: Archive, span: Interval = EVERYTHING) -> list[Row]:
    """The rows of an archive in an interval."""
    with archive.reading() as snapshot:
        return snapshot.rows([span])

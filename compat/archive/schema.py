"""The tables, as queries name them; how they came to be is told by `compat.archive.migrations`.

Instants are epoch seconds UTC. The id of a conversation is upstream's.
"""

from __future__ import annotations

from typing import Any, Final

from compat.archive.sql import sa

_METADATA: Final = sa.MetaData()


def _table(name: str, /, **columns: sa.types.TypeEngine[Any]) -> sa.Table:
    return sa.Table(name, _METADATA, *(sa.Column(each, type_) for each, type_ in columns.items()))


_NUMBER: Final = sa.BigInteger()
_TEXT: Final = sa.Text()
_BYTES: Final = sa.LargeBinary()

applied: Final = _table("archive_schema", version=_NUMBER, applied_at=_TEXT)
"""The migrations that were made, a row each."""

state: Final = _table(
    "state", epoch=_NUMBER, version=_NUMBER, slim=_NUMBER, sealed_at=_NUMBER, kept_since=_NUMBER
)
"""One row. `epoch`: how often the writing lock was taken, by which a writer that lost it is told
from the one who has it. `version`: how many commits changed something."""

holder: Final = _table("holder", who=_TEXT, since=_TEXT, marked=_TEXT, beat=_NUMBER)
"""One row: who holds the writing lock, or held it last."""

note: Final = _table("note", name=_TEXT, value=_TEXT)
"""What the synchronisation has to remember, as JSON."""

conversation: Final = _table(
    "conversation",
    id=_NUMBER,
    created=_NUMBER,
    mailbox=_NUMBER,
    folder=_NUMBER,
    type=_TEXT,
    status=_TEXT,
    state=_TEXT,
    tags=_TEXT,
    seen=_NUMBER,
    number=_NUMBER,
    closed=_NUMBER,
    closed_by=_NUMBER,
    created_by=_NUMBER,
    customer=_NUMBER,
    assignee=_NUMBER,
    threads=_NUMBER,
    updated=_NUMBER,
    waiting_since=_NUMBER,
)
"""Each conversation as it was last seen. `tags`: the ids of its tags, joined by commas."""

conversation_tag: Final = _table(
    "conversation_tag",
    tag=_NUMBER,
    created=_NUMBER,
    conversation=_NUMBER,
    state=_TEXT,
    status=_TEXT,
    type=_TEXT,
    mailbox=_NUMBER,
    folder=_NUMBER,
)
"""The same once more for each tag, in an order that makes a tag one stretch of it; conversations
without a tag are under `compat.core.counting.UNTAGGED`."""

document: Final = _table("document", conversation=_NUMBER, packed=_BYTES)
"""The JSON as received, compressed; none in a slim archive."""

gone: Final = _table("gone", conversation=_NUMBER, seen=_NUMBER)
"""Conversations found deleted or merged, and when: an older sighting does not bring them back."""

forgotten: Final = _table("forgotten", customer=_NUMBER, surrogate=_NUMBER, is_user=_NUMBER)
"""Customers whose data is erased, and is not kept again. `surrogate`: the negative number that
stands everywhere in place of theirs. `is_user`: 1 if a user of the account has the same number."""

forgotten_address: Final = _table("forgotten_address", digest=_TEXT, surrogate=_NUMBER)
"""Their e-mail addresses, as keyed digests; the key is a note."""

known: Final = _table("known", layer=_TEXT, first=_NUMBER, last=_NUMBER, as_of=_NUMBER)
"""What is covered: `compat.core.intervals.Known`, for each layer."""

chunk: Final = _table("chunk", number=_NUMBER, version=_NUMBER)
"""The version in which the conversations created in a stretch of time last changed, as far as
counting sees them."""

menu: Final = _table("menu", kind=_TEXT, mailbox=_NUMBER, seen=_NUMBER)
"""The lists of mailboxes, tags and folders that were read, and when."""

menu_item: Final = _table(
    "menu_item",
    kind=_TEXT,
    mailbox=_NUMBER,
    position=_NUMBER,
    id=_NUMBER,
    name=_TEXT,
    slug=_TEXT,
    email=_TEXT,
    type=_TEXT,
    user=_NUMBER,
    color=_TEXT,
    total=_NUMBER,
    active=_NUMBER,
    created=_NUMBER,
    modified=_NUMBER,
)
"""What is on them: `compat.core.models.ListItem`."""

thread: Final = _table(
    "thread",
    id=_NUMBER,
    conversation=_NUMBER,
    created=_NUMBER,
    type=_TEXT,
    status=_TEXT,
    state=_TEXT,
    action=_TEXT,
    source=_TEXT,
    created_by=_NUMBER,
    created_by_type=_TEXT,
    customer=_NUMBER,
    saved_reply=_NUMBER,
    rating=_TEXT,
    attachments=_NUMBER,
    seen=_NUMBER,
)
"""Facts of threads without their bodies; room for the old API's other reports. Whether they are
in is told by a layer of coverage of their own."""

TABLES: Final = _METADATA.tables

CHUNK_BITS: Final = 21
"""A chunk is 2²¹ seconds of creation time, a little over 24 days."""


def chunk_of(created: int) -> int:
    """The number of the chunk that a second of creation is in."""
    return created >> CHUNK_BITS

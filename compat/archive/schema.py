"""The tables of an archive, as queries name them; `compat.archive.migrations` creates them.

Instants are epoch seconds UTC. The id of a conversation is the one that Help Scout gives it.
"""

from __future__ import annotations

from typing import Any, Final

from compat.archive.connections import sa

_METADATA: Final = sa.MetaData()


def _table(name: str, /, **columns: sa.types.TypeEngine[Any]) -> sa.Table:
    return sa.Table(name, _METADATA, *(sa.Column(each, type_) for each, type_ in columns.items()))


_INTEGER: Final = sa.BigInteger()
_TEXT: Final = sa.Text()
_BYTES: Final = sa.LargeBinary()

applied: Final = _table("archive_schema", version=_INTEGER, applied_at=_TEXT)
"""The migrations that were applied, one row each."""

state: Final = _table(
    "state",
    epoch=_INTEGER,
    version=_INTEGER,
    slim=_INTEGER,
    sealed_at=_INTEGER,
    kept_since=_INTEGER,
    threads=_INTEGER,
)
"""One row. `epoch`: how often the writing lock was acquired; a writer that lost the lock has an
older one. `version`: how many commits changed something. `threads`: 1 if threads are kept."""

holder: Final = _table("holder", who=_TEXT, since=_TEXT, marked=_TEXT, beat=_INTEGER)
"""One row: the process that holds the writing lock, or held it last. `marked`: the name of its
connections. `beat`: its last heartbeat."""

note: Final = _table("note", name=_TEXT, value=_TEXT)
"""Values that a synchronisation or an erasure needs again later, as JSON by name."""

conversation: Final = _table(
    "conversation",
    id=_INTEGER,
    created=_INTEGER,
    mailbox=_INTEGER,
    folder=_INTEGER,
    type=_TEXT,
    status=_TEXT,
    state=_TEXT,
    tags=_TEXT,
    seen=_INTEGER,
    number=_INTEGER,
    closed=_INTEGER,
    closed_by=_INTEGER,
    created_by=_INTEGER,
    customer=_INTEGER,
    assignee=_INTEGER,
    threads=_INTEGER,
    updated=_INTEGER,
    waiting_since=_INTEGER,
    by_user=_INTEGER,
)
"""Each conversation as it was last seen. `tags`: the ids of its tags, joined by commas. `mailbox`,
`folder`, `type` and `tags` are NULL where Help Scout did not show them. `by_user`: 1 if a user
created it; 0 if a customer did, or it is unknown, as it always is if no threads are kept."""

CAN_BE_UNKNOWN: Final = ("mailbox", "folder", "type", "tags")
"""The columns of `conversation` that can be NULL because the value is unknown; each has an index of
its own on those rows."""

conversation_tag: Final = _table(
    "conversation_tag",
    tag=_INTEGER,
    created=_INTEGER,
    conversation=_INTEGER,
    state=_TEXT,
    status=_TEXT,
    type=_TEXT,
    mailbox=_INTEGER,
    folder=_INTEGER,
)
"""One row for each tag of each conversation, ordered by tag and creation, for counting by tag.
Conversations without a tag have the tag `compat.core.counting.UNTAGGED`; those whose tags are
unknown have no row."""

document: Final = _table("document", conversation=_INTEGER, packed=_BYTES)
"""The JSON as received, compressed; none in a slim archive."""

gone: Final = _table("gone", conversation=_INTEGER, seen=_INTEGER)
"""Tombstones: conversations that were deleted or merged, and when that was seen. A record that was
seen earlier does not restore them."""

forgotten: Final = _table("forgotten", customer=_INTEGER, surrogate=_INTEGER, is_user=_INTEGER)
"""Customers whose data is erased and is not stored again. `surrogate`: the negative number that
replaces theirs everywhere. `is_user`: 1 if a user of the account has the same number."""

forgotten_address: Final = _table("forgotten_address", digest=_TEXT, surrogate=_INTEGER)
"""Their e-mail addresses, as keyed digests; the key is a note."""

known: Final = _table("known", layer=_TEXT, first=_INTEGER, last=_INTEGER, as_of=_INTEGER)
"""Coverage: the `compat.core.intervals.Coverage` of each layer."""

chunk: Final = _table("chunk", number=_INTEGER, version=_INTEGER)
"""For each chunk of creation time, the version of the archive in which a column that counting uses
last changed in it."""

menu: Final = _table("menu", kind=_TEXT, parent=_INTEGER, seen=_INTEGER)
"""The lists that were read, and when: `compat.core.models.ListQuery`."""

menu_item: Final = _table(
    "menu_item",
    kind=_TEXT,
    parent=_INTEGER,
    position=_INTEGER,
    id=_INTEGER,
    name=_TEXT,
    slug=_TEXT,
    email=_TEXT,
    type=_TEXT,
    user=_INTEGER,
    color=_TEXT,
    total=_INTEGER,
    active=_INTEGER,
    created=_INTEGER,
    modified=_INTEGER,
    last=_TEXT,
    role=_TEXT,
    timezone=_TEXT,
    photo=_TEXT,
    company=_INTEGER,
)
"""The items of these lists: `compat.core.models.ListItem`."""

thread: Final = _table(
    "thread",
    id=_INTEGER,
    conversation=_INTEGER,
    created=_INTEGER,
    type=_TEXT,
    state=_TEXT,
    status=_TEXT,
    author_type=_TEXT,
    author=_INTEGER,
    customer=_INTEGER,
    action=_TEXT,
    source=_TEXT,
    saved_reply=_INTEGER,
    rating=_INTEGER,
    attachments=_INTEGER,
    seen=_INTEGER,
    rating_customer=_INTEGER,
    rating_customer_name=_TEXT,
    rating_user_name=_TEXT,
    rating_comments=_TEXT,
)
"""Threads without their bodies: `compat.core.models.Thread`. `author_type` is its `by`, `seen` when
the thread was last shown in this conversation: after a merge it is shown in another. `rating` is
the value of `compat.core.models.Rating`, 0 if there is none, -1 if it is unknown; the others of
its fields have columns of their own, whose texts a slim archive leaves empty. Threads whose type,
state or rating is unknown have small indexes."""

unread_threads: Final = _table("unread_threads", conversation=_INTEGER, created=_INTEGER)
"""The conversations whose threads are not known completely, in an archive that keeps threads, and
when each was created. While there is one in whose time a question may be interested, the question
is not answered from the threads."""

TABLES: Final = _METADATA.tables

CHUNK_BITS: Final = 21
"""A chunk is 2²¹ seconds of creation time, a little over 24 days."""


def chunk_of(created: int) -> int:
    """The number of the chunk that contains a second of creation."""
    return created >> CHUNK_BITS

"""The true content of a simulated account, as Mailbox API 2.0 would return it.

It shares no code with the simulator.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from compat.simulator import Account, Conversation

Json = dict[str, Any]


def text(seconds: int) -> str:
    """An instant as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(account: Account) -> list[Conversation]:
    """Whatever a list may show."""
    return [row for row in account.conversations() if row.state != "deleted"]


def content(row: Conversation, account: Account) -> Json:
    """A conversation, as far as it is compared."""
    return {
        "id": row.id,
        "number": row.number,
        "status": row.status,
        "state": row.state,
        "type": row.type,
        "mailboxId": row.mailbox_id,
        "folderId": row.folder_id,
        "subject": row.subject,
        "createdAt": text(row.created),
        "tags": sorted(account.layout.tag_by_id[tag].name for tag in row.tag_ids),
    }


def got(row: Json) -> Json:
    """The same of a conversation that a client brought."""
    plain = (
        *("id", "number", "status", "state", "type", "mailboxId", "folderId"),
        *("subject", "createdAt"),
    )
    return {
        **{name: row[name] for name in plain},
        "tags": sorted(tag["tag"] for tag in row["tags"]),
    }


def folders(account: Account, mailbox: int) -> list[Json]:
    """The home folders of a mailbox and how much is in each."""
    rows = [row for row in listed(account) if row.mailbox_id == mailbox]
    total = Counter(row.folder_id for row in rows)
    active = Counter(row.folder_id for row in rows if row.status == "active")
    return [
        {
            "id": folder.id,
            "name": folder.name,
            "type": folder.type,
            "totalCount": total[folder.id],
            "activeCount": active[folder.id],
        }
        for folder in account.layout.folders
        if folder.mailbox_id == mailbox and not folder.user_id and folder.type != "needs_attn"
    ]


def tags(account: Account) -> dict[str, int]:
    """How many listed conversations carry each tag."""
    carried = Counter(tag for row in listed(account) for tag in row.tag_ids)
    return {tag.name: carried[tag.id] for tag in account.layout.tags}

"""JSON payloads of conversations, threads, mailboxes, folders, tags and users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compat.simulator import people
from compat.simulator.conversation import format_timestamp
from compat.simulator.layout import slug_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compat.simulator.conversation import Conversation
    from compat.simulator.layout import Folder, Layout, Mailbox, Tag, User

Payload = dict[str, object]
"""A JSON object."""

EMBEDDED_CHAT_THREADS = 1
ACCOUNT_CREATED = "2013-06-01T00:00:00Z"
_SOURCES = {"email": "email", "chat": "beacon-v2", "phone": "web"}
_THREAD_TYPES = ("message", "customer", "note", "customer")


def conversation(row: Conversation, layout: Layout) -> Payload:
    """One conversation; optional keys without a value are absent."""
    creator = (
        people.user_by_id(row.created_by, layout)
        if row.created_by
        else people.customer(row.customer_id)
    )
    return {
        "id": row.id,
        "number": row.number,
        "threads": row.threads,
        "type": row.type,
        "folderId": row.folder_id,
        "status": row.status,
        "state": row.state,
        "subject": row.subject,
        "preview": people.preview(row.subject, row.customer_id),
        "mailboxId": row.mailbox_id,
        **_optional_keys(row, layout),
        "createdBy": creator,
        "createdAt": format_timestamp(row.created),
        "closedBy": row.closed_by,
        "userUpdatedAt": format_timestamp(row.modified),
        "customerWaitingSince": {
            "time": format_timestamp(row.waiting_since),
            "friendly": "a while ago",
        },
        "source": {"type": _SOURCES.get(row.type, "api"), "via": _via(row)},
        "tags": [tag_of_conversation(layout.tag_by_id[tag_id]) for tag_id in row.tag_ids],
        "cc": [people.customer_email(row.customer_id + 1)] if row.number % 11 == 0 else [],
        "bcc": [],
        "primaryCustomer": people.customer(row.customer_id),
        "customFields": _custom_fields(row),
        "_links": {"self": {"href": f"https://api.helpscout.net/v2/conversations/{row.id}"}},
    }


def tag_of_conversation(tag: Tag) -> Payload:
    """A tag in a conversation; its name has the key ``tag``."""
    return {"id": tag.id, "color": tag.color, "tag": tag.name}


def report_row(row: Conversation, layout: Layout, keys: str) -> Payload:
    """A conversation in a report's drilldown; see `Behaviour.report_rows`."""
    customer = people.customer(row.customer_id)
    assignee = people.user_by_id(row.assignee_id, layout) if row.assignee_id else {}
    payload: Payload = {
        "id": row.id,
        "number": row.number,
        "type": row.type,
        "mailboxid": row.mailbox_id,
        "attachments": row.attachments,
        "subject": row.subject,
        "status": row.status,
        "threadCount": row.threads,
        "preview": people.preview(row.subject, row.customer_id),
        "customerName": f"{customer['first']} {customer['last']}",
        "modifiedAt": format_timestamp(row.modified),
        "assignedid": row.assignee_id,
        "tags": [
            {"id": tag.id, "name": tag.name, "color": tag.color}
            for tag in map(layout.tag_by_id.__getitem__, row.tag_ids)
        ],
    }
    if keys == "recorded":
        return payload | {
            "waitingSince": format_timestamp(row.waiting_since),
            "waitingSinceType": 2,
        }
    name = {"assignedName": f"{assignee['first']} {assignee['last']}"} if assignee else {}
    return payload | {
        "customerEmail": customer["email"],
        "customerIds": [row.customer_id],
        **name,
    }


def threads(row: Conversation, layout: Layout) -> Iterator[Payload]:
    """The threads of a conversation, the latest first."""
    span = max(row.modified - row.created, 0)
    for at in reversed(range(row.threads)):
        by_user = _thread_type(row, at) in {"message", "note"}
        user_id = row.closed_by or row.assignee_id or row.created_by
        yield {
            "id": row.id * 100 + at,
            "type": _thread_type(row, at),
            "status": row.status,
            "state": "draft" if row.state == "draft" else "published",
            "body": f"{people.preview(row.subject, row.customer_id)} ({at + 1})",
            "source": {"type": _SOURCES.get(row.type, "api"), "via": _via(row)},
            "customer": people.customer(row.customer_id),
            "createdBy": people.user_by_id(user_id, layout)
            if by_user
            else people.customer(row.customer_id),
            "createdAt": format_timestamp(row.created + span * at // max(row.threads, 1)),
        }


def mailbox(known: Mailbox) -> Payload:
    """One mailbox."""
    return {
        "id": known.id,
        "name": known.name,
        "slug": known.slug,
        "email": known.email,
        "createdAt": ACCOUNT_CREATED,
        "updatedAt": ACCOUNT_CREATED,
    }


def folder(known: Folder, total: int, active: int) -> Payload:
    """One folder with the number of its conversations, and of the active ones."""
    return {
        "id": known.id,
        "name": known.name,
        "type": known.type,
        "userId": known.user_id,
        "totalCount": total,
        "activeCount": active,
        "updatedAt": ACCOUNT_CREATED,
    }


def tag(known: Tag, tickets: int) -> Payload:
    """A tag in the list of tags, with the number of its conversations."""
    return {
        "id": known.id,
        "slug": slug_of(known.name),
        "name": known.name,
        "color": known.color,
        "createdAt": ACCOUNT_CREATED,
        "ticketCount": tickets,
    }


def user(known: User) -> Payload:
    """One user."""
    return {
        "id": known.id,
        "firstName": known.first,
        "lastName": known.last,
        "email": known.email,
        "role": "user",
        "timezone": "Etc/UTC",
        "createdAt": ACCOUNT_CREATED,
        "updatedAt": ACCOUNT_CREATED,
        "type": "user",
    }


def _optional_keys(row: Conversation, layout: Layout) -> Payload:
    found: Payload = {}
    if row.assignee_id:
        found["assignee"] = people.user_by_id(row.assignee_id, layout)
    if row.closed is not None:
        found["closedAt"] = format_timestamp(row.closed)
    if row.closed_by:
        found["closedByUser"] = people.user_by_id(row.closed_by, layout)
    return found


def _thread_type(row: Conversation, at: int) -> str:
    if at == 0:
        return {"phone": "phone", "chat": "chat"}.get(row.type, "customer")
    return _THREAD_TYPES[(at - 1) % len(_THREAD_TYPES)]


def _via(row: Conversation) -> str:
    return "user" if row.created_by else "customer"


def _custom_fields(row: Conversation) -> list[Payload]:
    if row.number % 5:
        return []
    return [{"id": 301, "name": "Plan", "value": "2", "text": "Plus"}]

"""JSON payloads of conversations, mailboxes, folders, tags, users and customers.

``base`` is the scheme and the host of links: those of the request, so that a client that follows
them stays with the simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compat.simulator import people
from compat.simulator.conversation import format_timestamp
from compat.simulator.layout import slug_of

if TYPE_CHECKING:
    from compat.simulator.conversation import Conversation
    from compat.simulator.layout import Folder, Layout, Mailbox, SavedReply, Tag, Team, User

Payload = dict[str, object]
"""A JSON object."""

API = "https://api.helpscout.net"
WEB = "https://secure.helpscout.net"
ACCOUNT_CREATED = "2013-06-01T00:00:00Z"
ACCOUNT_UPDATED = "2014-02-03T09:30:00Z"
_SOURCES = {"email": "email", "chat": "beacon-v2", "phone": "web"}
_FIELD = {"id": 301, "name": "Plan"}
_OPTIONS = ((1, "Standard"), (2, "Plus"), (3, "Pro"))


def conversation(row: Conversation, layout: Layout, base: str = API) -> Payload:
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
        "userUpdatedAt": format_timestamp(
            row.modified if row.user_updated is None else row.user_updated
        ),
        "customerWaitingSince": {
            "time": format_timestamp(row.waiting_since),
            "friendly": "a while ago",
        },
        "source": {"type": _SOURCES.get(row.type, "api"), "via": _via(row)},
        "tags": [tag_of_conversation(layout.tag_by_id[tag_id]) for tag_id in row.tag_ids],
        "cc": cc(row),
        "bcc": [],
        "primaryCustomer": people.customer(row.customer_id),
        "customFields": _custom_fields(row),
        "_links": _conversation_links(row, creator, base),
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
        "customerName": f"{customer['first']} {customer['last']}".strip() or customer["email"],
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


def mailbox(known: Mailbox, base: str) -> Payload:
    """One mailbox."""
    path = f"mailboxes/{known.id}"
    return {
        "id": known.id,
        "name": known.name,
        "slug": known.slug,
        "email": known.email,
        "createdAt": ACCOUNT_CREATED,
        "updatedAt": ACCOUNT_CREATED,
        "_links": links(base, fields=f"{path}/fields/", folders=f"{path}/folders/", self=path),
    }


def field() -> Payload:
    """The only custom field; every mailbox has it."""
    options = [
        {"id": id_, "order": at, "label": label} for at, (id_, label) in enumerate(_OPTIONS, 1)
    ]
    return {**_FIELD, "type": "dropdown", "order": 1, "required": False, "options": options}


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


def user(known: User, base: str) -> Payload:
    """One user."""
    return {
        "id": known.id,
        "firstName": known.first,
        "lastName": known.last,
        "email": known.email,
        "role": known.role,
        "timezone": known.timezone,
        "photoUrl": people.photo_url(known.id) if known.id % 2 else None,
        "createdAt": ACCOUNT_CREATED,
        "updatedAt": ACCOUNT_UPDATED,
        "type": "user",
        "mention": known.first.lower(),
        "initials": known.first[:1] + known.last[:1],
        "jobTitle": "",
        "phone": "",
        "alternateEmails": [],
        "_links": links(base, self=f"users/{known.id}"),
    }


def team(known: Team, base: str) -> Payload:
    """One team."""
    path = f"teams/{known.id}"
    return {
        "id": known.id,
        "name": known.name,
        "timezone": "Etc/UTC",
        "photoUrl": None,
        "createdAt": ACCOUNT_CREATED,
        "updatedAt": ACCOUNT_UPDATED,
        "mention": slug_of(known.name),
        "initials": "".join(word[0] for word in known.name.split()),
        "_links": links(base, members=f"{path}/members", self=path),
    }


def saved_reply(known: SavedReply) -> Payload:
    """One saved reply."""
    return {"id": known.id, "name": known.name, "preview": f"Hello. {known.name}."}


def customer(customer_id: int, base: str) -> Payload:
    """One customer."""
    first, last = people.customer_name(customer_id)
    email = {"id": customer_id, "value": people.customer_email(customer_id), "type": "work"}
    return {
        "id": customer_id,
        "firstName": first,
        "lastName": last,
        "photoUrl": people.photo_url(customer_id),
        "createdAt": ACCOUNT_CREATED,
        "updatedAt": ACCOUNT_CREATED,
        "_embedded": {"emails": [email]},
        "_links": links(base, self=f"customers/{customer_id}"),
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


def _via(row: Conversation) -> str:
    return "user" if row.created_by else "customer"


def cc(row: Conversation) -> list[str]:
    """The addresses that get a copy."""
    return [people.customer_email(row.customer_id + 1)] if row.number % 11 == 0 else []


def _custom_fields(row: Conversation) -> list[Payload]:
    if row.number % 5:
        return []
    return [{**_FIELD, "value": "2", "text": "Plus"}]


def _conversation_links(row: Conversation, creator: people.Person, base: str) -> Payload:
    """The links of a conversation; one without an assignee has no link to it.

    ``closedBy`` is always there, as the key of that name is: of a conversation that was never
    closed it ends in 0.
    """
    path = f"conversations/{row.id}"
    assignee = {"assignee": f"users/{row.assignee_id}"} if row.assignee_id else {}
    found = links(
        base,
        **assignee,
        closedBy=f"users/{row.closed_by}",
        **creator_link(creator),
        mailbox=f"mailboxes/{row.mailbox_id}",
        primaryCustomer=f"customers/{row.customer_id}",
        self=path,
        threads=f"{path}/threads/",
    )
    return found | {"web": {"href": f"{WEB}/conversation/{row.id}/{row.number}"}}


def creator_link(creator: people.Person) -> dict[str, str]:
    """The link to the user or the customer who created something."""
    name = "createdByUser" if creator["type"] == "user" else "createdByCustomer"
    return {name: f"{creator['type']}s/{creator['id']}"}


def links(base: str, **paths: str) -> Payload:
    """Links to paths of the API, by their names."""
    return {name: {"href": f"{base}/v2/{path}"} for name, path in paths.items()}

"""JSON payloads of threads, as List Threads and as lists of conversations show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compat.simulator import people
from compat.simulator.conversation import format_timestamp
from compat.simulator.history import threads_of
from compat.simulator.payloads import API, Payload, cc, creator_link, links
from compat.simulator.thread import LINE_ITEM

if TYPE_CHECKING:
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.conversation import Conversation
    from compat.simulator.layout import Layout
    from compat.simulator.thread import Thread

CUT_CHAT_THREADS = 1
CUT_BODY = 20
"""What is left of a chat that is embedded: threads, or characters of each."""


def listed(row: Conversation, layout: Layout, base: str = API) -> list[Payload]:
    """All threads of a conversation, the latest first."""
    return [thread(each, row, layout, base) for each in reversed(threads_of(row, layout))]


def embedded(
    row: Conversation, layout: Layout, behaviour: Behaviour, base: str = API
) -> list[Payload]:
    """The threads of a conversation that are shown inside it, the latest first."""
    found = list(reversed(threads_of(row, layout)))[: behaviour.embedded_threads]
    if row.type == "chat" and behaviour.embedded_chats == "threads":
        found = found[:CUT_CHAT_THREADS]
    if row.type == "chat" and behaviour.embedded_chats == "bodies":
        found = [each._replace(body=_body(each, row)[:CUT_BODY]) for each in found]
    return [thread(each, row, layout, base) for each in found]


def thread(each: Thread, row: Conversation, layout: Layout, base: str = API) -> Payload:
    """One thread; optional keys without a value are absent."""
    creator = (
        people.user_by_id(each.author_id, layout)
        if each.by == "user"
        else people.customer(each.author_id)
    )
    return {
        "id": each.id,
        "type": each.type,
        "status": each.status,
        "state": each.state,
        "action": _action(each),
        "body": None if each.type == LINE_ITEM else _body(each, row),
        "source": {"type": each.source, "via": each.by},
        "customer": _customer(each),
        "createdBy": creator,
        **_optional_keys(each, layout),
        **_recipients(each, row),
        "createdAt": format_timestamp(each.created),
        **_late_keys(each),
        "_links": links(base, **creator_link(creator), **_customer_link(each)),
    }


def _body(each: Thread, row: Conversation) -> str:
    text = people.preview(row.subject, row.customer_id)
    return f"{text} ({each.id})" if each.body is None else each.body


def _action(each: Thread) -> Payload:
    text = {} if each.action == "default" else {"text": f"This is the action {each.action}"}
    return {"type": each.action, **text, "associatedEntities": {}}


def _customer(each: Thread) -> Payload | None:
    if not each.customer_id:
        return None
    known = people.customer(each.customer_id)
    return {name: value for name, value in known.items() if name != "type"}


def _customer_link(each: Thread) -> dict[str, str]:
    return {"customer": f"customers/{each.customer_id}"} if each.customer_id else {}


def _optional_keys(each: Thread, layout: Layout) -> Payload:
    found: Payload = {}
    if each.assignee_id:
        found["assignedTo"] = people.user_by_id(each.assignee_id, layout)
    if each.saved_reply_id:
        found["savedReplyId"] = each.saved_reply_id
    return found


def _recipients(each: Thread, row: Conversation) -> Payload:
    if each.type != "message" or not each.customer_id:
        return {"to": [], "cc": [], "bcc": []}
    return {"to": [people.customer_email(each.customer_id)], "cc": cc(row), "bcc": []}


def _late_keys(each: Thread) -> Payload:
    found: Payload = {}
    if each.rating:
        found["rating"] = {
            "customerId": each.rater_id or each.customer_id,
            "rating": each.rating,
            "comments": each.comments,
        }
    if each.attachments:
        found["_embedded"] = {
            "attachments": [_attachment(each, at) for at in range(each.attachments)]
        }
    return found


def _attachment(each: Thread, at: int) -> Payload:
    name = f"file-{at + 1}.png"
    kind = {"filename": name, "mimeType": "image/png", "width": 64, "height": 64, "size": 1024}
    return {"id": each.id * 10 + at, **kind}

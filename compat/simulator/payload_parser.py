"""Conversations and threads from the JSON of Mailbox API 2.0, for accounts that tests describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compat.simulator.conversation import parse_timestamp
from compat.simulator.thread import NO_CHANGE, Thread

if TYPE_CHECKING:
    from compat.simulator.conversation import Conversation
    from compat.simulator.store import Account

_SAME_KEYS = ("id", "number", "type", "status", "state", "subject")
_OTHER_KEYS = {"mailboxId": "mailbox_id", "closedBy": "closed_by"}


def add_conversation(account: Account, payload: Mapping[str, Any]) -> Conversation:
    """Add a conversation with the threads that it has in `_embedded`, or else in `threads`.

    Tags that the account does not know are added. `createdAt` and the threads are required; what
    else is absent follows from the threads. `tags` has objects or ids, and the customer is
    `primaryCustomer`, or an id in `cust`.
    """
    threads = (payload.get("_embedded") or {}).get("threads", payload.get("threads", ()))
    fields = {key: payload[key] for key in _SAME_KEYS if key in payload}
    fields |= {name: payload[key] for key, name in _OTHER_KEYS.items() if key in payload}
    if payload.get("closedAt"):
        fields["closed"] = parse_timestamp(payload["closedAt"])
    customer = payload.get("primaryCustomer", payload.get("cust"))
    if customer:
        fields["customer_id"] = _id(customer)
    for each in payload.get("tags", ()):
        tag_id = _id(each)
        account.layout.add_tag(
            tag_id, each["tag"] if isinstance(each, Mapping) else f"tag {tag_id}"
        )
    return account.add(
        parse_timestamp(payload["createdAt"]),
        tags=[_id(each) for each in payload.get("tags", ())],
        history=[parse_thread(each) for each in threads],
        **fields,
    )


def parse_thread(payload: Mapping[str, Any]) -> Thread:
    """A thread from the JSON of Mailbox API 2.0; keys that are absent have their defaults."""
    author = payload["createdBy"]
    rating = payload.get("rating") or {}
    customer_id = (payload.get("customer") or {}).get("id", 0)
    rater_id = rating.get("customerId") or 0
    return Thread(
        id=payload["id"],
        created=parse_timestamp(payload["createdAt"]),
        type=payload["type"],
        by=author["type"],
        author_id=author["id"],
        customer_id=customer_id,
        status=payload.get("status", NO_CHANGE),
        state=payload.get("state"),
        action=(payload.get("action") or {}).get("type", "default"),
        source=(payload.get("source") or {}).get("type", "email"),
        saved_reply_id=payload.get("savedReplyId") or 0,
        rating=rating.get("rating", ""),
        comments=rating.get("comments", ""),
        attachments=len((payload.get("_embedded") or {}).get("attachments", ())),
        assignee_id=(payload.get("assignedTo") or {}).get("id", 0),
        body=payload.get("body"),
        rater_id=0 if rater_id == customer_id else rater_id,
    )


def _id(value: Any) -> int:
    return int(value["id"] if isinstance(value, Mapping) else value)

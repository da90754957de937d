"""The record of one thread, and what follows from the threads of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

LINE_ITEM = "lineitem"
NO_CHANGE = "nochange"
_REPLIES = frozenset({"message", "chat", "beaconchat"})
_CUSTOMER_TYPES = frozenset({"customer", "chat", "beaconchat", "phone"})


class Thread(NamedTuple):
    """One thread at one time; a change makes a new record.

    Attributes:
        id: its id; ids of threads are unique in an account, and merging does not change them.
        created: epoch seconds.
        type: customer, message, note, lineitem, phone, chat, beaconchat, forwardparent or
            forwardchild.
        by: what its author is: customer or user.
        author_id: the author's id.
        customer_id: the customer of the thread; 0 for none.
        status: the conversation's status after it, or nochange.
        state: published, draft, hidden, review; None on line items.
        action: the type of its action.
        source: the type of its source.
        saved_reply_id: the saved reply it was made from; 0 for none.
        rating: great, okay, not_good; empty for none.
        comments: what the customer wrote with the rating.
        attachments: how many files are attached.
        assignee_id: to whom the conversation was assigned; 0 for nobody.
        body: its text; None for one that is made from the conversation.
        rater_id: the customer who rated it; 0 for the customer of the thread.
    """

    id: int
    created: int
    type: str = "customer"
    by: str = "customer"
    author_id: int = 0
    customer_id: int = 0
    status: str = NO_CHANGE
    state: str | None = "published"
    action: str = "default"
    source: str = "email"
    saved_reply_id: int = 0
    rating: str = ""
    comments: str = ""
    attachments: int = 0
    assignee_id: int = 0
    body: str | None = None
    rater_id: int = 0

    @property
    def counted(self) -> bool:
        """Whether a conversation's number of threads counts it."""
        return self.state == "published" and self.type != LINE_ITEM

    @property
    def is_reply(self) -> bool:
        """Whether a user answered a customer with it."""
        return self.counted and self.by == "user" and self.type in _REPLIES

    @property
    def is_from_customer(self) -> bool:
        """Whether a customer wrote it, so that an answer is due."""
        return self.counted and self.by == "customer" and self.type in _CUSTOMER_TYPES


def in_order(threads: Iterable[Thread]) -> tuple[Thread, ...]:
    """Threads by creation time and id."""
    return tuple(sorted(threads, key=lambda each: (each.created, each.id)))


def waiting_since(threads: Iterable[Thread], created: int) -> int:
    """Since when a customer waits, or since when nobody does.

    Args:
        threads: the conversation's threads, the oldest first.
        created: when the conversation was created.

    Returns:
        The time of the first thread of a customer after the latest reply, or of that reply;
        without both, the creation time.
    """
    found, waits = created, False
    for each in threads:
        if each.is_reply or (each.is_from_customer and not waits):
            found, waits = each.created, each.is_from_customer
    return found


def fields_after(history: Sequence[Thread], created: int) -> dict[str, Any]:
    """The fields of a conversation that follow from its threads.

    Args:
        history: its threads, the oldest first.
        created: when it was created.
    """
    opening = history[0] if history else None
    found: dict[str, Any] = {
        "modified": max([created, *(each.created for each in history)]),
        "status": "active",
        "closed": None,
        "closed_by": 0,
        "created_by": opening.author_id if opening and opening.by == "user" else 0,
    }
    customers = [each.customer_id for each in history if each.customer_id]
    if customers:
        found["customer_id"] = customers[0]
    for each in history:
        if each.status == "closed" != found["status"]:
            found |= {"closed": each.created, "closed_by": each.author_id}
        elif each.status not in {"closed", NO_CHANGE}:
            found |= {"closed": None, "closed_by": 0}
        if each.status != NO_CHANGE:
            found["status"] = each.status
    return found

"""The conversations of a simulated account, and the ways in which they change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from threading import RLock
from typing import Any

from compat.simulator.conversation import Conversation
from compat.simulator.folder_views import home_folder_type
from compat.simulator.history import threads_of
from compat.simulator.layout import Layout
from compat.simulator.thread import NO_CHANGE, Thread, in_order, waiting_since

FIRST_ID = 100_001
_FIELDS = frozenset(field.name for field in fields(Conversation))


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one conversation.

    Attributes:
        at: when, epoch seconds by the account's clock.
        id: the conversation's id.
        before: the record before the change; None if there was none.
    """

    at: float
    id: int
    before: Conversation | None


class Account:
    """A simulated account: its layout and its conversations.

    Every method may be called from any thread. A change sets the record's ``modified`` to the
    account's clock.

    Args:
        layout: mailboxes, folders, users and tags; by default a small one.
        conversations: the first conversations.
        clock: the current time in epoch seconds.

    Attributes:
        changes: all changes, oldest first.
    """

    def __init__(
        self,
        layout: Layout | None = None,
        conversations: Iterable[Conversation] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.layout = layout or Layout()
        self.clock = clock
        self.lock = RLock()
        self.changes: list[Change] = []
        self._rows = {row.id: row for row in conversations}
        self._last_id = max(self._rows, default=FIRST_ID - 1)
        self._last_number = max((row.number for row in self._rows.values()), default=0)

    def conversations(self) -> list[Conversation]:
        """All conversations, also deleted and merged ones, by creation time and id."""
        with self.lock:
            return sorted(self._rows.values(), key=lambda row: (row.created, row.id))

    def histories(self) -> Iterator[tuple[Conversation, tuple[Thread, ...]]]:
        """The truth: each conversation that lists may show, with all of its threads.

        Conversations are sorted by creation time and id, their threads likewise. Threads that are
        made up are made one conversation after the other.
        """
        for row in self.conversations():
            if row.listed:
                yield row, threads_of(row, self.layout)

    def threads(self, conversation_id: int) -> tuple[Thread, ...]:
        """The threads of one conversation, listed or not, the oldest first."""
        return threads_of(self._rows[conversation_id], self.layout)

    def __getitem__(self, conversation_id: int) -> Conversation:
        return self._rows[conversation_id]

    def get(self, conversation_id: int) -> Conversation | None:
        """The current record of this id, deleted or not; None if there never was one."""
        return self._rows.get(conversation_id)

    def add(
        self,
        created_at: datetime | int | None = None,
        *,
        mailbox_id: int | None = None,
        tags: Iterable[int | str] = (),
        **others: Any,
    ) -> Conversation:
        """Add a conversation; by default an active email in the first mailbox.

        Args:
            created_at: an aware datetime or epoch seconds, also in the past; default now.
            mailbox_id: default the first mailbox.
            tags: ids or names; unknown names become new tags.
            others: any other fields of the record. Fields that are not given agree with
                ``history``, all threads of the conversation, if that is given.
        """
        unknown = set(others) - _FIELDS
        if unknown:
            raise TypeError(f"no such fields: {', '.join(sorted(unknown))}")
        with self.lock:
            created = self._seconds(created_at)
            row_id = others.pop("id", self._last_id + 1)
            number = others.pop("number", self._last_number + 1)
            self._last_id = max(self._last_id, row_id)
            self._last_number = max(self._last_number, number)
            mailbox = mailbox_id or self.layout.mailboxes[0].id
            new = self._new_record(row_id, number, created, mailbox)
            if others.get("history") is not None:
                others = _agreeing(created, others)
            elif others.get("state") == "draft":
                others = {"threads": 0} | others
            return self._store(replace(new, tag_ids=self._tag_ids(tags), **others))

    def delete(self, conversation_id: int) -> Conversation:
        """Delete a conversation: lists do not show it, and its address is a 404."""
        return self._change(conversation_id, state="deleted")

    def restore(self, conversation_id: int) -> Conversation:
        """Restore a deleted or merged conversation."""
        return self._change(conversation_id, state="published", merged_into=None)

    def merge(self, conversation_id: int, into: int) -> Conversation:
        """Merge a conversation into another: its threads move, and its address is a 301.

        The moved threads keep their ids and change the status of the other one no more.
        """
        with self.lock:
            moved = (each._replace(status=NO_CHANGE) for each in self.threads(conversation_id))
            self._change(into, history=in_order([*self.threads(into), *moved]))
            return self._change(conversation_id, state="deleted", merged_into=into)

    def spam(self, conversation_id: int) -> Conversation:
        """Make it spam."""
        return self._change(conversation_id, status="spam")

    def unspam(self, conversation_id: int) -> Conversation:
        """Make spam active again."""
        return self._change(conversation_id, status="active")

    def publish(self, conversation_id: int) -> Conversation:
        """Send a draft."""
        return self._change(conversation_id, state="published")

    def retag(self, conversation_id: int, tags: Iterable[int | str]) -> Conversation:
        """Replace its tags, by ids or names; unknown names become new tags."""
        return self._change(conversation_id, tag_ids=self._tag_ids(tags))

    def move(self, conversation_id: int, mailbox_id: int) -> Conversation:
        """Move it to another mailbox."""
        return self._change(conversation_id, mailbox_id=mailbox_id)

    def assign(self, conversation_id: int, user_id: int) -> Conversation:
        """Assign it to a user, or to nobody with 0."""
        return self._change(conversation_id, assignee_id=user_id)

    def close(self, conversation_id: int, user_id: int = 0) -> Conversation:
        """Close it, by this user or by its assignee."""
        with self.lock:
            closer = user_id or self._rows[conversation_id].assignee_id
            now = self._seconds(None)
            return self._change(conversation_id, status="closed", closed=now, closed_by=closer)

    def reopen(self, conversation_id: int, status: str = "active") -> Conversation:
        """Make it active again, or pending."""
        return self._change(conversation_id, status=status, closed=None, closed_by=0)

    def touch(self, conversation_id: int) -> Conversation:
        """Change only the time of its last modification."""
        return self._change(conversation_id)

    def _change(self, conversation_id: int, **changes: Any) -> Conversation:
        with self.lock:
            # Made up threads depend on the record: those of a record that changes are kept.
            changes.setdefault("history", self.threads(conversation_id))
            changes.setdefault("modified", self._seconds(None))
            return self._store(replace(self._rows[conversation_id], **changes))

    def _store(self, row: Conversation) -> Conversation:
        if row.listed:
            folder_type = home_folder_type(row.state, row.status, row.assignee_id)
            row = replace(row, folder_id=self.layout.folder_id(row.mailbox_id, folder_type))
        if row.history is not None:
            threads = sum(each.counted for each in row.history)
            waits = waiting_since(row.history, row.created)
            row = replace(row, threads=threads, waiting_since=waits)
        self.changes.append(Change(self.clock(), row.id, self._rows.get(row.id)))
        self._rows[row.id] = row
        return row

    def _tag_ids(self, tags: Iterable[int | str]) -> tuple[int, ...]:
        return tuple(self.layout.tag_named(t).id if isinstance(t, str) else t for t in tags)

    def _seconds(self, instant: datetime | int | None) -> int:
        if isinstance(instant, datetime):
            if instant.tzinfo is None:
                raise ValueError("a datetime without a zone is no instant")
            return int(instant.timestamp() // 1)
        return int(self.clock()) if instant is None else instant

    def _new_record(self, row_id: int, number: int, created: int, mailbox_id: int) -> Conversation:
        return Conversation(
            id=row_id,
            number=number,
            created=created,
            millis=0,
            modified=max(created, self._seconds(None)),
            type="email",
            status="active",
            state="published",
            mailbox_id=mailbox_id,
            folder_id=0,
            assignee_id=0,
            customer_id=900_001,
            created_by=0,
            tag_ids=(),
            subject="Hello",
            threads=1,
            closed=None,
            closed_by=0,
            waiting_since=created,
            attachments=False,
            merged_into=None,
        )


def _agreeing(created: int, fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a new record, with those that follow from its history."""
    history = in_order(fields["history"])
    opening = history[0] if history else None
    found: dict[str, Any] = {
        "modified": max([created, *(each.created for each in history)]),
        "status": "active",
        "closed": None,
        "closed_by": 0,
        "attachments": any(each.attachments for each in history),
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
    return found | fields | {"history": history}

"""The conversations of a simulated account, and how one record follows another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import count
from threading import RLock
from typing import Any

from compat.simulator.conversation import Conversation
from compat.simulator.folder_views import home_folder_type
from compat.simulator.history import threads_of
from compat.simulator.layout import Layout
from compat.simulator.thread import (
    LINE_ITEM,
    NO_CHANGE,
    Thread,
    fields_after,
    in_order,
    waiting_since,
)

FIRST_ID = 100_001
FIRST_THREAD_ID = 10**15
"""The id of the first thread that is added; all that are made up have smaller ones."""

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


class Records:
    """The conversations of an account, with their threads.

    Every method may be called from any thread. A change sets the record's ``modified`` to the
    account's clock.

    Args:
        layout: mailboxes, folders, users and tags; by default a small one.
        conversations: the first conversations.
        clock: the current time in epoch seconds.

    Attributes:
        changes: all changes, oldest first.
        ratings_modify: whether a rating sets ``modified``; a simulator sets it by its behaviour.
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
        self.ratings_modify = True
        self._rows = {row.id: row for row in conversations}
        self._thread_ids = count(FIRST_THREAD_ID)
        self._last_id = max(self._rows, default=FIRST_ID - 1)
        self._last_number = max((row.number for row in self._rows.values()), default=0)

    def conversations(self) -> list[Conversation]:
        """All conversations, also deleted and merged ones, by creation time and id."""
        with self.lock:
            return sorted(self._rows.values(), key=lambda row: (row.created, row.id))

    def histories(self) -> Iterator[tuple[Conversation, tuple[Thread, ...]]]:
        """The truth: each conversation that lists may show, with all of its threads.

        Conversations are sorted by creation time and id, and so are their threads. Threads that are
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
                ``history``, all threads of the conversation, if that is given. Without it, a
                closed one was closed when it was created, and a draft has no threads that count.
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
                history = in_order(others["history"])
                others = fields_after(history, created) | others | {"history": history}
            else:
                others = self._without_history(created, others) | others
            return self._store(replace(new, tag_ids=self.tag_ids(tags), **others))

    def set_status(self, conversation_id: int, status: str, user_id: int = 0) -> Conversation:
        """Change the status by a line item, if it is another one."""
        with self.lock:
            row = self._rows[conversation_id]
            if row.status == status and (row.closed is not None) == (status == "closed"):
                return self.change(conversation_id)
            return self.line_item(conversation_id, status=status, author_id=user_id)

    def line_item(
        self, conversation_id: int, changes: dict[str, Any] | None = None, **fields: Any
    ) -> Conversation:
        """Add a line item, and make changes of the record with it."""
        with self.lock:
            item = {"type": LINE_ITEM, "state": None, "customer_id": 0, "assignee_id": 0}
            thread = self.new_thread(conversation_id, item | fields)
            history = in_order([*self.threads(conversation_id), thread])
            modified = max(self.now(), thread.created)
            changes = self.status_after(conversation_id, history, thread) | (changes or {})
            return self.change(conversation_id, history=history, modified=modified, **changes)

    def new_thread(self, conversation_id: int, fields: dict[str, Any]) -> Thread:
        """A thread with these fields that is not added yet; by default of a user, and now."""
        row = self._rows[conversation_id]
        latest = max((each.created for each in self.threads(conversation_id)), default=row.created)
        defaults: dict[str, Any] = {
            "id": self.new_thread_id(),
            "created": max(self.now(), latest),
            "by": "user",
            "customer_id": row.customer_id,
            "assignee_id": row.assignee_id,
            "source": "email" if fields.get("by") == "customer" else "web",
        }
        thread = Thread(**(defaults | fields))
        author_id = thread.author_id or row.assignee_id or self.layout.authors[0]
        return thread._replace(author_id=author_id)

    def status_after(
        self, conversation_id: int, history: tuple[Thread, ...], thread: Thread
    ) -> dict[str, Any]:
        """What the status of a new thread changes: nothing if it is not sent, or not the latest."""
        row, is_sent = self._rows[conversation_id], thread.state in {"published", None}
        if thread.status == NO_CHANGE or not is_sent or history[-1] is not thread:
            return {}
        if thread.status != "closed":
            return {"status": thread.status, "closed": None, "closed_by": 0}
        if row.status == "closed" and row.closed is not None:
            return {}
        return {"status": "closed", "closed": thread.created, "closed_by": thread.author_id}

    def change(self, conversation_id: int, by_user: bool = True, **changes: Any) -> Conversation:
        """Change fields of a record, as a user or not; ``modified`` is now if not given."""
        with self.lock:
            row = self._rows[conversation_id]
            # Made up threads depend on the record: those of a record that changes are kept.
            changes.setdefault("history", self.threads(conversation_id))
            changes.setdefault("modified", self.now())
            before = row.modified if row.user_updated is None else row.user_updated
            changes["user_updated"] = changes["modified"] if by_user else before
            return self._store(replace(row, **changes))

    def _store(self, row: Conversation) -> Conversation:
        if row.listed:
            folder_type = home_folder_type(row.state, row.status, row.assignee_id)
            row = replace(row, folder_id=self.layout.folder_id(row.mailbox_id, folder_type))
        if row.history is not None:
            row = replace(
                row,
                threads=sum(each.counted for each in row.history),
                waiting_since=waiting_since(row.history, row.created),
                attachments=any(each.attachments for each in row.history),
            )
        self.changes.append(Change(self.clock(), row.id, self._rows.get(row.id)))
        self._rows[row.id] = row
        return row

    def tag_ids(self, tags: Iterable[int | str]) -> tuple[int, ...]:
        """The ids of tags, by ids or names; unknown names become new tags."""
        return tuple(self.layout.tag_named(t).id if isinstance(t, str) else t for t in tags)

    def now(self) -> int:
        """The current second by the account's clock."""
        return int(self.clock())

    def new_thread_id(self) -> int:
        """An id that no thread has."""
        return next(self._thread_ids)

    def _seconds(self, instant: datetime | int | None) -> int:
        if isinstance(instant, datetime):
            if instant.tzinfo is None:
                raise ValueError("a datetime without a zone is no instant")
            return int(instant.timestamp() // 1)
        return self.now() if instant is None else instant

    def _without_history(self, created: int, others: dict[str, Any]) -> dict[str, Any]:
        """Fields with which threads that are made up can agree."""
        found: dict[str, Any] = {}
        if others.get("state") == "draft":
            found["threads"] = 0
        if others.get("status") == "closed":
            closed_by = others.get("assignee_id") or self.layout.authors[0]
            found |= {"closed": created, "closed_by": closed_by}
        return found

    def _new_record(self, row_id: int, number: int, created: int, mailbox_id: int) -> Conversation:
        return Conversation(
            id=row_id,
            number=number,
            created=created,
            millis=0,
            modified=max(created, self.now()),
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

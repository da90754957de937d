"""A simulated account, and the ways in which its conversations and threads change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from compat.simulator.conversation import Conversation
from compat.simulator.records import Records
from compat.simulator.thread import LINE_ITEM, NO_CHANGE, Thread, in_order


class Account(Records):
    """A simulated account: its layout and its conversations.

    Every method may be called from any thread. A change sets the record's ``modified`` to the
    account's clock.
    """

    def delete(self, conversation_id: int) -> Conversation:
        """Delete a conversation: lists do not show it, and its address is a 404."""
        return self.change(conversation_id, state="deleted")

    def restore(self, conversation_id: int) -> Conversation:
        """Restore a deleted or merged conversation; a merged one gets its threads back."""
        with self.lock:
            row = self[conversation_id]
            mine = {each.id for each in self.threads(conversation_id)}
            holder = row.merged_into
            while holder is not None:
                kept = tuple(each for each in self.threads(holder) if each.id not in mine)
                if len(kept) < len(self.threads(holder)):
                    self.change(holder, history=kept)
                holder = self[holder].merged_into
            state = "published" if row.threads else "draft"
            return self.change(conversation_id, state=state, merged_into=None)

    def merge(self, conversation_id: int, into: int) -> Conversation:
        """Merge a conversation into another: its threads move, and its address is a 301.

        The moved threads keep their ids and change the status of the other one no more.
        """
        with self.lock:
            moved = (each._replace(status=NO_CHANGE) for each in self.threads(conversation_id))
            self.change(into, history=in_order([*self.threads(into), *moved]))
            self.line_item(into, action="merged")
            return self.change(conversation_id, state="deleted", merged_into=into)

    def spam(self, conversation_id: int) -> Conversation:
        """Make it spam."""
        return self.set_status(conversation_id, "spam")

    def unspam(self, conversation_id: int) -> Conversation:
        """Make spam active again."""
        return self.set_status(conversation_id, "active")

    def publish(self, conversation_id: int) -> Conversation:
        """Send a draft."""
        with self.lock:
            if self[conversation_id].state == "draft":
                for each in self.threads(conversation_id):
                    if each.state == "draft":
                        self.send(conversation_id, each.id)
            return self.change(conversation_id, state="published")

    def retag(self, conversation_id: int, tags: Iterable[int | str]) -> Conversation:
        """Replace its tags, by ids or names; unknown names become new tags."""
        return self.change(conversation_id, tag_ids=self.tag_ids(tags))

    def move(self, conversation_id: int, mailbox_id: int) -> Conversation:
        """Move it to another mailbox."""
        return self.line_item(conversation_id, {"mailbox_id": mailbox_id}, action="moved")

    def assign(self, conversation_id: int, user_id: int) -> Conversation:
        """Assign it to a user, or to nobody with 0."""
        changes = {"assignee_id": user_id}
        return self.line_item(conversation_id, changes, assignee_id=user_id)

    def close(self, conversation_id: int, user_id: int = 0) -> Conversation:
        """Close it, by this user, by its assignee, or by any user."""
        return self.set_status(conversation_id, "closed", user_id)

    def reopen(self, conversation_id: int, status: str = "active") -> Conversation:
        """Make it active again, or pending."""
        return self.set_status(conversation_id, status)

    def touch(self, conversation_id: int) -> Conversation:
        """Change only the time of its last modification."""
        return self.change(conversation_id)

    def write(self, conversation_id: int, **fields: Any) -> Thread:
        """Add a message of the customer; a conversation that is not active becomes so.

        Args:
            conversation_id: the conversation.
            fields: fields of the thread, as for `add_thread`.
        """
        with self.lock:
            row = self[conversation_id]
            defaults = {
                "type": "beaconchat" if row.type == "chat" else "customer",
                "status": NO_CHANGE if row.status in {"active", "spam"} else "active",
                "by": "customer",
                "author_id": fields.get("customer_id", row.customer_id),
            }
            return self.add_thread(conversation_id, **(defaults | fields))

    def reply(self, conversation_id: int, **fields: Any) -> Thread:
        """Add a reply of a user; ``status`` among its fields closes the conversation, say."""
        return self.add_thread(conversation_id, **({"type": "message"} | fields))

    def note(self, conversation_id: int, **fields: Any) -> Thread:
        """Add a note of a user."""
        return self.add_thread(conversation_id, **({"type": "note"} | fields))

    def add_thread(self, conversation_id: int, **fields: Any) -> Thread:
        """Add a thread, by default one that a user writes now.

        A status of the latest thread becomes that of the conversation.

        Args:
            conversation_id: the conversation.
            fields: any fields of the thread. The author is the assignee if not given.
        """
        with self.lock:
            thread = self.new_thread(conversation_id, fields)
            history = in_order([*self.threads(conversation_id), thread])
            changes = self.status_after(conversation_id, history, thread)
            modified = max(self.now(), thread.created)
            by_user = thread.by == "user"
            self.change(conversation_id, by_user, history=history, modified=modified, **changes)
            return thread

    def edit_thread(self, conversation_id: int, thread_id: int, **fields: Any) -> Thread:
        """Change fields of a thread; a status does not change that of the conversation."""
        with self.lock:
            found = {each.id: each for each in self.threads(conversation_id)}
            thread = found[thread_id] = found[thread_id]._replace(**fields)
            self.change(conversation_id, history=in_order(found.values()))
            return thread

    def send(self, conversation_id: int, thread_id: int) -> Thread:
        """Send a reply that is a draft: it is published, and created now."""
        with self.lock:
            latest = self.threads(conversation_id)[-1].created
            now = max(self.now(), latest)
            return self.edit_thread(conversation_id, thread_id, state="published", created=now)

    def remove_thread(self, conversation_id: int, thread_id: int) -> Thread:
        """Delete a thread. If it changed the status, a line item keeps that change.

        Not if another thread changed it in the same second: the line item would come after that.
        """
        with self.lock:
            found = {each.id: each for each in self.threads(conversation_id)}
            thread = found.pop(thread_id)
            same_second = (each for each in found.values() if each.created == thread.created)
            changed_again = any(
                each.id > thread.id and each.status != NO_CHANGE for each in same_second
            )
            if thread.status != NO_CHANGE and not changed_again:
                kept = self._in_place_of(thread)
                found[kept.id] = kept
            self.change(conversation_id, history=in_order(found.values()))
            return thread

    def rate(
        self,
        conversation_id: int,
        thread_id: int,
        rating: str,
        comments: str = "",
        *,
        rater_id: int = 0,
    ) -> Thread:
        """Give a reply a rating, in place of an earlier one; `ratings_modify` says what follows.

        Args:
            conversation_id: the conversation.
            thread_id: the reply in it.
            rating: great, okay or not_good.
            comments: what the customer writes with it.
            rater_id: the customer who rates; 0 for the customer of the thread.
        """
        with self.lock:
            row = self[conversation_id]
            found = {each.id: each for each in self.threads(conversation_id)}
            thread = found[thread_id]._replace(rating=rating, comments=comments, rater_id=rater_id)
            found[thread_id] = thread
            modified = self.now() if self.ratings_modify else row.modified
            history = in_order(found.values())
            self.change(conversation_id, by_user=False, history=history, modified=modified)
            return thread

    def _in_place_of(self, thread: Thread) -> Thread:
        return Thread(
            id=self.new_thread_id(),
            created=thread.created,
            type=LINE_ITEM,
            by=thread.by,
            author_id=thread.author_id,
            status=thread.status,
            state=None,
            source="web",
        )

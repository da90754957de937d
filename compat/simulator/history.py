"""The threads of a conversation, made up from its record so that both agree.

Nothing is stored: the same record has the same threads whenever they are made. The threads of a
conversation that changed are in its record.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from compat.simulator.layout import SAVED_REPLY_NAMES, saved_reply_id
from compat.simulator.thread import LINE_ITEM, NO_CHANGE, Thread, in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from compat.simulator.conversation import Conversation
    from compat.simulator.layout import Layout

IDS_EACH = 10_000
"""How many ids are reserved for the threads of one conversation."""

FORMER_USER = 4099
"""The author of some threads, who is no user any more."""

_SOURCES = {"chat": "beacon-v2", "phone": "web"}
_MIDDLE = (*("reply",) * 9, *("customer",) * 7, *("note",) * 4)
_REPLY_STATUSES = (*("pending",) * 4, *(NO_CHANGE,) * 2, "active")
_RATINGS = (*("great",) * 3, "okay", "not_good")
_COMMENTS = ("", "", "Fast and friendly.", "I had to ask twice.")


def threads_of(row: Conversation, layout: Layout) -> tuple[Thread, ...]:
    """The threads of a conversation, the oldest first."""
    return _Story(row, layout.authors).threads() if row.history is None else row.history


class _Story:
    """What happened in one conversation.

    Args:
        row: its record; the threads agree with its times, its status and its number of threads.
        authors: the ids of users who may have written.
    """

    def __init__(self, row: Conversation, authors: Sequence[int]) -> None:
        self._row = row
        self._authors = authors
        self._rng = Random(row.id << 32 ^ row.created << 10 ^ row.millis)
        self._end = max(row.modified, row.created)
        self._closed = row.closed if row.status == "closed" else None
        latest = self._end if self._closed is None else self._closed
        self._turn = max(min(row.waiting_since, latest), row.created)
        self._latest = max(latest, row.created)
        self._status = "active"
        self._chat = self._chat_type() if row.type == "chat" else ""
        self._opening = self._first()
        self._imported = self._import_size()

    def threads(self) -> tuple[Thread, ...]:
        """The threads, the oldest first."""
        row = self._row
        if row.threads < 1 or row.state == "draft":
            draft = self._draft(row.created)._replace(attachments=int(row.attachments))
            return (self._numbered(0, draft),)
        published = self._published()
        others = [] if row.status == "spam" else self._others()
        found = sorted([*published, *others], key=lambda each: each.created)
        if row.attachments:
            self._attach(found)
        return in_order(self._numbered(at, each) for at, each in enumerate(found))

    def _numbered(self, at: int, thread: Thread) -> Thread:
        return thread._replace(id=self._row.id * IDS_EACH + at)

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share

    def _pick(self, words: Sequence[str]) -> str:
        return words[int(self._rng.random() * len(words))]

    def _between(self, first: int, last: int) -> int:
        return first + int(self._rng.random() * (last - first + 1))

    def _chat_type(self) -> str:
        return "beaconchat" if self._chance(0.7) else "chat"

    def _first(self) -> Thread:
        """The thread that began the conversation."""
        row = self._row
        if row.type == "chat":
            kind = self._chat
        elif row.type == "phone":
            kind = "phone"
        elif row.created_by:
            kind = "forwardchild" if self._chance(0.08) else "message"
        else:
            kind = "customer"
        if row.created_by:
            action = "original-author"
            return self._by_user(kind, row.created, row.created_by, action=action)
        return self._by_customer(kind, row.created)

    def _import_size(self) -> int:
        """How many of the first threads were imported."""
        row = self._row
        if row.type != "email" or row.status == "spam" or not self._chance(0.03):
            return 0
        return self._rng.randint(1, max(row.threads - 1, 1))

    def _published(self) -> list[Thread]:
        """The threads that count, and a line item if none of them has the latest status."""
        row, found = self._row, []
        plan = [(row.created, "opening"), *self._plan()]
        for at, (created, role) in enumerate(plan):
            thread = self._thread(created, role)
            if at < self._imported:
                thread = thread._replace(action="imported", status=NO_CHANGE)
            elif thread.status != NO_CHANGE:
                self._status = thread.status
            found.append(thread)
        if self._status != row.status:
            found.append(self._status_change())
        return found

    def _plan(self) -> list[tuple[int, str]]:
        """When and what the threads after the first one are, the oldest first."""
        row, rest = self._row, self._row.threads - 1
        if not rest:
            return []
        if self._turn == row.created or row.status == "spam":
            role = "customer" if self._opening.is_from_customer else "note"
            return self._at_times(row.created, self._latest, [role] * rest)
        final = self._final_role()
        late = int(rest > 1 + (final == "customer") and self._chance(0.25))
        middle = [self._pick(_MIDDLE) for _ in range(rest - 1 - late)]
        if final == "customer":
            self._answer(middle)
        middle = self._close_for_a_while([*middle, final])
        before = self._at_times(row.created, self._turn, middle)
        after = self._at_times(self._latest, self._end, ["late note"] * late)
        return [*before, (self._turn, final), *after]

    def _final_role(self) -> str:
        """Who wrote at the time since which a customer waits, or nobody does."""
        can_wait = self._opening.is_reply or self._row.threads > 2
        return "customer" if self._row.status == "active" and can_wait else "closing reply"

    def _answer(self, roles: list[str]) -> None:
        """Make a reply of the last turn in these roles, so that the next one begins to wait."""
        turns = [at for at, role in enumerate(roles) if role != "note"]
        if turns:
            roles[turns[-1]] = "reply"
        elif not self._opening.is_reply:
            roles[-1] = "reply"

    def _close_for_a_while(self, roles: list[str]) -> list[str]:
        """These roles but the last; some replies before a customer's turn close until then."""
        turns = [at for at, role in enumerate(roles) if role != "note"]
        for at, following in pairwise(turns):
            reopened = roles[at] == "reply" and roles[following] == "customer"
            if reopened and self._chance(0.35):
                roles[at] = "closed reply"
        return roles[:-1]

    def _at_times(self, first: int, last: int, roles: list[str]) -> list[tuple[int, str]]:
        times = sorted(self._between(first, last) for _ in roles)
        return list(zip(times, roles, strict=True))

    def _thread(self, created: int, role: str) -> Thread:
        """A thread with its status, given the status before it."""
        if role == "opening":
            return self._opening._replace(status=self._opening_status())
        if role.endswith("note"):
            repeats = role == "note" and self._chance(0.15)
            return self._note(created, self._status if repeats else NO_CHANGE)
        if role == "customer":
            thread = self._by_customer(self._chat or "customer", created)
            shown = self._status != "active" or self._chance(0.1)
            can_change = self._row.status != "spam"
            return thread._replace(status="active") if shown and can_change else thread
        if role == "closed reply":
            return self._reply(created)._replace(status="closed")
        if role == "reply":
            return self._reply(created)._replace(status=self._pick(_REPLY_STATUSES))
        return self._final_reply(created)

    def _opening_status(self) -> str:
        row = self._row
        closes = row.threads == 1 and self._closed == row.created
        if row.status == "spam" or (closes and self._opening.author_id == row.closed_by):
            return row.status
        return "pending" if self._opening.is_reply and self._chance(0.5) else "active"

    def _final_reply(self, created: int) -> Thread:
        row, thread = self._row, self._reply(created)
        if row.status != "closed":
            return thread._replace(status=row.status)
        if self._closed == created:
            closer = row.closed_by or thread.author_id
            return thread._replace(status="closed", author_id=closer)
        return thread._replace(status="pending" if self._chance(0.7) else "active")

    def _status_change(self) -> Thread:
        """The line item of the latest change of status."""
        user_id = self._row.closed_by or self._user()
        found = self._line_item(self._latest, user_id, status=self._row.status)
        return _by_workflow(found) if self._chance(0.2) else found

    def _reply(self, created: int) -> Thread:
        row = self._row
        kind = "message" if not self._chat or self._chance(0.15) else self._chat
        saved = saved_reply_id(row.mailbox_id, self._between(0, len(SAVED_REPLY_NAMES)))
        saved_used = saved if self._chance(0.3) else 0
        thread = self._by_user(kind, created, self._user(), saved_reply_id=saved_used)
        if self._chance(0.05):
            thread = _by_workflow(thread)
        if kind != "message" or not self._chance(0.2):
            return thread
        comments, rating = self._pick(_COMMENTS), self._pick(_RATINGS)
        # Seldom, somebody who has a copy rates. A further draw would change all data of a seed.
        by_other = created % 20 == 0
        rater_id = row.customer_id + 1 if by_other else 0
        return thread._replace(rating=rating, comments=comments, rater_id=rater_id)

    def _note(self, created: int, status: str) -> Thread:
        forwards = self._row.type == "email" and self._chance(0.1)
        kind = "forwardparent" if forwards else "note"
        return self._by_user(kind, created, self._user(), status=status)

    def _others(self) -> list[Thread]:
        """Line items without a change of status, drafts and hidden threads."""
        row, found = self._row, []
        if row.assignee_id and self._chance(0.6):
            created = self._between(row.created, self._latest)
            found.append(self._line_item(created, self._user(), assignee_id=row.assignee_id))
        if self._chance(0.08):
            created = self._between(row.created, self._latest)
            found.append(_by_workflow(self._line_item(created, self._authors[0])))
        if self._chance(0.05):
            found.append(self._draft(self._between(row.created, self._end)))
        if self._chance(0.03):
            state = "review" if self._chance(0.3) else "hidden"
            created = self._between(row.created, self._end)
            found.append(self._by_user("message", created, self._user(), state=state))
        return found

    def _draft(self, created: int) -> Thread:
        user_id = self._row.created_by or self._user()
        return self._by_user("message", created, user_id, state="draft")

    def _attach(self, threads: list[Thread]) -> None:
        places = [at for at, each in enumerate(threads) if each.counted]
        at = self._rng.choice(places)
        threads[at] = threads[at]._replace(attachments=self._rng.randint(1, 2))

    def _user(self) -> int:
        """A user who writes: mostly the assignee, seldom one who left since."""
        if self._chance(0.02):
            return FORMER_USER
        if self._row.assignee_id and self._chance(0.7):
            return self._row.assignee_id
        return self._authors[int(self._rng.random() * len(self._authors))]

    def _by_customer(self, kind: str, created: int) -> Thread:
        """A thread of the customer, seldom of another one who has a copy."""
        row = self._row
        other = created > row.created and self._chance(0.05)
        customer_id = row.customer_id + other
        source = _SOURCES.get(row.type, "email")
        return Thread(
            id=0,
            created=created,
            type=kind,
            author_id=customer_id,
            customer_id=customer_id,
            source=source,
            assignee_id=row.assignee_id,
        )

    def _by_user(
        self,
        kind: str,
        created: int,
        user_id: int,
        *,
        status: str = NO_CHANGE,
        state: str = "published",
        action: str = "default",
        saved_reply_id: int = 0,
    ) -> Thread:
        return Thread(
            id=0,
            created=created,
            type=kind,
            by="user",
            author_id=user_id,
            customer_id=self._row.customer_id,
            status=status,
            state=state,
            action=action,
            source="beacon-v2" if kind == self._chat else "web",
            saved_reply_id=saved_reply_id,
            assignee_id=self._row.assignee_id,
        )

    def _line_item(
        self,
        created: int,
        user_id: int,
        *,
        status: str = NO_CHANGE,
        assignee_id: int = 0,
    ) -> Thread:
        return Thread(
            id=0,
            created=created,
            type=LINE_ITEM,
            by="user",
            author_id=user_id,
            status=status,
            state=None,
            source="web",
            assignee_id=assignee_id,
        )


def _by_workflow(thread: Thread) -> Thread:
    return thread._replace(source="workflows", action="manual-workflow")

"""A made-up account of any size, the same for the same seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from random import Random
from typing import NamedTuple

from compat.simulator.account import FIRST_ID, Account
from compat.simulator.folders import home_type
from compat.simulator.layout import Layout
from compat.simulator.moments import DAY, moments
from compat.simulator.people import SUBJECTS
from compat.simulator.records import Conversation

SINCE = datetime(2013, 6, 1, tzinfo=UTC)
FIRST_CUSTOMER = 900_001
SPAM, DRAFT, UNTAGGED = 0.05, 0.02, 0.4
_TYPES = (("email", 0.80), ("chat", 0.93), ("phone", 1.0))
_BUSY_MAILBOXES = (0.5, 0.25, 0.15, 0.1)


class _Fate(NamedTuple):
    state: str
    status: str
    assignee_id: int
    closed: int | None
    closed_by: int


def make_account(
    conversations: int = 5000,
    seed: int = 1,
    now: datetime | None = None,
    since: datetime = SINCE,
    clock: Callable[[], float] = time.time,
) -> Account:
    """An account with a past, the same for the same arguments.

    Args:
        conversations: how many the lists can show; deleted and merged ones come on top.
        seed: chooses another past.
        now: the latest creation time, aware; default the clock's.
        since: the earliest creation time, aware.
        clock: the account's clock from then on, epoch seconds.

    Raises:
        ValueError: ``now`` is not after ``since``, or ``conversations`` is negative.
    """
    end = int(now.timestamp()) if now else int(clock())
    start = int(since.timestamp())
    if end <= start or conversations < 0:
        raise ValueError("an account needs a beginning before its now, and no negative size")
    maker = _Maker(Random(seed), Layout(), end)
    gone = max(2, conversations // 60) if conversations >= 5 else 0
    rows = list(maker.rows(moments(maker.rng, conversations + gone, start, end)))
    maker.remove(rows, gone)
    return Account(maker.layout, rows, clock)


class _Maker:
    """Draws one conversation after the other."""

    def __init__(self, rng: Random, layout: Layout, now: int) -> None:
        self.rng = rng
        self.layout = layout
        self.now = now
        self._tag_ids = [tag.id for tag in layout.tags]
        self._tag_weights = list(accumulate(1 / (at + 1) for at in range(len(layout.tags))))
        self._mailbox_ids = [mailbox.id for mailbox in layout.mailboxes]
        self._user_ids = [user.id for user in layout.users]
        self._homes = {
            (folder.mailbox_id, folder.type): folder.id
            for folder in layout.folders
            if not folder.user_id
        }

    def rows(self, created: list[int]) -> Iterator[Conversation]:
        """One conversation for each creation time, ids and numbers ascending."""
        rng, size = self.rng, len(created)
        mailboxes = rng.choices(self._mailbox_ids, weights=_BUSY_MAILBOXES, k=size)
        customers = size // 3 + 1
        row_id = FIRST_ID
        for number, moment in enumerate(created, 1):
            row_id += 1 + int(rng.random() * 4)
            customer = FIRST_CUSTOMER + int(customers * rng.random() ** 2)
            yield self._row(row_id, number, moment, mailboxes[number - 1], customer)

    def remove(self, rows: list[Conversation], gone: int) -> None:
        """Deletes this many, a third of them by merging into a neighbour."""
        chosen = sorted(self.rng.sample(range(len(rows)), gone))
        lost = set(chosen)
        for order, at in enumerate(chosen):
            into = None
            if order % 3 == 0:
                near = at + 1
                while near % len(rows) in lost:
                    near += 1
                into = rows[near % len(rows)].id
            rows[at] = _deleted(rows[at], into)

    def _row(
        self, row_id: int, number: int, created: int, mailbox_id: int, customer_id: int
    ) -> Conversation:
        draw = self.rng.random
        state, status, assignee_id, closed, closed_by = self._fate(created)
        kind = draw()
        answered = min(self.now, created + int(draw() ** 3 * 5 * DAY))
        home = home_type(state, status, assignee_id)
        return Conversation(
            id=row_id,
            number=number,
            created=created,
            millis=int(draw() * 1000),
            modified=max(answered, closed or 0),
            type=next(name for name, share in _TYPES if kind < share),
            status=status,
            state=state,
            mailbox_id=mailbox_id,
            folder_id=self._homes[mailbox_id, home],
            assignee_id=assignee_id,
            customer_id=customer_id,
            created_by=self._user() if state == "draft" or draw() < 0.1 else 0,
            tag_ids=self._tags(),
            subject=SUBJECTS[int(draw() * len(SUBJECTS))],
            threads=1 if status == "spam" else 1 + int(draw() ** 2 * 9),
            closed=closed,
            closed_by=closed_by,
            waiting_since=answered,
            attachments=draw() < 0.15,
            merged_into=None,
        )

    def _fate(self, created: int) -> _Fate:
        draw = self.rng.random
        luck = draw()
        if luck < SPAM:
            return _Fate("published", "spam", 0, None, 0)
        if luck < SPAM + DRAFT:
            return _Fate("draft", "active", 0, None, 0)
        assignee = self._user() if draw() < 0.75 else 0
        unsettled = 0.5 if self.now - created < 14 * DAY else 0.04
        if draw() < unsettled:
            return _Fate("published", "active" if draw() < 0.6 else "pending", assignee, None, 0)
        closed = min(self.now, created + int(draw() ** 3 * 20 * DAY))
        return _Fate("published", "closed", assignee, closed, assignee or self._user())

    def _tags(self) -> tuple[int, ...]:
        if self.rng.random() < UNTAGGED:
            return ()
        many = 1 + int(self.rng.random() ** 2 * 4)
        drawn = self.rng.choices(self._tag_ids, cum_weights=self._tag_weights, k=many)
        return tuple(dict.fromkeys(drawn))

    def _user(self) -> int:
        return self._user_ids[int(self.rng.random() * len(self._user_ids))]


def _deleted(row: Conversation, into: int | None) -> Conversation:
    return replace(row, state="deleted", merged_into=into)

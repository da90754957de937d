"""Random accounts of any size, repeatable by their seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from random import Random
from typing import NamedTuple

from compat.simulator.conversation import Conversation
from compat.simulator.folder_views import home_folder_type
from compat.simulator.layout import Layout
from compat.simulator.people import SUBJECTS
from compat.simulator.records import FIRST_ID
from compat.simulator.store import Account

SINCE = datetime(2013, 6, 1, tzinfo=UTC)
FIRST_CUSTOMER = 900_001
SPAM, DRAFT, UNTAGGED = 0.05, 0.02, 0.4
_TYPES = (("email", 0.80), ("chat", 0.93), ("phone", 1.0))
_MAILBOX_SHARES = (0.5, 0.25, 0.15, 0.1)
DAY = 86_400
WEEKDAYS = (1.1, 1.15, 1.05, 1.0, 0.95, 0.4, 0.3)
HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 16, 17, 19, 18, 15, 12, 9, 7, 6, 5, 4, 3)
GROWTH = 0.3
"""By how much the last day is busier than the first, as a share of the mean."""


class _Status(NamedTuple):
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
    """Make an account with conversations; equal arguments make equal accounts.

    Args:
        conversations: how many conversations lists can show, besides deleted and merged ones.
        seed: the seed of all random choices.
        now: the latest creation time, aware; by default the clock's time.
        since: the earliest creation time, aware.
        clock: the account's clock, epoch seconds.

    Raises:
        ValueError: ``now`` is not after ``since``, or ``conversations`` is negative.
    """
    end = int(now.timestamp()) if now else int(clock())
    start = int(since.timestamp())
    if end <= start or conversations < 0:
        raise ValueError("an account needs a beginning before its now, and no negative size")
    generator = _Generator(Random(seed), Layout(), end)
    removed = max(2, conversations // 60) if conversations >= 5 else 0
    rows = list(generator.rows(_creation_times(generator.rng, conversations + removed, start, end)))
    generator.remove(rows, removed)
    return Account(generator.layout, rows, clock)


class _Generator:
    """Makes random conversations."""

    def __init__(self, rng: Random, layout: Layout, now: int) -> None:
        self.rng = rng
        self.layout = layout
        self.now = now
        self._tag_ids = [tag.id for tag in layout.tags]
        self._tag_weights = list(accumulate(1 / (at + 1) for at in range(len(layout.tags))))
        self._mailbox_ids = [mailbox.id for mailbox in layout.mailboxes]
        self._user_ids = [user.id for user in layout.users]
        self._folder_ids = {
            (folder.mailbox_id, folder.type): folder.id
            for folder in layout.folders
            if not folder.user_id
        }

    def rows(self, created: list[int]) -> Iterator[Conversation]:
        """One conversation for each creation time, with ascending ids and numbers."""
        rng, size = self.rng, len(created)
        mailboxes = rng.choices(self._mailbox_ids, weights=_MAILBOX_SHARES, k=size)
        customers = size // 3 + 1
        row_id = FIRST_ID
        for number, second in enumerate(created, 1):
            row_id += 1 + int(rng.random() * 4)
            customer = FIRST_CUSTOMER + int(customers * rng.random() ** 2)
            yield self._row(row_id, number, second, mailboxes[number - 1], customer)

    def remove(self, rows: list[Conversation], removed: int) -> None:
        """Delete this many, a third of them by merging into the next one that stays."""
        chosen = sorted(self.rng.sample(range(len(rows)), removed))
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
        state, status, assignee_id, closed, closed_by = self._status(created)
        kind = draw()
        answered = min(self.now, created + int(draw() ** 3 * 5 * DAY))
        waiting_since = answered if closed is None else min(answered, closed)
        folder_type = home_folder_type(state, status, assignee_id)
        row = Conversation(
            id=row_id,
            number=number,
            created=created,
            millis=int(draw() * 1000),
            modified=max(answered, closed or 0),
            type=next(name for name, share in _TYPES if kind < share),
            status=status,
            state=state,
            mailbox_id=mailbox_id,
            folder_id=self._folder_ids[mailbox_id, folder_type],
            assignee_id=assignee_id,
            customer_id=customer_id,
            created_by=self._user() if state == "draft" or draw() < 0.1 else 0,
            tag_ids=self._tags(),
            subject=SUBJECTS[int(draw() * len(SUBJECTS))],
            threads=1 if status == "spam" else 1 + int(draw() ** 2 * 9),
            closed=closed,
            closed_by=closed_by,
            waiting_since=waiting_since,
            attachments=draw() < 0.15,
            merged_into=None,
        )
        # One thread alone is that of the creation, and a draft is not published yet.
        if state == "draft":
            return replace(row, threads=0, waiting_since=created)
        return replace(row, waiting_since=created) if row.threads == 1 else row

    def _status(self, created: int) -> _Status:
        draw = self.rng.random
        choice = draw()
        if choice < SPAM:
            return _Status("published", "spam", 0, None, 0)
        if choice < SPAM + DRAFT:
            return _Status("draft", "active", 0, None, 0)
        assignee = self._user() if draw() < 0.75 else 0
        open_share = 0.5 if self.now - created < 14 * DAY else 0.04
        if draw() < open_share:
            return _Status("published", "active" if draw() < 0.6 else "pending", assignee, None, 0)
        closed = min(self.now, created + int(draw() ** 3 * 20 * DAY))
        return _Status("published", "closed", assignee, closed, assignee or self._user())

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


def _creation_times(rng: Random, size: int, since: int, now: int) -> list[int]:
    """This many creation times from ``since`` to ``now``, epoch seconds, ascending.

    A support desk has quiet nights and weekends, grows slowly, sometimes gets many conversations
    within one second, and sometimes has events exactly at midnight.
    """
    bursts = _burst_times(rng, size, since, now)
    edges = _edge_times(rng, size // 50, since, now)
    rest = _normal_times(rng, size - len(bursts) - len(edges), since, now)
    return sorted(bursts + edges + rest)


def _normal_times(rng: Random, size: int, since: int, now: int) -> list[int]:
    first, last = since // DAY, now // DAY
    span = max(last - first, 1)
    weights = [
        WEEKDAYS[(day + 3) % 7] * (1 - GROWTH / 2 + GROWTH * (day - first) / span)
        for day in range(first, last + 1)
    ]
    days = rng.choices(range(first, last + 1), cum_weights=list(accumulate(weights)), k=size)
    hours = rng.choices(range(24), weights=HOURS, k=size)
    draw = rng.random
    found = [
        day * DAY + hour * 3600 + int(draw() * 3600) for day, hour in zip(days, hours, strict=True)
    ]
    return [
        second if since <= second <= now else since + int(draw() * (now - since + 1))
        for second in found
    ]


def _burst_times(rng: Random, size: int, since: int, now: int) -> list[int]:
    few = 1 if size >= 200 else 0
    many = min(20, size // 1000)
    found: list[int] = []
    for _ in range(max(few, many)):
        found += [rng.randint(since, now)] * rng.randint(30, min(120, size // 5))
    return found


def _edge_times(rng: Random, size: int, since: int, now: int) -> list[int]:
    found: list[int] = []
    while len(found) < size:
        midnight = rng.randint(since, now) // DAY * DAY
        month = datetime.fromtimestamp(midnight, UTC).replace(day=1)
        near = (midnight, midnight - 1, int(month.timestamp()))
        found += [second for second in near if since <= second <= now]
        if now - since < 2 * DAY:
            break
    return found[:size]

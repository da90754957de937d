"""What the answer must be: every conversation tried against every bucket, with datetimes.

Nothing here may come from the code under test, or their mistakes would agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal
from urllib.parse import quote, urlencode

from compat.simulator import Account, Conversation
from compat.simulator.history import threads_of
from compat.simulator.thread import Thread
from tests.unit.core import naive

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PATH = "/v1/reports/conversations/new.json"
MESSAGES = "/v1/reports/conversations/received-messages.json"
UNTAGGED = 1
HOMES = {"open", "assigned", "closed", "spam", "drafts"}
Series = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A question, and the rules by which it is judged. Instants are epoch seconds."""

    start: int
    end: int
    previous: tuple[int, int] | None = None
    view_by: Literal["day", "week", "month"] | None = None
    filters: dict[str, tuple[int | str, ...]] = field(default_factory=dict)
    states: frozenset[str] = frozenset({"published"})
    not_counted: frozenset[str] = frozenset({"spam"})

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values as callers send them."""
        pairs = [("start", text(self.start)), ("end", text(self.end))]
        if self.previous:
            pairs += zip(("previousStart", "previousEnd"), map(text, self.previous), strict=True)
        if self.view_by:
            pairs.append(("viewBy", self.view_by))
        return pairs + [(name, ",".join(map(str, ids))) for name, ids in self.filters.items()]

    def target(self, style: str = "raw", *, path: str = PATH) -> str:
        """The request line's target: with raw colons and commas, encoded, or as PHP sends lists."""
        if style == "raw":
            return f"{path}?{urlencode(self.pairs(), safe=':,')}&"
        if style == "encoded":
            return f"{path}?{urlencode(self.pairs(), quote_via=quote)}"
        lists = [
            (f"{name}[{at}]", each)
            for name, ids in self.filters.items()
            for at, each in enumerate(ids)
        ]
        scalars = [(name, value) for name, value in self.pairs() if name not in self.filters]
        return f"{path}?{urlencode([*scalars, *lists])}"


def text(seconds: int) -> str:
    """An instant as answers print it."""
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def matches(row: Conversation, asked: Asked, account: Account) -> bool:
    """Whether a conversation, as it is now, is among those asked for, whenever it was created."""
    if row.state not in asked.states or row.status in asked.not_counted:
        return False
    filters = asked.filters
    if "mailboxes" in filters and row.mailbox_id not in filters["mailboxes"]:
        return False
    if "types" in filters and row.type not in filters["types"]:
        return False
    if "tags" in filters and not (set(row.tag_ids) or {UNTAGGED}) & set(filters["tags"]):
        return False
    if "folders" in filters:
        return any(shows(int(each), row, account) for each in filters["folders"])
    return True


def shows(folder_id: int, row: Conversation, account: Account) -> bool:
    """Whether a folder shows a conversation: because it lives there, or because it is a view."""
    folder = account.layout.folder_by_id.get(folder_id)
    if folder is None or folder.mailbox_id != row.mailbox_id:
        return False
    home = account.layout.folder_by_id[row.folder_id].type
    if folder.type in HOMES:
        return row.folder_id == folder_id
    if folder.type == "needs_attn":
        return home == "open" and row.status == "active"
    if folder.type == "mytickets":
        return home == "assigned" and row.assignee_id == folder.user_id
    team = account.layout.team_by_id[folder.user_id]
    return home in {"assigned", "closed"} and row.assignee_id in team.user_ids


def counted(
    rows: Iterable[Conversation | Thread], start: int, end: int, view_by: str | None
) -> list[tuple[str, int]]:
    """The series of a range: each bucket's start, and how many of the rows fall into it."""
    openings = list(_openings(start, end, view_by or "week"))
    after = EPOCH + timedelta(seconds=end + 1)
    spans = list(pairwise([*openings, after]))
    moments = [EPOCH + timedelta(seconds=row.created) for row in rows]
    return [
        (low.strftime("%Y-%m-%dT%H:%M:%SZ"), sum(low <= moment < high for moment in moments))
        for low, high in spans
    ]


def _openings(start: int, end: int, view_by: Any) -> Iterable[datetime]:
    first, last = EPOCH + timedelta(seconds=start), EPOCH + timedelta(seconds=end)
    yield first
    yield from list(_until(first, last, view_by))[1:]


def _until(first: datetime, last: datetime, view_by: Any) -> Iterable[datetime]:
    for opening in naive.calendar_starts(first, view_by, "clamped"):
        if opening >= last:
            return
        yield opening


def answer(asked: Asked, account: Account) -> Series:
    """The whole answer, as its JSON reads."""
    rows = [row for row in account.conversations() if matches(row, asked, account)]
    return _series(asked, rows, ("start", "count"))


def received(asked: Asked, account: Account) -> Series:
    """The whole answer to the same question about received messages."""
    return _series(asked, messages(asked, account), ("date", "messages"))


def messages(asked: Asked, account: Account) -> list[Thread]:
    """The received messages that are asked for, as the account is now, whenever they came."""
    rows = [row for row in account.conversations() if matches(row, asked, account)]
    return [each for row in rows for each in threads_of(row, account.layout) if is_message(each)]


def is_message(thread: Thread) -> bool:
    """Whether a customer wrote it, or said it on the phone."""
    if thread.state != "published" or "imported" in thread.action:
        return False
    by_customer = thread.by == "customer" and thread.type in {"chat", "beaconchat", "phone"}
    return thread.type == "customer" or by_customer


def _series(asked: Asked, rows: Iterable[Conversation | Thread], keys: tuple[str, str]) -> Series:
    found = list(rows)
    ranges = {"current": (asked.start, asked.end)}
    if asked.previous:
        ranges["previous"] = asked.previous
    return {
        name: [
            dict(zip(keys, point, strict=True)) for point in counted(found, *span, asked.view_by)
        ]
        for name, span in ranges.items()
    }

"""The record of one simulated conversation, and the API's format of dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.simulator.thread import Thread

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def format_timestamp(seconds: int) -> str:
    """Format epoch seconds as the API does: UTC, whole seconds, a ``Z``."""
    date = datetime.fromtimestamp(seconds, UTC)
    return f"{date.year:04d}-{date:%m-%dT%H:%M:%S}Z"


def parse_timestamp(text: str) -> int:
    """Parse a date in the API's only format to epoch seconds; ValueError for any other."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return int(datetime.fromisoformat(text).timestamp())


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation at one time; a change makes a new record.

    Times are epoch seconds. People who do not exist are 0, times that do not exist are None.
    ``millis`` is the part of the creation time that payloads never show. A merged conversation
    is also deleted, and ``merged_into`` is the id of the other one.

    ``threads`` is the number of published threads without line items. ``history`` has all threads,
    the oldest first, or is None for those that are made up from the other fields.
    ``user_updated`` is when a user last changed something; None for ``modified``.
    """

    id: int
    number: int
    created: int
    millis: int
    modified: int
    type: str
    status: str
    state: str
    mailbox_id: int
    folder_id: int
    assignee_id: int
    customer_id: int
    created_by: int
    tag_ids: tuple[int, ...]
    subject: str
    threads: int
    closed: int | None
    closed_by: int
    waiting_since: int
    attachments: bool
    merged_into: int | None
    history: tuple[Thread, ...] | None = None
    user_updated: int | None = None

    @property
    def created_at(self) -> datetime:
        """The creation time, whole seconds, UTC."""
        return datetime.fromtimestamp(self.created, UTC)

    @property
    def listed(self) -> bool:
        """Whether lists may show it: neither deleted nor merged."""
        return self.state != "deleted"

    @property
    def counts(self) -> bool:
        """Whether a report on new conversations counts it: published and no spam."""
        return self.state == "published" and self.status != "spam"

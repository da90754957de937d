"""What the simulated account remembers of one conversation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def stamp(seconds: int) -> str:
    """Epoch seconds as the API writes them: UTC, whole seconds, a ``Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}Z"


def seconds_of(text: str) -> int:
    """The epoch seconds of a date in the API's one format; ValueError for any other."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return int(datetime.fromisoformat(text).timestamp())


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation as it is at one moment; a change makes a new record.

    Instants are epoch seconds. Absent people are 0, absent instants None. ``millis`` is the part
    of the creation time that payloads never show. A merged conversation is deleted, too, and
    ``merged_into`` says where it went.
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

    @property
    def reply_user_ids(self) -> tuple[int, ...]:
        """The users who answered in it."""
        if self.threads < 2:
            return ()
        return tuple(sorted({self.assignee_id, self.closed_by} - {0}))

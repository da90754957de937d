"""What the archive is told, and the constants of its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from compat.core.calendar import FIRST_SECOND, LAST_SECOND
from compat.core.models import Row

LAYERS: Final = ("spam", "all", "spam-again")
"""Whether a list of `all` conversations shows spam is not documented. A stretch of time is
covered once it was walked in these three ways, in this order: a conversation that is marked, or
unmarked, while the walks go on is still met by one of them."""

MARGIN: Final = 900
"""Seconds by which upstream's index may lag: what was created or modified later than this before
a walk began is not known to be in it."""

BEGINNING: Final = FIRST_SECOND
"""The year 1: where coverage begins once nothing exists before the first conversation."""

END: Final = LAST_SECOND
"""The end of the year 9999: where the coverage of an account ends that is closed for good."""


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """A conversation as one answer of upstream's showed it. Instants are epoch seconds UTC.

    Attributes:
        row: What counting needs of it.
        seen: The second at which that answer was asked for, by upstream's clock.
        number: The number people see.
        closed: When it was last closed; None if never.
        closed_by: The user who closed it, or 0.
        created_by: Who created it, a user or a customer, or 0.
        customer: Its primary customer, or 0.
        assignee: The user it is assigned to, or 0.
        threads: How many threads it has.
        updated: When a user last changed it.
        waiting_since: Since when its customer waits.
        document: The JSON as received; None if it is not to be kept.
    """

    row: Row
    seen: int
    number: int = 0
    closed: int | None = None
    closed_by: int = 0
    created_by: int = 0
    customer: int = 0
    assignee: int = 0
    threads: int = 0
    updated: int | None = None
    waiting_since: int | None = None
    document: bytes | None = None

"""Search expressions, of the documented kinds only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_SECOND: Final = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds())
"""The last second that a four-digit year can name, in epoch seconds."""


def created_between(first: int, last: int) -> str:
    """Select by creation time.

    Args:
        first: The first second, epoch seconds UTC, included.
        last: The last second, likewise.
    """
    return f"(createdAt:[{spelled(first)} TO {spelled(min(last, LAST_SECOND))}])"


def spelled(second: int) -> str:
    """A second as Mailbox API 2.0 wants it: whole, with four digits for the year, and `Z`."""
    # A date with a fraction is refused upstream, and isoformat pads the year where strftime
    # does not.
    return (_EPOCH + timedelta(seconds=second)).replace(tzinfo=None).isoformat() + "Z"

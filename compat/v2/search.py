"""Search expressions, of the documented kinds only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, spelled without an offset
FIRST_SECOND: Final = -62_135_596_800
"""The first second that a four-digit year can name, in epoch seconds; stands for no beginning."""

LAST_SECOND: Final = 253_402_300_799
"""The last one; stands for no end."""


def created_between(first: int, last: int) -> str:
    """Select by creation time.

    Args:
        first: The first second, epoch seconds UTC, included; `FIRST_SECOND` or before: no limit.
        last: The last second, likewise; `LAST_SECOND` or after: no limit.
    """
    return f"({_created(first, last)})"


def modified_since(since: int, first: int, last: int) -> str:
    """Select by the last modification, and by creation time.

    The top stays open: bounded above, a conversation that is touched every minute is never seen.

    Args:
        since: The first second of modification, epoch seconds UTC, included.
        first: As for `created_between`.
        last: Likewise.
    """
    return f"(modifiedAt:[{spelled(since)} TO *] AND {_created(first, last)})"


def _created(first: int, last: int) -> str:
    low = "*" if first <= FIRST_SECOND else spelled(first)
    high = "*" if last >= LAST_SECOND else spelled(last)
    return f"createdAt:[{low} TO {high}]"


def spelled(second: int) -> str:
    """A second as Mailbox API 2.0 wants it: whole, with four digits for the year, and `Z`."""
    # A date with a fraction is refused upstream, and isoformat pads the year where strftime
    # does not.
    return (_EPOCH + timedelta(seconds=second)).isoformat() + "Z"

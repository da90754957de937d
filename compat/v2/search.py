"""Which conversations to list: a selection, a window of creation time, and their query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, written without an offset
FIRST_SECOND: Final = -62_135_596_800
"""The first second of year 1, epoch seconds UTC; as a limit it means no beginning."""

LAST_SECOND: Final = 253_402_300_799
"""The last second of year 9999, epoch seconds UTC; as a limit it means no end."""


@dataclass(frozen=True)
class Window:
    """An interval of creation time, epoch seconds UTC, both ends included."""

    first: int
    last: int


@dataclass(frozen=True)
class Selection:
    """The filters of a list of conversations, except the creation time.

    Attributes:
        mailboxes: Only conversations in one of these; all visible ones if empty.
        folder: Only conversations that this folder shows.
        status: `all`, or `spam` for what `all` may hide.
        modified_since: Only what was modified in this second, epoch UTC, or later.
        modified_until: Only what was last modified in this second or before, and what was so in
            the very first instant of the next one. What is modified while the list is read leaves
            it. Not used without `modified_since`.
        threads: Whether each conversation is listed with its threads.
    """

    mailboxes: tuple[int, ...] = ()
    folder: int | None = None
    status: str = "all"
    modified_since: int | None = None
    modified_until: int = LAST_SECOND
    threads: bool = False

    def params(self, first: int, last: int, sort: str, page: int) -> dict[str, str]:
        """The parameters of one request.

        Args:
            first: The first second of creation, epoch UTC, included.
            last: The last second of creation, included.
            sort: The field to sort by, ascending.
            page: The page's number, counted from 1.
        """
        params = {
            "status": self.status,
            "query": self._query(first, last),
            "sortField": sort,
            "sortOrder": "asc",
            "page": str(page),
        }
        if self.mailboxes:
            params["mailbox"] = ",".join(map(str, self.mailboxes))
        if self.folder is not None:
            params["folder"] = str(self.folder)
        if self.threads:
            params["embed"] = "threads"
        return params

    def _query(self, first: int, last: int) -> str:
        if self.modified_since is None:
            return created_between(first, last)
        # As for creation: the index may keep fractions of the last second.
        modified = _range("modifiedAt", self.modified_since, self.modified_until + 1)
        return f"({modified} AND {_range('createdAt', first, last)})"


def created_between(first: int, last: int) -> str:
    """The search expression for a creation time.

    Args:
        first: The first second, epoch UTC, included; `FIRST_SECOND` or before means no limit.
        last: The last second, included; `LAST_SECOND` or after means no limit.
    """
    return f"({_range('createdAt', first, last)})"


def _range(field: str, first: int, last: int) -> str:
    low = "*" if first <= FIRST_SECOND else format_timestamp(first)
    high = "*" if last >= LAST_SECOND else format_timestamp(last)
    return f"{field}:[{low} TO {high}]"


def format_timestamp(second: int) -> str:
    """Format epoch seconds as API 2.0 wants them: whole seconds, a year of four digits, `Z`."""
    # API 2.0 refuses fractions. isoformat pads the year with zeros; strftime does not.
    return (_EPOCH + timedelta(seconds=second)).isoformat() + "Z"

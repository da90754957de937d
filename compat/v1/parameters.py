"""The query parameters of the old reports, as a table.

A report's parameters are a tuple of rows. The groups below recur from report to report; a
further one adds a row, or a group of rows, and a field of `ReportQuery` for each to fill.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

from compat.config.conventions import Conventions, ViewBy
from compat.v1.datetimes import parse_instant

if TYPE_CHECKING:
    from datetime import datetime

Reader = Callable[[str, Conventions], object]
"""Turns one decoded, non-empty text into a value; raises ValueError if it cannot."""

TYPES: Final = ("email", "chat", "phone")
"""The kinds of conversation that the old API knew, as the vendor's page lists them."""

DEFAULT_ROWS: Final = 10
MAX_ROWS: Final = 50
"""Rows on a page of a list of conversations: by default, and at most; by the vendor's page."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_ID: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row: a parameter's name and how it is read.

    Attributes:
        name: The name as the vendor's page spells it.
        attribute: The field of `ReportQuery` that it fills.
        read: How one value is read.
        expected: What is welcome, as the end of a sentence.
        many: Whether it is a list. Then `1,2`, `name[]=1`, `name[0]=1` and repetition all mean
            the same.
        required: Whether a request without it is refused.
        edge: Which edge of the range called `attribute` this instant is; None for any other
            parameter.
        default: What a request without it means.
    """

    name: str
    attribute: str
    read: Reader
    expected: str
    many: bool = False
    required: bool = False
    edge: Literal["start", "end"] | None = None
    default: Callable[[Conventions], object] | None = None


def parse_start(text: str, conventions: Conventions) -> datetime:
    """The first second of a range."""
    return parse_instant(text, conventions, end=False)


def parse_end(text: str, conventions: Conventions) -> datetime:
    """The last second of a range."""
    return parse_instant(text, conventions, end=True)


def parse_id(text: str, _: Conventions) -> int:
    """A mailbox, tag or folder id: one to eighteen ASCII digits.

    Raises:
        ValueError: Anything else, also what `int` would take (`1_000`, `+1`, full-width digits).
    """
    if not _ID.fullmatch(text):
        raise ValueError(f"not an id: {text!r}")
    return int(text)


def parse_type(text: str, _: Conventions) -> str:
    """A kind of conversation, in lower case.

    Raises:
        ValueError: It is none of `TYPES`.
    """
    return _one_of(TYPES, text)


def parse_view_by(text: str, _: Conventions) -> ViewBy:
    """The length of a bucket, in lower case.

    Raises:
        ValueError: It is not day, week or month.
    """
    return cast("ViewBy", _one_of(get_args(ViewBy), text))


def parse_number(text: str, _: Conventions) -> int:
    """A page, or how many rows it has: one to nine ASCII digits, at least 1.

    Raises:
        ValueError: Anything else.
    """
    if not _NUMBER.fullmatch(text) or int(text) < 1:
        raise ValueError(f"not a number from 1 on: {text!r}")
    return int(text)


def parse_rows(text: str, conventions: Conventions) -> int:
    """How many rows a page has; more than the vendor's page allows are cut to that (decided)."""
    return min(parse_number(text, conventions), MAX_ROWS)


def _one_of(allowed: tuple[str, ...], text: str) -> str:
    if text not in allowed:
        raise ValueError(f"not one of {', '.join(allowed)}: {text!r}")
    return text


def _instant(
    name: str, attribute: str, edge: Literal["start", "end"], *, required: bool = False
) -> Parameter:
    reader: Reader = parse_start if edge == "start" else parse_end
    expected = "an ISO 8601 date and time in UTC such as 2015-01-31T23:59:59Z"
    return Parameter(name, attribute, reader, expected, required=required, edge=edge)


def _ids(name: str) -> Parameter:
    return Parameter(
        name,
        name,
        parse_id,
        "ids of at most 18 digits, separated by commas, such as 1,2",
        many=True,
    )


RANGE: Final = (
    _instant("start", "current", "start", required=True),
    _instant("end", "current", "end", required=True),
)
"""The range."""

PREVIOUS_RANGE: Final = (
    _instant("previousStart", "previous", "start"),
    _instant("previousEnd", "previous", "end"),
)
"""The range to compare with: both or neither."""

FILTERS: Final = (
    _ids("mailboxes"),
    _ids("tags"),
    Parameter(
        "types", "types", parse_type, f"any of {', '.join(TYPES)}, separated by commas", many=True
    ),
    _ids("folders"),
)
"""The filters, which nearly every report takes."""

VIEW_BY: Final = (
    Parameter(
        "viewBy",
        "view_by",
        parse_view_by,
        "one of day, week, month",
        default=lambda conventions: conventions.default_view_by,
    ),
)
"""The length of a bucket, for reports that are a series."""

PAGE: Final = Parameter(
    "page", "page", parse_number, "the number of a page, from 1 on", default=lambda _: 1
)
"""Which page of a list is asked for."""

PAGING: Final = (
    PAGE,
    Parameter(
        "rows", "rows", parse_rows, f"a number from 1 to {MAX_ROWS}", default=lambda _: DEFAULT_ROWS
    ),
)
"""Which page of a list of conversations, and how long it is."""

MAILBOX: Final = Parameter("mailbox", "mailbox", parse_id, "the id of a mailbox")
"""The mailbox that a path names."""

"""The query parameters of the old reports, as tables.

The parameters of a report are a tuple of `Parameter`. The groups below are shared by several
reports. A new parameter needs a `Parameter` here and a field of `ReportQuery`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from compat.v1.datetimes import parse_instant

if TYPE_CHECKING:  # pydantic is slow to import, and the command line needs these tables for --help
    from datetime import datetime

    from compat.config.conventions import Conventions, ViewBy

ValueParser: TypeAlias = "Callable[[str, Conventions], object]"
"""Parses one decoded, non-empty text; raises ValueError if the text is wrong."""

LENGTHS: Final[tuple[ViewBy, ...]] = ("day", "week", "month")
"""The lengths of a bucket."""

TYPES: Final = ("email", "chat", "phone")
"""The types of conversation in the old API, as the vendor's page lists them."""

USER_TYPES: Final = ("user", "team")
"""What a list of users may list, as the vendor's page has it."""

DEFAULT_ROWS: Final = 10
MAX_ROWS: Final = 50
"""Rows on a page of a list of conversations: the default and the maximum, by the vendor's page."""

FLAT_LIST_ROWS: Final = 25
"""Rows on a page of the other lists in reports, which have no `rows`. The length is decided: it was
not documented, and a documented answer has 58 rows on three pages."""

RATINGS: Final = ("0", "1", "2", "3")
"""Which ratings a list may have, as the vendor's page numbers them."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_ID: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """The name of a parameter and how it is parsed.

    Attributes:
        name: The name on the vendor's page.
        attribute: The field of `ReportQuery` that it sets.
        parse: Parses one value.
        expected: What to send, as the end of a sentence.
        many: Whether it is a list. Then `1,2`, `name[]=1`, `name[0]=1` and repetition all mean
            the same.
        required: Whether a request without it is refused.
        edge: Whether it is the start or the end of the range named by `attribute`; None for all
            other parameters.
        default: Returns the value if a request does not have it.
        note: A sentence for the reference that is not part of errors; may be empty.
        most_days: The longest range in days for each length of a bucket, by the vendor's page,
            where no convention says otherwise.
        least_days: The shortest range, likewise.
        sent_as: How a request sends values that it does not send as they are written here.
        choices: Where only some texts are allowed or have a meaning: each of them by a word for it,
            which the command line and Python accept as well.
    """

    name: str
    attribute: str
    parse: ValueParser
    expected: str
    many: bool = False
    required: bool = False
    edge: Literal["start", "end"] | None = None
    default: Callable[[Conventions], object] | None = None
    note: str = ""
    most_days: Mapping[str, int] = field(default_factory=dict)
    least_days: Mapping[str, int] = field(default_factory=dict)
    sent_as: Mapping[object, object] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name in lower case: case makes no difference in the names of parameters."""
        return self.name.lower()

    @property
    def description(self) -> str:
        """What to send and the note, as sentences."""
        expected = f"{self.expected[0].upper()}{self.expected[1:]}."
        return f"{expected} {self.note}".rstrip()

    def default_as_sent(self, conventions: Conventions) -> object:
        """The default as a request would send it; None if there is none."""
        value = self.default(conventions) if self.default else None
        return self.sent_as.get(value, value)


def parse_start(text: str, conventions: Conventions) -> datetime:
    """The first second of a range."""
    return parse_instant(text, conventions, end=False)


def parse_end(text: str, conventions: Conventions) -> datetime:
    """The last second of a range."""
    return parse_instant(text, conventions, end=True)


def parse_id(text: str, _: Conventions) -> int:
    """A mailbox, tag or folder id: one to eighteen ASCII digits.

    Raises:
        ValueError: Anything else, including what `int` accepts (`1_000`, `+1`, full-width digits).
    """
    if not _ID.fullmatch(text):
        raise ValueError(f"not an id: {text!r}")
    return int(text)


def parse_user_id(text: str, conventions: Conventions) -> int:
    """The id of a user or a team, from 1 on.

    What no user wrote has the author 0. So a report on that id would count what customers wrote.

    Raises:
        ValueError: Anything else.
    """
    id_ = parse_id(text, conventions)
    if not id_:
        raise ValueError("no user or team has the id 0")
    return id_


def parse_type(text: str, _: Conventions) -> str:
    """A type of conversation, in lower case.

    Raises:
        ValueError: It is not one of `TYPES`.
    """
    return _one_of(TYPES, text)


def parse_user_type(text: str, _: Conventions) -> str:
    """Whether users or teams are listed, in lower case.

    Raises:
        ValueError: It is not one of `USER_TYPES`.
    """
    return _one_of(USER_TYPES, text)


def parse_view_by(text: str, _: Conventions) -> ViewBy:
    """The length of a bucket, in lower case.

    Raises:
        ValueError: It is not day, week or month.
    """
    return cast("ViewBy", _one_of(LENGTHS, text))


def parse_number(text: str, _: Conventions) -> int:
    """The number of a page or of its rows: one to nine ASCII digits, at least 1.

    Raises:
        ValueError: Anything else.
    """
    if not _NUMBER.fullmatch(text) or int(text) < 1:
        raise ValueError(f"not a number from 1 on: {text!r}")
    return int(text)


def parse_rows(text: str, conventions: Conventions) -> int:
    """How many rows a page has; a higher number than the maximum means the maximum (decided)."""
    return min(parse_number(text, conventions), MAX_ROWS)


def parse_rating(text: str, _: Conventions) -> int:
    """Which ratings are listed: 0 all, 1 great, 2 okay, 3 not good.

    Raises:
        ValueError: Anything else.
    """
    return int(_one_of(RATINGS, text))


def parse_office_hours_flag(text: str, _: Conventions) -> bool:
    """Whether only office hours count.

    Raises:
        ValueError: It is neither 0 nor 1, nor `false` or `true`.
    """
    return _one_of(("0", "1", "false", "true"), text) in {"1", "true"}


def parse_sort_order(text: str, _: Conventions) -> bool:
    """Whether rows are sorted from the highest value to the lowest.

    Raises:
        ValueError: It is neither ASC nor DESC.
    """
    return _one_of(("asc", "desc"), text) == "desc"


def _one_of(allowed: tuple[str, ...], text: str) -> str:
    """A text in lower case; case makes no difference, as clients send `ASC` and `asc`."""
    if text.lower() not in allowed:
        raise ValueError(f"not one of {', '.join(allowed)}: {text!r}")
    return text.lower()


def _instant(
    name: str, attribute: str, edge: Literal["start", "end"], *, required: bool = False
) -> Parameter:
    parse: ValueParser = parse_start if edge == "start" else parse_end
    expected = "an ISO 8601 date and time in UTC such as 2015-01-31T23:59:59Z"
    return Parameter(name, attribute, parse, expected, required=required, edge=edge)


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
"""The range to compare with: both ends or neither."""

FILTERS: Final = (
    _ids("mailboxes"),
    _ids("tags"),
    Parameter(
        "types", "types", parse_type, f"any of {', '.join(TYPES)}, separated by commas", many=True
    ),
    _ids("folders"),
)
"""The filters, which nearly every report has."""

VIEW_BY: Final = (
    Parameter(
        "viewBy",
        "view_by",
        parse_view_by,
        f"one of {', '.join(LENGTHS)}",
        default=lambda conventions: conventions.default_view_by,
        choices={word: word for word in LENGTHS},
    ),
)
"""The length of a bucket, for reports with buckets."""

LIMITED_VIEW_BY: Final = (
    replace(
        VIEW_BY[0],
        most_days={"day": 120, "week": 366},
        least_days={"month": 61},
        note="By day a range has at most 120 days, by week at most a year, by month at least 61.",
    ),
)
"""The same with limits, for reports of which the vendor's page names them."""

PAGE: Final = Parameter(
    "page", "page", parse_number, "the number of a page, from 1 on", default=lambda _: 1
)
"""The requested page of a list."""

PAGING: Final = (
    PAGE,
    Parameter(
        "rows",
        "rows",
        parse_rows,
        f"a number from 1 to {MAX_ROWS}",
        default=lambda _: DEFAULT_ROWS,
        note=f"A larger number is not an error and gives {MAX_ROWS} rows.",
    ),
)
"""The requested page of a list of conversations, and its length."""

REPORT_USER: Final = Parameter(
    "user",
    "user",
    parse_user_id,
    "the id of a user or a team, as in users.json and teams.json",
    required=True,
)
"""Whom a report is about."""

OFFICE_HOURS: Final = Parameter(
    "officeHours",
    "office_hours",
    parse_office_hours_flag,
    "1 if only office hours count as waits, else 0",
    default=lambda _: False,
    note="It changes nothing if no office hours are set.",
    sent_as={False: 0, True: 1},
)
"""Whether only office hours count."""

RATING: Final = Parameter(
    "rating",
    "rating",
    parse_rating,
    "0 for all ratings, 1 for great, 2 for okay, 3 for not good",
    required=True,
    choices=dict(zip(("all", "great", "okay", "not-good"), RATINGS, strict=True)),
)
"""Which ratings are listed."""


def sorting(fields: tuple[str, ...], default: str, *, descending: bool) -> tuple[Parameter, ...]:
    """By which field rows are sorted, and in which direction.

    An unknown field means the default: a known client sends names that no page has.

    Args:
        fields: The names of the fields, spelled as on the vendor's page.
        default: The field if a request names none.
        descending: The direction if a request names none.
    """
    known = {name.lower(): name for name in fields}
    return (
        Parameter(
            "sortField",
            "sort_field",
            lambda text, _: known.get(text.lower(), default),
            f"one of {', '.join(fields)}",
            default=lambda _: default,
            note=f"Any other text means {default}.",
            choices={name: name for name in fields},
        ),
        Parameter(
            "sortOrder",
            "descending",
            parse_sort_order,
            "ASC or DESC",
            default=lambda _: descending,
            sent_as={False: "asc", True: "desc"},
            choices={"asc": "ASC", "desc": "DESC"},
        ),
    )


RATING_SORTING: Final = sorting(("number", "modifiedAt", "rating"), "modifiedAt", descending=True)
HISTORY_SORTING: Final = sorting(
    ("number", "repliesSent", "responseTime", "resolveTime"), "number", descending=False
)
"""How ratings and the conversations of a user are sorted; the defaults are decided."""

MAILBOX: Final = Parameter("mailbox", "mailbox", parse_id, "the id of a mailbox")
USER: Final = Parameter("user", "user", parse_id, "the id of a user")
TEAM: Final = Parameter("team", "team", parse_id, "the id of a team")
"""The mailbox, user or team in a path."""

USER_TYPE: Final = Parameter(
    "type",
    "type",
    parse_user_type,
    f"one of {', '.join(USER_TYPES)}",
    default=lambda _: USER_TYPES[0],
)
"""Whether a list of users has users or teams."""

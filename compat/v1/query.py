"""Parse the query of a request: `parse_pairs`, then `parse_query`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar
from urllib.parse import unquote_to_bytes

from compat.core import buckets, calendar
from compat.v1.datetimes import from_epoch, to_epoch
from compat.v1.errors import BadParameter, ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from compat.config.conventions import Conventions, ViewBy
    from compat.v1.parameters import Parameter


__all__ = [
    "ListPageQuery",
    "Query",
    "Range",
    "ReportQuery",
    "page_of",
    "parse_pairs",
    "parse_query",
    "parse_values",
]


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """The parsed query of a report, with defaults filled in.

    Lists keep the order in which their items were sent, without repetitions. An empty list means
    no filter.

    Attributes:
        current: The requested range.
        previous: The range to compare with, if one was requested.
        mailboxes: Mailbox ids.
        tags: Tag ids; one id means conversations without a tag.
        types: Of email, chat and phone.
        folders: Folder ids.
        view_by: The length of a bucket; None for a report without buckets.
        page: The requested page of a list, from 1 on.
        rows: How many rows a page of a list has, if the report lets a request choose.
        all_rows: Whether the first page has all rows instead. No request of the old API says so.
        user: The id of a user or a team; 0 in a report that is not about one.
        office_hours: Whether only seconds within office hours count as waits.
        rating: Only ratings of this kind: 1 great, 2 okay, 3 not good; 0 for all.
        sort_field: By which field rows are sorted.
        descending: Whether rows are sorted from the highest value to the lowest.
    """

    current: Range
    previous: Range | None = None
    mailboxes: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    folders: tuple[int, ...] = ()
    view_by: ViewBy | None = None
    page: int = 1
    rows: int = 10
    all_rows: bool = False
    user: int = 0
    office_hours: bool = False
    rating: int = 0
    sort_field: str = ""
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ListPageQuery:
    """The parsed query of a list, or of one item of a list.

    Attributes:
        page: The requested page, from 1 on.
        all_rows: As in `ReportQuery`.
        mailbox: The id of the mailbox in the path; 0 without one.
        user: The id of the user in the path; 0 without one.
        team: The id of the team in the path; 0 without one.
        type: Whether users are listed, or teams.
    """

    page: int = 1
    all_rows: bool = False
    mailbox: int = 0
    user: int = 0
    team: int = 0
    type: Literal["user", "team"] = "user"


Query = ReportQuery | ListPageQuery


def page_of(query: Query, items: Sequence[Item], rows: int) -> tuple[Sequence[Item], int]:
    """The items on the page that a query asks for, and how many pages there are.

    Args:
        query: The query.
        items: All items, in their order.
        rows: How many a page has, unless all rows are asked for.
    """
    rows = max(len(items), 1) if query.all_rows else rows
    first = (query.page - 1) * rows
    return items[first : first + rows], -(-len(items) // rows)


def parse_pairs(query: bytes) -> list[tuple[str, str]]:
    """The names and values of a query string, decoded, in the order sent. It never fails.

    A plus is a space. Bytes that are not UTF-8 become U+FFFD. A name without `=` has an empty
    value. Empty parts between ampersands are ignored.
    """
    pairs = (part.partition(b"=") for part in query.split(b"&") if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def parameter_name(name: str) -> str:
    """The name of a parameter in lower case, without the index of an array's item.

    Clients were observed to send `sortfield` for `sortField`, so case makes no difference.
    """
    return without_index(name).lower()


def without_index(name: str) -> str:
    """The name of a parameter without the index of an array's item, as in `tags[0]`."""
    return _INDEX.sub("", name)


def list_items(text: str) -> list[str]:
    """The items of a list that commas separate: without blanks around them and empty ones."""
    return [item for item in (part.strip(_BLANKS) for part in text.split(",")) if item]


def parse_query(
    pairs: Iterable[tuple[str, str]], parameters: Sequence[Parameter], conventions: Conventions
) -> ReportQuery:
    """The query of a report, from a request's names and values; see `parse_values`."""
    return ReportQuery(**parse_values(pairs, parameters, conventions))


def parse_values(
    pairs: Iterable[tuple[str, str]], parameters: Sequence[Parameter], conventions: Conventions
) -> dict[str, Any]:
    """The values of a query's fields, from a request's names and values.

    Names that are not in the table and empty values are ignored, as clients were observed to send
    them. Parsing continues after an error, so that one response lists all errors.

    Args:
        pairs: Decoded names and values in the order sent.
        parameters: The report's parameters; they include both ends of the range `current`.
        conventions: The undocumented rules.

    Raises:
        ValidationFailed: One entry for each wrong parameter, in the order of `parameters`.
    """
    parser = _QueryParser(list(pairs), parameters, conventions)
    if parser.errors:
        raise ValidationFailed(parser.errors_in_order())
    return parser.attributes()


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")


_INDEX: Final = re.compile(r"(\[[^\[\]]*\])+\Z")
"""The index that PHP adds to the name of an array's item, as in `tags[0]`. It must be accepted:
without the filter the request would select more conversations."""

_BLANKS: Final = " \t"


@dataclass(frozen=True, slots=True)
class Range:
    """A range of time. A convention decides whether its last second counts.

    Attributes:
        start: The first second, aware, UTC.
        end: The last second, aware, UTC; never before `start`.
    """

    start: datetime
    end: datetime


class _QueryParser:
    """Parses the parameters of one request and collects the errors.

    Attributes:
        values: The parsed values by the name of the parameter.
        ranges: The valid ranges by the name of the attribute.
        errors: At most one error per parameter, by its name.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        parameters: Sequence[Parameter],
        conventions: Conventions,
    ) -> None:
        self._parameters = parameters
        self._conventions = conventions
        self._sent = {row.name: _texts(row, pairs, conventions) for row in parameters}
        self.values: dict[str, Any] = {}
        self.ranges: dict[str, Range] = {}
        self.errors: dict[str, BadParameter] = {}
        self._parse_values()
        self._build_ranges()
        self._check_buckets()

    def attributes(self) -> dict[str, Any]:
        """The values by the names of `ReportQuery`'s fields; the starts of ranges are snapped."""
        plain = {
            row.attribute: self.values[row.name]
            for row in self._parameters
            if row.edge is None and row.name in self.values
        }
        return plain | {name: self._snapped(span) for name, span in self.ranges.items()}

    def errors_in_order(self) -> list[BadParameter]:
        """The errors in the order of the parameters."""
        names = (row.name for row in self._parameters)
        return [self.errors[name] for name in names if name in self.errors]

    def _parse_values(self) -> None:
        for row in self._parameters:
            if self._sent[row.name]:
                self._parse(row)
            elif row.required:
                self._add_error(row, None, f"{row.name} is required: send {row.expected}.")
            elif row.default is not None:
                self.values[row.name] = row.default(self._conventions)

    def _parse(self, row: Parameter) -> None:
        found: dict[object, None] = {}
        for text in self._sent[row.name]:
            try:
                for item in _items(row, text):
                    found[row.parse(item, self._conventions)] = None
            except ValueError:
                self._add_error(row, text, f"{row.name} must be {row.expected}.")
                return
        self.values[row.name] = tuple(found) if row.many else next(iter(found))

    def _build_ranges(self) -> None:
        firsts = {row.attribute: row for row in self._parameters if row.edge == "start"}
        lasts = {row.attribute: row for row in self._parameters if row.edge == "end"}
        for attribute, first in firsts.items():
            last = lasts[attribute]
            self._require_both(first, last)
            if first.name not in self.values or last.name not in self.values:
                continue
            span = Range(self.values[first.name], self.values[last.name])
            if span.end < span.start:
                message = f"{last.name} must not be before {first.name}."
                self._add_error(last, self._text(last), message)
            else:
                self.ranges[attribute] = span

    def _require_both(self, first: Parameter, last: Parameter) -> None:
        for row, other in ((first, last), (last, first)):
            if self._sent[other.name] and not self._sent[row.name]:
                self._add_error(row, None, f"{row.name} is required with {other.name}: send both.")

    def _check_buckets(self) -> None:
        row = next((row for row in self._parameters if row.attribute == "view_by"), None)
        if row is None or row.name not in self.values:
            return
        for span in self.ranges.values():
            reason = next(_limit_errors(span, self.values[row.name], row, self._conventions), None)
            if reason:
                self._add_error(row, self._text(row), reason)

    def _snapped(self, span: Range) -> Range:
        return Range(from_epoch(_first_second(span, self._conventions)), span.end)

    def _text(self, row: Parameter) -> str | None:
        return next(iter(self._sent[row.name]), None)

    def _add_error(self, row: Parameter, value: str | None, message: str) -> None:
        self.errors.setdefault(row.name, BadParameter(row.name, value, message))


def _first_second(span: Range, conventions: Conventions) -> int:
    """The first second of a range, after the convention on snapping."""
    snap, zone = conventions.start_snapped, conventions.company_time_zone
    return buckets.snap_start(to_epoch(span.start), snap, zone)


def _texts(row: Parameter, pairs: Sequence[tuple[str, str]], conventions: Conventions) -> list[str]:
    """The non-empty texts of a parameter: any number for a list, otherwise at most one."""
    named = [value for name, value in pairs if parameter_name(name) == row.key]
    if row.many:
        return [text for text in named if _items(row, text)]
    texts = [text for text in named if text]
    return texts[:1] if conventions.repeated_parameter == "first" else texts[-1:]


def _items(row: Parameter, text: str) -> list[str]:
    return list_items(text) if row.many else [text]


def _limit_errors(
    span: Range, view_by: ViewBy, row: Parameter, conventions: Conventions
) -> Iterator[str]:
    """A sentence for each limit that a range exceeds.

    A range that is written as whole days up to 23:59:59 is one second shorter than those days. Both
    limits on days allow for that second.
    """
    start, end = to_epoch(span.start), to_epoch(span.end)
    longest = {"day": conventions.max_days_by_day, "week": conventions.max_days_by_week}
    shortest = {"month": conventions.min_days_by_month}
    most = longest.get(view_by) or row.most_days.get(view_by)
    least = shortest.get(view_by) or row.least_days.get(view_by)
    if most is not None and end - start > most * calendar.DAY:
        yield f"A range viewed by {view_by} may have at most {most} days: ask for less of it."
    if least is not None and end - start + 1 < least * calendar.DAY:
        yield f"A range viewed by {view_by} must have at least {least} days: view it by week."
    first = _first_second(span, conventions)
    number = buckets.number_of_buckets(first, end, view_by, conventions.month_step)
    if number > conventions.max_buckets:
        yield (
            f"Viewed by {view_by} the range would have {number} points and at most "
            f"{conventions.max_buckets} are given: ask for a shorter range or a longer viewBy."
        )


_ENDS: Final = frozenset({"end", "previousEnd"})
_LAST_TIME: Final = time(23, 59, 59)

Value = date | str | int | Iterable[int] | Iterable[str] | None


def format_pairs(**values: Value) -> list[tuple[str, str]]:
    """Names and values in the form in which a request has them, to be parsed and validated.

    A datetime keeps its time zone; without one it is UTC. A date as the end of a range is the last
    second of that day, because the whole day is meant; a text is sent as it is. Lists are
    separated by commas; None is left out.
    """
    return [
        (name, _format_value(value, is_end=name in _ENDS))
        for name, value in values.items()
        if value is not None
    ]


def _format_value(value: Value, *, is_end: bool) -> str:
    if is_end and isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, _LAST_TIME, UTC)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int):
        return str(value)
    return ",".join(map(str, value or ()))

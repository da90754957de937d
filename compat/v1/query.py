"""A query string becomes a question: `read_pairs`, then `read_query`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from compat.core import buckets, calendar
from compat.v1.datetimes import from_epoch, to_epoch
from compat.v1.errors import BadParameter, ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from compat.config.conventions import Conventions, ViewBy
    from compat.v1.parameters import Parameter


__all__ = [
    "ListPageQuery",
    "Query",
    "Range",
    "ReportQuery",
    "parse_pairs",
    "parse_query",
    "parse_values",
]


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What a caller asks of a report, with defaults filled in.

    Lists keep the order in which their items were sent, without repetitions; an empty one
    means that there is no such filter.

    Attributes:
        current: The range asked about.
        previous: The range to compare with, if one was asked for.
        mailboxes: Mailbox ids.
        tags: Tag ids; one of them may stand for conversations without a tag.
        types: Of email, chat and phone.
        folders: Folder ids.
        view_by: The length of a bucket; None for a report that is no series.
        page: The page of a list that is asked for, from 1 on.
        rows: How many rows a page of a list has.
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


@dataclass(frozen=True, slots=True)
class ListPageQuery:
    """What a caller asks of a list that fills filters.

    Attributes:
        page: The page that is asked for, from 1 on.
        mailbox: The mailbox that the path names, if it names one.
    """

    page: int = 1
    mailbox: int = 0


Query = ReportQuery | ListPageQuery


def parse_pairs(query: bytes) -> list[tuple[str, str]]:
    """The names and values of a query string, decoded, in the order sent; never an error.

    A plus is a space, bytes that are not UTF-8 become U+FFFD, a name without `=` has an empty
    value, and nothing between two ampersands is nothing.
    """
    pairs = (part.partition(b"=") for part in query.split(b"&") if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def parse_query(
    pairs: Iterable[tuple[str, str]], parameters: Sequence[Parameter], conventions: Conventions
) -> ReportQuery:
    """The question that a request's names and values ask of a report; see `read_values`."""
    return ReportQuery(**parse_values(pairs, parameters, conventions))


def parse_values(
    pairs: Iterable[tuple[str, str]], parameters: Sequence[Parameter], conventions: Conventions
) -> dict[str, Any]:
    """The values of a query's fields that a request's names and values give.

    Names that are not in the table are ignored and empty values are absent ones, as observed
    in clients. Reading goes on after the first fault, so that one answer tells them all.

    Args:
        pairs: Decoded names and values in the order sent.
        parameters: The report's table; it holds both edges of the range `current`.
        conventions: The decided rules.

    Raises:
        ValidationFailed: With one entry for each parameter that is wrong, in the table's order.
    """
    reading = QueryParser(list(pairs), parameters, conventions)
    if reading.faults:
        raise ValidationFailed(reading.faults_in_order())
    return reading.attributes()


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")


_INDEX: Final = re.compile(r"(\[[^\[\]]*\])+\Z")
"""What PHP puts behind the name of an array's item. Ignored it would widen a question unseen."""


@dataclass(frozen=True, slots=True)
class Range:
    """A span of time; whether its last second counts is a convention.

    Attributes:
        start: First second, aware, UTC.
        end: Last second, aware, UTC; never before `start`.
    """

    start: datetime
    end: datetime


class QueryParser:
    """What a request says, as far as it can be understood, and every fault in it.

    Attributes:
        values: What could be read, by the parameter's name.
        ranges: Those whose two edges could be read and are in order, by attribute.
        faults: At most one for each parameter, by its name.
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
        self.faults: dict[str, BadParameter] = {}
        self._read_values()
        self._join_edges()
        self._judge_buckets()

    def attributes(self) -> dict[str, Any]:
        """What was read, by the names of `ReportQuery`'s fields; ranges begin where they count."""
        plain = {
            row.attribute: self.values[row.name]
            for row in self._parameters
            if row.edge is None and row.name in self.values
        }
        return plain | {name: self._snapped(span) for name, span in self.ranges.items()}

    def faults_in_order(self) -> list[BadParameter]:
        """The faults in the order of the parameter table."""
        names = (row.name for row in self._parameters)
        return [self.faults[name] for name in names if name in self.faults]

    def _read_values(self) -> None:
        for row in self._parameters:
            if self._sent[row.name]:
                self._read(row)
            elif row.required:
                self._blame(row, None, f"{row.name} is required: send {row.expected}.")
            elif row.default is not None:
                self.values[row.name] = row.default(self._conventions)

    def _read(self, row: Parameter) -> None:
        found: dict[object, None] = {}
        for text in self._sent[row.name]:
            try:
                for item in _items(row, text):
                    found[row.read(item, self._conventions)] = None
            except ValueError:
                self._blame(row, text, f"{row.name} must be {row.expected}.")
                return
        self.values[row.name] = tuple(found) if row.many else next(iter(found))

    def _join_edges(self) -> None:
        firsts = {row.attribute: row for row in self._parameters if row.edge == "start"}
        lasts = {row.attribute: row for row in self._parameters if row.edge == "end"}
        for attribute, first in firsts.items():
            last = lasts[attribute]
            self._want_both(first, last)
            if first.name not in self.values or last.name not in self.values:
                continue
            span = Range(self.values[first.name], self.values[last.name])
            if span.end < span.start:
                message = f"{last.name} must not be before {first.name}."
                self._blame(last, self._text(last), message)
            else:
                self.ranges[attribute] = span

    def _want_both(self, first: Parameter, last: Parameter) -> None:
        for row, other in ((first, last), (last, first)):
            if self._sent[other.name] and not self._sent[row.name]:
                self._blame(row, None, f"{row.name} is required with {other.name}: send both.")

    def _judge_buckets(self) -> None:
        row = next((row for row in self._parameters if row.attribute == "view_by"), None)
        if row is None or row.name not in self.values:
            return
        for span in self.ranges.values():
            reason = next(_refusals(span, self.values[row.name], self._conventions), None)
            if reason:
                self._blame(row, self._text(row), reason)

    def _snapped(self, span: Range) -> Range:
        first = _first_second(span, self._conventions)
        return span if first == to_epoch(span.start) else Range(from_epoch(first), span.end)

    def _text(self, row: Parameter) -> str | None:
        return next(iter(self._sent[row.name]), None)

    def _blame(self, row: Parameter, value: str | None, message: str) -> None:
        self.faults.setdefault(row.name, BadParameter(row.name, value, message))


def _first_second(span: Range, conventions: Conventions) -> int:
    """Where a range that was asked for begins."""
    snap, zone = conventions.start_snapped, conventions.company_time_zone
    return buckets.snap_start(to_epoch(span.start), snap, zone)


def _texts(row: Parameter, pairs: Sequence[tuple[str, str]], conventions: Conventions) -> list[str]:
    """The non-empty texts sent for a parameter: any number for a list, else one at most."""
    named = [value for name, value in pairs if _INDEX.sub("", name) == row.name]
    if row.many:
        return [text for text in named if text.strip(",")]
    texts = [text for text in named if text]
    return texts[:1] if conventions.repeated_parameter == "first" else texts[-1:]


def _items(row: Parameter, text: str) -> list[str]:
    return [item for item in text.split(",") if item] if row.many else [text]


def _refusals(span: Range, view_by: ViewBy, conventions: Conventions) -> Iterator[str]:
    """Why a range may not be viewed in this way; one sentence for each reason.

    Lengths are judged in favour of the caller: a range written as whole days up to 23:59:59
    is one second short of them.
    """
    start, end = to_epoch(span.start), to_epoch(span.end)
    longest = {"day": conventions.max_days_by_day, "week": conventions.max_days_by_week}
    shortest = {"month": conventions.min_days_by_month}
    most, least = longest.get(view_by), shortest.get(view_by)
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


Value = date | str | int | Iterable[int] | Iterable[str] | None


def format_pairs(**values: Value) -> list[tuple[str, str]]:
    """Names and values to be read like those of a request, faults included.

    Datetimes keep their zone; one without a zone is UTC. Lists become commas; None is absent.
    """
    return [(name, _text(value)) for name, value in values.items() if value is not None]


def _text(value: Value) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int):
        return str(value)
    return ",".join(map(str, value or ()))

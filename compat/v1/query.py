"""A query string becomes a question: `read_pairs`, then `read_query`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from compat.v1.errors import ValidationFailed
from compat.v1.reading import Range, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from compat.conventions import Conventions, ViewBy
    from compat.v1.parameters import Parameter

__all__ = ["MenuQuery", "Query", "Range", "ReportQuery", "read_pairs", "read_query", "read_values"]


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
class MenuQuery:
    """What a caller asks of a list that fills filters.

    Attributes:
        page: The page that is asked for, from 1 on.
        mailbox: The mailbox that the path names, if it names one.
    """

    page: int = 1
    mailbox: int = 0


Query = ReportQuery | MenuQuery


def read_pairs(query: bytes) -> list[tuple[str, str]]:
    """The names and values of a query string, decoded, in the order sent; never an error.

    A plus is a space, bytes that are not UTF-8 become U+FFFD, a name without `=` has an empty
    value, and nothing between two ampersands is nothing.
    """
    pairs = (part.partition(b"=") for part in query.split(b"&") if part)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def read_query(
    pairs: Iterable[tuple[str, str]], parameters: Sequence[Parameter], conventions: Conventions
) -> ReportQuery:
    """The question that a request's names and values ask of a report; see `read_values`."""
    return ReportQuery(**read_values(pairs, parameters, conventions))


def read_values(
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
    reading = Reading(list(pairs), parameters, conventions)
    if reading.faults:
        raise ValidationFailed(reading.faults_in_order())
    return reading.attributes()


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")
